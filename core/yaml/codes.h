/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All diagnostic codes: XX(code, title, help). The help is what `belfry help CODE` prints under the title: the cause,
 * then a wrong and a right example. Lines are added inside their family; a code is never re-used or renumbered, also
 * when nothing reports it any more. Families: H0 syntax, H1 YAML traps, H2 schema, H3 references, H4 rule logic,
 * H5 plugins, H6 secrets and permissions, H7 environment.
 */
#ifndef YAML_CODES_H
#define YAML_CODES_H

#define DIAG_CODES(XX)                                                                                                 \
    /* --- H0: syntax --- */                                                                                           \
    XX(H001, "tab used for indentation",                                                                               \
       "YAML is indented with spaces only. What a tab is worth depends on the editor, so YAML forbids it.\n"           \
       "wrong:  hub:\n        <tab>listen: 127.0.0.1:8420\n"                                                           \
       "right:  hub:\n          listen: 127.0.0.1:8420\n")                                                             \
    XX(H002, "syntax error",                                                                                           \
       "The text is not YAML. Most often a value needs quotes: it begins with one of @ % * & ! { [ ` or holds a\n"     \
       "colon and a space, or a quote or bracket is not closed. Reading goes on at the next key, so one run shows\n"   \
       "the syntax errors of the whole file.\n"                                                                        \
       "wrong:  title: Deal: won\n"                                                                                    \
       "right:  title: \"Deal: won\"\n")                                                                               \
    XX(H003, "character that does not belong here",                                                                    \
       "A control character, or a space that is not the ASCII one (a no-break space, usually pasted from a web\n"      \
       "page or typed with AltGr), stands where YAML needs plain text. Delete it or type it again. Inside a quoted\n"  \
       "string write it as an escape.\n"                                                                               \
       "right:  title: \"10\\u00a0000\"\n")                                                                            \
    XX(H004, "not UTF-8",                                                                                              \
       "Configuration files are UTF-8. The byte shown is part of another encoding (Latin-1, UTF-16) or a NUL.\n"       \
       "Save the file as UTF-8: iconv -f LATIN1 -t UTF-8 FILE\n")                                                      \
    XX(H005, "file too large",                                                                                         \
       "A configuration file may have 1 MiB. Split it into several files and list them under `include`.\n")            \
    XX(H006, "nested too deep",                                                                                        \
       "Maps and lists may be nested 64 levels deep. Usually a bracket is not closed, or the text is not a\n"          \
       "configuration file.\n")                                                                                        \
    XX(H007, "too many values",                                                                                        \
       "One file may have 100,000 values. Split it into several files and list them under `include`.\n")               \
    XX(H008, "too many syntax errors",                                                                                 \
       "Reading stopped after 50 syntax errors in one file. Mend the first ones and check again; if most lines are\n"  \
       "wrong the text is probably not YAML.\n")                                                                       \
    /* --- H1: YAML traps --- */                                                                                       \
    XX(H101, "duplicate key",                                                                                          \
       "The same key is written twice in one map. Other readers keep one of the two without a word; here it is an\n"   \
       "error. Merge the two or delete one.\n"                                                                         \
       "wrong:  hub: {timezone: UTC, timezone: Europe/Berlin}\n"                                                       \
       "right:  hub: {timezone: Europe/Berlin}\n")                                                                     \
    XX(H102, "undefined alias",                                                                                        \
       "`*name` repeats the value that was marked `&name` earlier in the same file. There is no such mark before\n"    \
       "this line, or the alias is inside the value that it names. Text that starts with `*` needs quotes.\n"          \
       "wrong:  types: [*]\n"                                                                                          \
       "right:  types: [\"*\"]\n")                                                                                     \
    XX(H103, "two merge keys",                                                                                         \
       "A map can hold one `<<`. To merge several maps give it a list; the first one wins.\n"                          \
       "wrong:  <<: *a\n        <<: *b\n"                                                                              \
       "right:  <<: [*a, *b]\n")                                                                                       \
    XX(H104, "second document",                                                                                        \
       "A configuration file holds one YAML document. What follows `---` would be ignored by many readers, so it\n"    \
       "is refused. Delete the line, or make two files.\n")                                                            \
    XX(H105, "aliases expand to too much",                                                                             \
       "Expanded, the aliases of this file make more than 100,000 values or nest deeper than 64 levels.\n")            \
    XX(H106, "key is not a plain word",                                                                                \
       "A map or list was used as a key. Most often a template was not quoted: {{ is the start of a map.\n"            \
       "wrong:  title: {{fields.name}}\n"                                                                              \
       "right:  title: \"{{fields.name}}\"\n")                                                                         \
    XX(H107, "unknown tag",                                                                                            \
       "A word that starts with `!` is a YAML tag. Belfry knows none but the standard ones (!!str and so on). Text\n"  \
       "that starts with `!` needs quotes; secrets are written ${env:NAME}, ${file:/path} or ${cred:NAME}.\n"          \
       "wrong:  secret: !env TOKEN\n"                                                                                  \
       "right:  secret: \"${env:TOKEN}\"\n")                                                                           \
    XX(H108, "merge of something that is no map",                                                                      \
       "The value of `<<` is an alias of a map, or a list of such aliases.\n"                                          \
       "wrong:  <<: mail-defaults\n"                                                                                   \
       "right:  <<: *mail-defaults\n")                                                                                 \
    XX(H110, "boolean not spelled true or false",                                                                      \
       "Only `true` and `false` are booleans. yes, no, on and off are plain words (NO is also Norway).\n"              \
       "wrong:  required: yes\n"                                                                                       \
       "right:  required: true\n")                                                                                     \
    XX(H111, "ambiguous number",                                                                                       \
       "A leading zero, 0x, 0o, 1_000 and 1:30 are read as different numbers by different readers. Write the\n"        \
       "decimal number. Where text is wanted, quote it.\n"                                                             \
       "wrong:  page_size: 0644\n"                                                                                     \
       "right:  page_size: 420\n")                                                                                     \
    XX(H112, "duration without unit",                                                                                  \
       "A duration is a number and one unit: ms s m h d w.\n"                                                          \
       "wrong:  after: 30\n"                                                                                           \
       "right:  after: 30s\n")                                                                                         \
    XX(H120, "file ignored",                                                                                           \
       "An include pattern takes the files it names; hidden files and editors' leftovers in the same directory are\n"  \
       "left alone. This is a note, so that a file that was meant to count is not forgotten.\n")                       \
    /* --- H2: schema --- */                                                                                           \
    XX(H201, "unknown key",                                                                                            \
       "The key is not known at this place. Usually it is misspelled or indented wrongly; nothing is ignored\n"        \
       "silently. Top-level keys that start with `x-` are free, for anchors.\n"                                        \
       "wrong:  channels:\n          mail: {plugn: email}\n"                                                           \
       "right:  channels:\n          mail: {plugin: email}\n")                                                         \
    XX(H202, "missing key", "A required key is not there. The message names it and the place where it belongs.\n")     \
    XX(H203, "wrong type",                                                                                             \
       "The value has another type than the option. Nothing is converted: \"5\" is text, 5 is a number.\n"             \
       "wrong:  page_size: \"50\"\n"                                                                                   \
       "right:  page_size: 50\n")                                                                                      \
    XX(H204, "out of range", "The number, or the length of the text or list, is outside of what is allowed.\n")        \
    XX(H205, "not one of the choices", "The option takes one of a few words; the message lists them.\n")               \
    XX(H206, "bad duration",                                                                                           \
       "A duration is a whole number and one unit: ms s m h d w.\n"                                                    \
       "wrong:  after: 1h30m\n"                                                                                        \
       "right:  after: 90m\n")                                                                                         \
    XX(H207, "bad size",                                                                                               \
       "A size is a whole number of bytes, or a number and one unit: B KiB MiB GiB kB MB GB.\n"                        \
       "wrong:  body: 1 meg\n"                                                                                         \
       "right:  body: 1MiB\n")                                                                                         \
    XX(H208, "bad time or date",                                                                                       \
       "A time of day is HH:MM, 00:00 to 23:59. A point in time is RFC 3339 with zone; a zone is a name of the tz\n"   \
       "database.\n"                                                                                                   \
       "wrong:  from: 10pm\n"                                                                                          \
       "right:  from: \"22:00\"\n")                                                                                    \
    XX(H209, "bad URL",                                                                                                \
       "A URL has a scheme and a host and no spaces.\n"                                                                \
       "wrong:  url: hooks.example.org/x\n"                                                                            \
       "right:  url: https://hooks.example.org/x\n")                                                                   \
    XX(H210, "wrong shape",                                                                                            \
       "A map stands where a list is wanted, or the other way round. Items of a list start with `- `.\n"               \
       "wrong:  rules:\n          name: all\n          deliver: [inbox]\n"                                             \
       "right:  rules:\n          - name: all\n            deliver: [inbox]\n")                                        \
    XX(H211, "keys that exclude each other", "Two keys of one map cannot be used together. Delete one of them.\n")     \
    XX(H212, "key that needs another", "A key makes sense only together with another one that is not there.\n")        \
    XX(H213, "deprecated key", "The key still works and will go. The message says what replaces it.\n")                \
    XX(H214, "bad name",                                                                                               \
       "Names of sources, channels, rules, orgs and the like are letters, digits, `-`, `_` and `.`, start with a\n"    \
       "letter or digit and have at most 64 characters.\n"                                                             \
       "wrong:  name: big deal!\n"                                                                                     \
       "right:  name: big-deal\n")                                                                                     \
    XX(H215, "duplicate name",                                                                                         \
       "The same name is given to two things of one kind, maybe in two files. State is kept by name, so names are\n"   \
       "unique.\n")                                                                                                    \
    XX(H216, "bad recipient",                                                                                          \
       "A recipient is NAME or user:NAME, role:ROLE, email:ADDRESS or audience; in workflow rules also owner,\n"       \
       "created_by and field:FIELD.\n"                                                                                 \
       "wrong:  to: [\"roles:sales\"]\n"                                                                               \
       "right:  to: [\"role:sales\"]\n")                                                                               \
    XX(H217, "bad template",                                                                                           \
       "The text is a Mustache template with an error: a tag that is not closed, a section that ends another, or a\n"  \
       "variable that does not exist where the template is used.\n"                                                    \
       "wrong:  title: \"{{#a}}x{{/b}}\"\n"                                                                            \
       "right:  title: \"{{#a}}x{{/a}}\"\n")                                                                           \
    XX(H218, "values that contradict each other",                                                                      \
       "A period ends before it begins, two keys name the same person or thing and may not, or encryption is off on\n" \
       "the way to another machine.\n"                                                                                 \
       "wrong:  {for: ann, by: bob, from: 2026-01-09, until: 2026-01-08}\n"                                            \
       "right:  {for: ann, by: bob, from: 2026-01-08, until: 2026-01-09}\n")                                           \
    XX(H219, "key that cannot be there",                                                                               \
       "The map has keys of one's own, but not this one: it is no name of that kind, it is there already, or what\n"   \
       "it says is not for the file to say. The names of headers that a webhook carries anyway are such keys.\n"       \
       "wrong:  headers: {Content-Type: text/plain}\n"                                                                 \
       "right:  headers: {X-Team: crm}\n")                                                                             \
    XX(H220, "bad key or secret",                                                                                      \
       "What webhooks are signed with is `whsec_` and base64 of 24 to 64 random bytes for v1, `whsk_` and base64 of\n" \
       "32 random bytes for v1a. There must be one for each of `signatures`.\n"                                        \
       "wrong:  secret: tuesday\n"                                                                                     \
       "right:  secret: \"${env:HOOK_SECRET}\"\n")                                                                     \
    /* --- H3: references --- */                                                                                       \
    XX(H301, "unknown channel", "The name is not a key of `channels`.\n")                                              \
    XX(H302, "unknown source", "The name is not a key of `sources`.\n")                                                \
    XX(H303, "unknown org", "The name is not a key of `orgs`.\n")                                                      \
    XX(H304, "unknown user", "The name is not a user of any org that is meant here (`orgs.ORG.users`).\n")             \
    XX(H305, "unknown role", "No user of the orgs that are meant here has this role (`orgs.ORG.users.NAME.roles`).\n") \
    XX(H306, "unknown category", "The category is neither built in nor a key of `categories`.\n")                      \
    XX(H307, "unknown schedule", "The name is not a key of `schedules`.\n")                                            \
    XX(H308, "unknown event type", "No source that is configured makes events of this type.\n")                        \
    /* --- H4: rule logic --- */                                                                                       \
    XX(H401, "unknown operator",                                                                                       \
       "A test is a value, a list of values, or a map of operators: eq ne in not_in prefix suffix contains glob\n"     \
       "regex gt gte lt lte between exists not; blocks are any, all and not.\n"                                        \
       "wrong:  when: {data.amount: {greater: 5}}\n"                                                                   \
       "right:  when: {data.amount: {gt: 5}}\n")                                                                       \
    XX(H402, "rule can never match",                                                                                   \
       "An earlier rule with `stop: true` matches everything that this rule matches. Move this rule up, or take\n"     \
       "`stop` away.\n")                                                                                               \
    XX(H403, "two rules with the same `when`",                                                                         \
       "Both rules match the same events. That is allowed; often one is a leftover copy. Use one rule with two\n"      \
       "deliveries.\n")                                                                                                \
    XX(H404, "contradictory `when`",                                                                                   \
       "No event can meet all tests of this block.\n"                                                                  \
       "wrong:  when: {data.amount: {gt: 5, lt: 3}}\n")                                                                \
    XX(H405, "bad regular expression",                                                                                 \
       "The expression (PCRE2 syntax) does not compile, or nests repeats so that it could run for ever. A `regex`\n"   \
       "searches anywhere in the text; anchor it with ^ and $.\n")                                                     \
    XX(H406, "operator does not fit the type",                                                                         \
       "Text operators need text and ordering operators need numbers, times or severities. Nothing is converted: a\n"  \
       "string \"30\" is not greater than 5.\n"                                                                        \
       "wrong:  data.amount: {gt: \"5\"}\n"                                                                            \
       "right:  data.amount: {gt: 5}\n")                                                                               \
    XX(H407, "regular expression is plain text",                                                                       \
       "The expression holds no pattern. `contains` (or `eq`) says the same, is faster, and a dot is a dot.\n")        \
    XX(H408, "`unless` on a channel without recipients",                                                               \
       "A webhook has no reader, so nothing can be seen or read there. Only `handled` is allowed.\n"                   \
       "wrong:  deliver: [{via: hooks, after: 5m, unless: [seen]}]\n"                                                  \
       "right:  deliver: [{via: hooks, after: 5m, unless: [handled]}]\n")                                              \
    XX(H409, "unknown path",                                                                                           \
       "Paths in `rules[].when` are org source type category severity subject actor time and data.*; in the `when`\n"  \
       "of a source the root is its object.\n"                                                                         \
       "wrong:  when: {amount: {gt: 5}}\n"                                                                             \
       "right:  when: {data.amount: {gt: 5}}\n")                                                                       \
    XX(H410, "no `unmatched`",                                                                                         \
       "`unmatched` says what happens to an event that no rule matches, so that none is lost silently.\n"              \
       "right:  unmatched: {deliver: [inbox]}\n")                                                                      \
    XX(H411, "condition that says nothing",                                                                            \
       "An empty list of alternatives matches nothing, and a test without an operator tests nothing. To match\n"       \
       "everything write an empty map.\n"                                                                              \
       "wrong:  when: []\n"                                                                                            \
       "right:  when: {}\n")                                                                                           \
    /* --- H5: plugins --- */                                                                                          \
    XX(H501, "unknown plugin", "No plugin of this name is in the plugin path. `belfry plugin list` shows them.\n")     \
    XX(H502, "plugin description missing",                                                                             \
       "Checking runs no plugin code: it reads NAME.json beside the plugin. The file is not there or cannot\n"         \
       "be read. `belfry plugin inspect --sidecar FILE` makes it.\n")                                                  \
    XX(H503, "plugin description is stale",                                                                            \
       "NAME.json was made from another build of the plugin. `belfry plugin inspect --sidecar FILE` makes it\n"        \
       "anew.\n")                                                                                                      \
    XX(H504, "second instance of a single plugin",                                                                     \
       "An org can have one instance of this plugin. Give the instances different `orgs`, or merge them.\n")           \
    XX(H505, "plugin has another role",                                                                                \
       "A channel was used under `sources`, or a source under `channels`.\n"                                           \
       "wrong:  sources: {mail: {plugin: email}}\n"                                                                    \
       "right:  channels: {mail: {plugin: email}}\n")                                                                  \
    XX(H506, "plugin cannot be loaded",                                                                                \
       "The object of the plugin was refused: it is damaged, made for another version of the plugin interface, or\n"   \
       "asks for what this hub does not offer. The message says which; `belfry plugin inspect NAME` shows it.\n")      \
    XX(H507, "configuration not taken",                                                                                \
       "The file is right as far as that can be said without running plugins, but an instance refused its options\n"   \
       "or could not start. The message says which; the hub goes on as before.\n")                                     \
    /* --- H6: secrets and permissions --- */                                                                          \
    XX(H601, "secret not resolved",                                                                                    \
       "Checking does not need secrets: the reference was left as it is. Start and reload resolve it.\n")              \
    XX(H602, "secret missing",                                                                                         \
       "The environment variable, file or credential of a ${...} reference is not there or cannot be read.\n"          \
       "${env:NAME:-text} gives a default.\n")                                                                         \
    XX(H603, "secret too short", "The secret has fewer bytes than its use needs. `openssl rand -hex 32` makes one.\n") \
    XX(H604, "secret file is readable by others", "Other users of this machine can read the secret: chmod 600 FILE\n") \
    XX(H605, "secret written in the file",                                                                             \
       "A secret stands in the configuration itself, where backups and version control keep it.\n"                     \
       "wrong:  secret: hunter2\n"                                                                                     \
       "right:  secret: \"${env:HOOK_SECRET}\"\n")                                                                     \
    XX(H606, "looks like a secret reference",                                                                          \
       "Only references with a scheme are replaced: ${env:NAME}, ${file:/path}, ${cred:NAME}. Everything else with\n"  \
       "a dollar sign stays as it is written.\n"                                                                       \
       "wrong:  password: ${SMTP_PASSWORD}\n"                                                                          \
       "right:  password: \"${env:SMTP_PASSWORD}\"\n")                                                                 \
    XX(H607, "bad secret reference",                                                                                   \
       "The reference is not closed, or its name is not a name: ${env:NAME} or ${env:NAME:-default}, ${file:/path}\n"  \
       "with an absolute path, ${cred:NAME}. A literal ${env: is written $${env:\n")                                   \
    /* --- H7: environment --- */                                                                                      \
    XX(H701, "file cannot be read", "The file is not there, is no regular file, or this user may not read it.\n")      \
    XX(H702, "directory cannot be used", "The directory is not there or this user may not write to it.\n")             \
    XX(H703, "address cannot be used", "Another process listens there, or the address is not of this machine.\n")      \
    XX(H704, "key not in force",                                                                                       \
       "The key is checked like any other, and this version goes on as if it were not there.\n")                       \
    XX(H705, "TLS file cannot be used",                                                                                \
       "The file is not there, holds no certificate or key in PEM form, or the two do not belong together. A key\n"    \
       "with a passphrase cannot be used. What this user may not read is only noted.\n")                               \
    XX(H706, "mail that large receivers may refuse",                                                                   \
       "Mail goes to a server that is not on this machine, without what Gmail, Yahoo and Microsoft ask of whoever\n"   \
       "sends there much: an unsubscribe address over https, and a DKIM signature.\n"                                  \
       "right:  hub: {public_url: https://belfry.example.org}\n"                                                       \
       "right:  channels: {mail: {dkim: [{selector: s1, key: /etc/belfry/s1.pem}], ...}}\n")                           \
    XX(H707, "endpoint that nothing is sent to",                                                                       \
       "Its address is one of a private network, of the machine itself or of a cloud's metadata. Deliveries to\n"      \
       "it fail, unless `allow_cidrs` of its channel names the range.\n"                                               \
       "right:  channels: {hooks: {allow_cidrs: [10.20.0.0/16], endpoints: [{url: \"http://10.20.0.5/\", ...}]}}\n")

#endif
