# SPDX-License-Identifier: Apache-2.0
# Turns lines of text into lines of a C string literal, so that they become part of the program.
s/[\\"?]/\\&/g
s/^/"/
s/$/\\n"/
