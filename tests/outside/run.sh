#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make installcheck` does: builds a plugin against the installed tree, looks at it, checks a configuration that
# uses it, runs a hub with it and sends it a trigger. Arguments: folder of this script, bindir, pkg-config folder.
set -euo pipefail
here=$(cd "$1" && pwd)
bin=$2
export PKG_CONFIG_PATH=$3
belfry=$bin/belfry
work=$(mktemp -d)
hub=
trap 'status=$?; [ -z "$hub" ] || kill "$hub" 2>/dev/null || :; rm -rf "$work"; exit $status' EXIT

step() {
    echo "installcheck: $*"
}

step "build a plugin with $(pkg-config --modversion belfry-plugin)"
# shellcheck disable=SC2046
${CC:-gcc} -std=c11 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden ${SAN_CFLAGS:-} \
    $(pkg-config --cflags belfry-plugin) -o "$work/hello.so" "$here/hello.c"
[ "$(nm -D --defined-only "$work/hello.so" | awk '{ print $3 }')" = belfry_entry ]
[ -x "$belfry" ]
[ -d "$(pkg-config --variable=plugindir belfry-plugin)" ]

step "its sidecar"
"$belfry" plugin inspect --sidecar "$work/hello.so"
[ -s "$work/hello.json" ]

step "the plugins of the documentation, and their tests on the fake host"
examples=$here/../../docs/examples
for name in tickets visits chat uptime slack; do
    # shellcheck disable=SC2046
    ${CC:-gcc} -std=c11 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden ${SAN_CFLAGS:-} \
        $(pkg-config --cflags belfry-plugin) -o "$work/$name.so" "$examples/$name.c"
    "$belfry" plugin inspect --sidecar "$work/$name.so"
    # shellcheck disable=SC2046
    ${CC:-gcc} -std=c11 -Wall -Wextra -Werror -g ${SAN_CFLAGS:-} -o "$work/test_$name" "$examples/test_$name.c" \
        "$examples/$name.c" $(pkg-config --cflags --libs belfry-test)
    "$work/test_$name"
done

step "a configuration that uses it"
cat >"$work/belfry.yaml" <<YAML
version: 1
hub: {listen: "127.0.0.1:0", data_dir: $work/data, plugin_path: "$work"}
orgs: {acme: {users: {ann: {}}}}
sources: {greetings: {plugin: hello, greeting: Good morning}}
channels: {inbox: {plugin: in-app}}
rules: []
unmatched: {deliver: [inbox]}
YAML
"$belfry" check "$work/belfry.yaml"

step "a hub that runs it"
"$belfry" run -c "$work/belfry.yaml" 2>"$work/log" &
hub=$!
for _ in $(seq 1 200); do
    [ ! -S "$work/data/control.sock" ] || break
    kill -0 "$hub" 2>/dev/null || break
    sleep 0.05
done
"$belfry" send -c "$work/belfry.yaml" greetings hello.said --org acme who=ann text=Hi || {
    cat "$work/log"
    exit 1
}
kill -TERM "$hub"
wait "$hub" || {
    cat "$work/log"
    exit 1
}
hub=
step "passed"
