#!/usr/bin/env bash
# Builds the binaries as they are released, and measures them.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}

cargo build --locked --profile client -p cargo-cloud
cargo build --locked --release -p cargo-cloud-local
cargo build --locked -p cargo-cloud-benches
export CONFORMANCE_CLIENT=$target/client/cargo-cloud CONFORMANCE_BACKEND=$target/release/cargo-cloud-local
"$target/debug/figures" client
"$target/debug/figures" latency
# A release that is installed, and a development build whose program carries its debug information.
"$target/debug/figures" builds examples/heft release
"$target/debug/figures" builds just dev
# What an editor waits for.
"$target/debug/figures" check just
"$target/debug/figures" install hexyl
