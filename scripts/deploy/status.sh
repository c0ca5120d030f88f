#!/usr/bin/env bash
# `make status`: prints what is deployed, this month's usage, running builds, and devices.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
need_tools
need_operator
find_deployment
need_deployment
operator status <<<"$outputs"
