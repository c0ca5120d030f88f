#!/usr/bin/env bash
# `make logs [FUNCTION=compile] [SINCE=1h] [FOLLOW=1]`: prints the functions' logs.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
need_tools
need_operator
find_deployment >&2
need_deployment
arguments=(--since "${SINCE:-1h}")
[ -z "${FUNCTION:-}" ] || arguments+=(--function "$FUNCTION")
[ -z "${FOLLOW:-}" ] || arguments+=(--follow)
operator logs "${arguments[@]}" <<<"$outputs"
