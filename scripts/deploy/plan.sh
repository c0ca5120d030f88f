#!/usr/bin/env bash
# `make plan`: what `make deploy` would change. Changes nothing.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
need_tools
read_choices
need_operator
step "Looking at the account" find_deployment
[ -n "$repository" ] || operator account --new "$deployment" </dev/null >/dev/null

step "Building the functions (10 minutes the first time)" build_zips

if [ -z "$image" ]; then
    say "No image is pushed yet: the plan has one of zeros in its place."
    image=$(no_image)
fi
set_variables "$(operator devices <<<"$outputs")"
tf plan -input=false "${variables[@]}"
