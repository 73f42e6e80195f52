#!/usr/bin/env bash
# grow.sh HEADER: the header as a later version might have it, with one more field at the end of every struct.
set -euo pipefail
sed -E 's/^\} pullpush_(batch|options|result);/    uint64_t of_a_later_version;\n&/' "$1"
printf '#define PULLPUSH_OF_A_LATER_VERSION\n'
