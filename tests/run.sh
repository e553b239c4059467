# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The parts of `./dev test`. Sourced by dev. A part is a function part_NAME that calls `tally PASSED FAILED [SKIPPED]`
# for each runner it started; a part that ends badly without saying what failed counts as one failure.
#
# What tests can rely on: BELFRY_BIN (the program), BELFRY_PLUGIN_PATH, BELFRY_BUILDDIR, BELFRY_SRCDIR, and
# BELFRY_SANITIZED=1 under the sanitizers, BELFRY_LONG=1 with --long. Markers of pytest: `slow` is left out under the
# sanitizers, `long` is left out without --long. The broken plugins of tests/plugins are built into
# $BELFRY_BUILDDIR/tests/plugins/.libs.

FIRST_LANE="unit checks e2e node"
SECOND_LANE="asan fuzz tsan distcheck"
PARTS="$FIRST_LANE $SECOND_LANE"

# Never used together with --enable-werror: sanitizers make the compiler guess wrongly about uninitialised values.
ASAN_BUILD=$ROOT/build-asan
TSAN_BUILD=$ROOT/build-tsan
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1:halt_on_error=1:suppressions=$ROOT/tests/tsan.supp

LONG=
part_passed=0
part_failed=0
part_skipped=0

tally() {
    part_passed=$((part_passed + $1))
    part_failed=$((part_failed + $2))
    part_skipped=$((part_skipped + ${3:-0}))
}

# One failure for a runner that failed without naming one.
tally_status() {
    [ "$1" = 0 ] || [ "$part_failed" -gt "$2" ] || tally 0 1
}

# --- counting what the runners say -------------------------------------------------------------------------------

# Results of `make check`. A program whose cases failed also exits non-zero, which automake adds as an ERROR: that one
# is not counted twice, nor the several of a program that crashed.
tally_trs() {
    local dir=$1 numbers
    numbers=$(find "$dir/tests" -name '*.trs' -exec awk '
        FNR == 1 { bad += failed ? failed : errors; failed = errors = 0 }
        /^:test-result: (PASS|XFAIL)/ { good++ }
        /^:test-result: (FAIL|XPASS)/ { failed++ }
        /^:test-result: ERROR/ { errors = 1 }
        /^:test-result: SKIP/ { skipped++ }
        END { print good + 0, bad + (failed ? failed : errors), skipped + 0 }' {} +)
    # shellcheck disable=SC2086
    [ -z "$numbers" ] || tally $numbers
}

tally_junit() {
    local numbers
    numbers=$(sed -n 's/.*<testsuite \([^>]*\)>.*/\1/p' "$1" | head -n 1 | tr ' ' '\n' | sed 's/"//g' | awk -F= '
        { n[$1] = $2 }
        END { bad = n["errors"] + n["failures"]; print n["tests"] - bad - n["skipped"], bad, n["skipped"] + 0 }')
    # shellcheck disable=SC2086
    [ -z "$numbers" ] || tally $numbers
}

tally_node() {
    # shellcheck disable=SC2046
    tally $(awk '/^# pass / { p = $3 } /^# (fail|cancelled) / { f += $3 } /^# skipped / { s = $3 }
        END { print p + 0, f + 0, s + 0 }' "$1")
}

# --- runners ---------------------------------------------------------------------------------------------------

# make_check DIR ARG...; $UNDER is a command to run it with
UNDER=
make_check() {
    local dir=$1 status=0 before=$part_failed
    shift
    find "$dir/tests" -name '*.trs' -delete 2>/dev/null || :
    $UNDER make -C "$dir" -s check "$@" || status=$?
    [ $status = 0 ] || tail -n 200 "$dir/test-suite.log" || :
    tally_trs "$dir"
    tally_status $status "$before"
}

has_tests() {
    [ -n "$(find "$@" -not -path '*/node_modules/*' -print -quit 2>/dev/null)" ]
}

# run_pytest REPORT ARG...
run_pytest() {
    local report=$1 status=0 before=$part_failed
    shift
    rm -f "$report"
    $UNDER $PYTHON -m pytest -q -p no:cacheprovider -n "$JOBS" --junit-xml="$report" "$@" || status=$?
    [ ! -e "$report" ] || tally_junit "$report"
    [ $status = 5 ] || tally_status $status "$before" # 5: nothing was selected
}

# --- parts -----------------------------------------------------------------------------------------------------

part_unit() {
    cmd_build
    make_check "$BUILD"
}

part_checks() {
    cmd_build
    export_paths "$BUILD"
    run_pytest "$BUILD/checks.xml" tests/check
}

part_e2e() {
    has_tests tests/e2e -name 'test_*.py' || return 0
    need_promtool
    need_servers
    cmd_build all test-modules
    export_paths "$BUILD"
    if [ -n "$LONG" ]; then
        run_pytest "$BUILD/e2e.xml" tests/e2e
    else
        run_pytest "$BUILD/e2e.xml" -m 'not long' tests/e2e
    fi
}

part_node() {
    local files status=0 before=$part_failed
    files=$(find tests/node tests/pages -name node_modules -prune -o \
        '(' -name '*.test.js' -o -name '*.test.mjs' ')' -print 2>/dev/null | sort) || :
    [ -n "$files" ] || return 0
    need_node
    case $files in *tests/pages/*) need_chromium ;; esac
    cmd_build all test-modules
    export_paths "$BUILD"
    # shellcheck disable=SC2086
    node --test --test-concurrency="$JOBS" --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$BUILD/node.tap" $files || status=$?
    tally_node "$BUILD/node.tap"
    tally_status $status "$before"
}

build_asan() {
    # shellcheck disable=SC2086
    install_packages $PACKAGES_BUILD
    configure_in "$ASAN_BUILD" --enable-sanitizers=address,undefined --enable-test-clock CFLAGS='-O1 -g1'
    make -C "$ASAN_BUILD" -s "$@"
}

part_asan() {
    export BELFRY_ARENA_MALLOC=1 # each object of an arena in a block of its own, so that its bounds are seen
    build_asan
    make_check "$ASAN_BUILD"
    has_tests tests/e2e -name 'test_*.py' || return 0
    need_promtool
    need_servers
    export_paths "$ASAN_BUILD"
    BELFRY_SANITIZED=1 run_pytest "$ASAN_BUILD/e2e.xml" -m 'not long and not slow' tests/e2e
}

part_tsan() {
    local programs path
    programs=
    for path in tests/unit/test_ledger*.c tests/unit/test_store*.c tests/unit/test_hub*.c; do
        [ ! -e "$path" ] || programs="$programs ${path%.c}"
    done
    [ -n "$programs" ] || return 0
    # shellcheck disable=SC2086
    install_packages $PACKAGES_BUILD
    configure_in "$TSAN_BUILD" --enable-sanitizers=thread --enable-test-clock CFLAGS='-O1 -g1'
    # gcc 12's runtime does not know the widest address space randomisation of newer kernels
    ! setarch -R true 2>/dev/null || UNDER='setarch -R'
    make_check "$TSAN_BUILD" "check_PROGRAMS=$programs" "TESTS=$programs"
    make -C "$TSAN_BUILD" -s all
    export_paths "$TSAN_BUILD"
    # whole hubs, where loop, ledger, readers and checkpoint meet
    BELFRY_SANITIZED=1 run_pytest "$TSAN_BUILD/e2e.xml" -m 'not long and not slow' tests/e2e/test_kill.py \
        tests/e2e/test_reload.py tests/e2e/test_webhook.py tests/e2e/test_inbox_marks.py tests/e2e/test_admin.py
}

part_fuzz() {
    local program name status
    export BELFRY_ARENA_MALLOC=1
    build_asan fuzz-targets
    for program in tests/fuzz/fuzz_*.c; do
        [ -e "$program" ] || continue
        name=$(basename "$program" .c)
        if timeout 120 "$ASAN_BUILD/tests/fuzz/$name" "tests/fuzz/corpus/${name#fuzz_}" >"$ASAN_BUILD/$name.log" 2>&1
        then
            printf '%s: %s\n' "$name" "$(tail -n 1 "$ASAN_BUILD/$name.log")"
            tally 1 0
        else
            tail -n 40 "$ASAN_BUILD/$name.log"
            tally 0 1
        fi
    done
    [ -n "$LONG" ] || return 0
    for program in tests/fuzz/fuzz_*.c; do
        [ -e "$program" ] || continue
        status=0
        (cmd_fuzz --seconds 60 "$program") || status=1
        tally $((1 - status)) $status
    done
}

# The tarball builds, passes its unit tests, installs, serves a plugin author, uninstalls and cleans up. What the unit
# tests say of the code was said before: without --long only those run that read files of the tree.
part_distcheck() {
    local log=$BUILD/distcheck.log programs
    configure_plain
    programs=$(grep -l BELFRY_SRCDIR tests/unit/test_*.c | sed 's/\.c$//' | tr '\n' ' ')
    [ -z "$LONG" ] || programs=
    if make -C "$BUILD" -s distcheck DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O0 \
        ${programs:+"AM_MAKEFLAGS=check_PROGRAMS='$programs' TESTS='$programs'"} >"$log" 2>&1; then
        tally 1 0
    else
        tail -n 60 "$log"
        tally 0 1
    fi
    # shellcheck disable=SC2046
    tally $(awk '/^# (PASS|XFAIL): / { p += $3 } /^# (FAIL|XPASS): / { f += $3 } END { print p + 0, f + 0 }' "$log")
}

# --- all of it -------------------------------------------------------------------------------------------------

# A part runs in a shell of its own, so that the first command that fails ends it and not the whole run.
run_part() {
    local part=$1 result=$2 status
    set +e # and not `|| status=$?`, which would switch off -e inside as well
    (
        set -e
        part_passed=0
        part_failed=0
        part_skipped=0
        trap 'echo "$part_passed $part_failed $part_skipped" >"$result"' EXIT
        "part_$part"
    )
    status=$?
    set -e
    read -r part_passed part_failed part_skipped <"$result"
    [ $status = 0 ] || [ "$part_failed" -gt 0 ] || part_failed=1
}

# run_lane PART...: one after the other; a line of figures for each in $BUILD/.line-PART
run_lane() {
    local part started line
    for part in "$@"; do
        say "== $part"
        started=$SECONDS
        run_part "$part" "$BUILD/.result-$part"
        line=$(printf '%-10s %5d passed %4d failed %4d skipped %5d s' "$part" "$part_passed" "$part_failed" \
            "$part_skipped" $((SECONDS - started)))
        say "== $line"
        echo "$line" >"$BUILD/.line-$part"
    done
}

# Tests wait for processes more than they compute, so two lanes share the processors. The second is heard when the first
# is through; it has a process group of its own, so that whatever ends this shell ends all that it started.
run_lanes() {
    local second log=$BUILD/second-lane.log
    # once, before both want to
    (configure_plain && locked make -C "$BUILD" -s am--refresh && need_promtool && need_servers) || :
    set -m
    # shellcheck disable=SC2086
    run_lane $SECOND_LANE >"$log" 2>&1 </dev/null &
    second=$!
    set +m
    # shellcheck disable=SC2064
    trap "kill -TERM -- -$second 2>/dev/null || :" EXIT
    trap 'exit 130' INT TERM
    # shellcheck disable=SC2086
    run_lane $FIRST_LANE
    wait $second || :
    trap - EXIT INT TERM
    cat "$log"
}

run_tests() {
    local part parts='' passed=0 failed=0 good bad
    for part in "$@"; do
        case " $PARTS --long " in
        *" $part "*) ;;
        *) die "no such part: $part (there are: $PARTS)" ;;
        esac
        if [ "$part" = --long ]; then
            LONG=1
        else
            parts="$parts $part"
        fi
    done
    [ -z "$LONG" ] || export BELFRY_LONG=1
    # shellcheck disable=SC2086
    install_packages $PACKAGES_BUILD $PACKAGES_TEST
    mkdir -p "$BUILD"
    rm -f "$BUILD"/.line-*
    # shellcheck disable=SC2086
    if [ -n "$parts" ]; then run_lane $parts; else run_lanes; fi
    printf '\n'
    for part in ${parts:-$PARTS}; do
        # a part without figures was cut off
        [ -e "$BUILD/.line-$part" ] || echo "$part 0 passed 1 failed" >"$BUILD/.line-$part"
        cat "$BUILD/.line-$part"
        read -r _ good _ bad _ <"$BUILD/.line-$part"
        passed=$((passed + good))
        failed=$((failed + bad))
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}
