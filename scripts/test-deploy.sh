#!/usr/bin/env bash
# `make deploy` and its like, as they are, with the real operator, client and Terraform, against an emulated account; docker
# has a stand-in (conformance/fixtures/docker.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for tool in terraform python3 make script curl; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "deploying can't be tested here, it needs: ${missing[*]}"
    echo "deploy: 0 passed, 0 failed, 1 skipped"
    # Where everything is there, nothing may be skipped.
    [ -z "${REQUIRE_PLATFORM:-}" ]
    exit
fi
cargo=${CARGO:-cargo}
# As a whole, so that what `cargo test --workspace` has built serves here too.
"$cargo" build --workspace
binaries=${CARGO_TARGET_DIR:-$PWD/target}/debug
CONFORMANCE_BINARIES=$binaries "$cargo" test --workspace --features cargo-cloud-conformance/deploy --test deploy "$@"
