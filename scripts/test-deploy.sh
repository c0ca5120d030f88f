#!/usr/bin/env bash
# test-deploy.sh [FILTER…]: `make deploy` and the others as they are, with the real operator, client and Terraform, against
# an emulated account. Docker has a stand-in (conformance/fixtures/docker.sh). FILTER runs the scenarios whose names
# contain it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

need_programs make script curl openssl
need_terraform
need_moto
skip_if_missing deploy

"${cargo[@]}" build --all-targets "${everything[@]}"
CONFORMANCE_BINARIES=$(target_directory)/debug
export CONFORMANCE_BINARIES
"${cargo_test[@]}" "${everything[@]}" --test deploy -- "$@"
