#!/usr/bin/env bash
# Builds the binaries as they are released, and measures them.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}

cargo build --locked --profile client -p cargo-cloud
cargo build --locked --release -p cargo-cloud-local
cargo build --locked -p cargo-cloud-benches
export CONFORMANCE_CLIENT=$target/client/cargo-cloud CONFORMANCE_BACKEND=$target/release/cargo-cloud-local
for what in client latency builds; do
    "$target/debug/figures" "$what"
done
