# SPDX-License-Identifier: Apache-2.0
# Turns a text file into the lines of a C string literal, so that it becomes part of the program. Indentation, empty
# lines and lines that are a comment (// or /* ... */ on one line) stay behind. Files that become one script: `import`
# of a neighbour and `export` go.
s/^[[:space:]]*//
/^\/\//d
/^\/\*.*\*\/$/d
/^$/d
/^import .* from '\.\{1,2\}\//d
s/^export //
s/[\\"?]/\\&/g
s/^/"/
s/$/\\n"/
