#!/usr/bin/env bash
# declarations.sh HEADER: its functions, its constants, and the fields of its structs with their places, one a line,
# sorted.
set -euo pipefail
export LC_ALL=C
text=$(gcc -E -P "$1" | tr -s ' \n' ' ')
{
    grep -oE '(const )?[a-z0-9_]+ \**pullpush_[a-z0-9_]+\([^)]*\);' <<<"$text" | sed 's/^/declares /'
    grep -oE 'PULLPUSH_[A-Z0-9_]+ = -?[0-9]+' <<<"$text" | sed 's/^/constant /'
    grep -oE 'typedef struct pullpush_[a-z]+ \{[^}]*' <<<"$text" |
        awk -F ' ?[{;] ?' '{ sub("typedef ", "", $1); for (i = 2; i < NF; i++) print $1 " has " i - 1 ": " $i }'
} | sort
