# SPDX-License-Identifier: Apache-2.0
# What of a template or a catalogue the program does without: indentation, empty lines, and lines that are a comment
# (// or /* ... */ on one line).
s/^[[:space:]]*//
/^\/\//d
/^\/\*.*\*\/$/d
/^$/d
