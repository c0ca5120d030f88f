#!/usr/bin/env bash
# test-aws.sh [FILTER…]: the suite against the platform: the real Lambda binaries, wired by this Terraform configuration as
# applied to an emulator of AWS, driven by the real client. FILTER runs the scenarios whose names contain it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

need_namespaces
need_programs strip
need_terraform
need_moto
skip_if_missing platform

"${cargo[@]}" build --all-targets "${everything[@]}"
binaries=$(target_directory)/debug
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# A grant that the whole suite never used is too much.
whole=(--whole)
[ $# = 0 ] || whole=()
export CONFORMANCE_CLIENT=$binaries/cargo-cloud CONFORMANCE_BACKEND=$binaries/cargo-cloud-local
"$binaries/aws-emulator" platform --dir "$dir" --lambdas "$binaries" ${whole[@]+"${whole[@]}"} -- \
    "${cargo_test[@]}" --no-fail-fast "${everything[@]}" --test suite --test platform -- "$@"
