#!/usr/bin/env bash
# The suite against the platform: the real Lambda binaries, wired by this Terraform configuration as applied to an
# emulator of AWS, driven by the real client. Whoever lacks a tool is told which, and the suite counts as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for tool in terraform python3 unshare; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "$(uname -s)" != Linux ]; then
    missing+=("Linux (functions run in namespaces)")
elif [ "$(id -u)" != 0 ] && ! unshare --user --map-root-user --mount true 2>/dev/null; then
    missing+=("root, or namespaces for everybody")
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "the platform can't be tested here, it needs: ${missing[*]}"
    echo "platform: 0 passed, 0 failed, 1 skipped"
    # Where everything is there, nothing may be skipped.
    [ -z "${REQUIRE_PLATFORM:-}" ]
    exit
fi

cargo=${CARGO:-cargo}
# As a whole, so that what `cargo test --workspace` has built serves here too.
"$cargo" build --workspace
binaries=${CARGO_TARGET_DIR:-$PWD/target}/debug
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
suites=(--test suite --test platform)
whole=(--whole)
if [ $# -gt 0 ]; then
    suites=("$@")
    whole=()
fi
export CONFORMANCE_CLIENT=$binaries/cargo-cloud CONFORMANCE_BACKEND=$binaries/cargo-cloud-local
"$binaries/aws-emulator" platform --dir "$dir" --lambdas "$binaries" "${whole[@]}" -- \
    "$cargo" test --workspace --features cargo-cloud-conformance/platform "${suites[@]}"
