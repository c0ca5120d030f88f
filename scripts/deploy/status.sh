#!/usr/bin/env bash
# `make status`: what is deployed, what it has used this month, which builds are running, which devices there are.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
need_tools
need_operator
find_deployment
need_deployment
operator status <<<"$outputs"
