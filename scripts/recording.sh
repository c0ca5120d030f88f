#!/usr/bin/env bash
# Runs the demo in a terminal and writes docs/recording.cast and docs/recording.svg, which the README shows.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}

cargo build --locked -p cargo-cloud -p cargo-cloud-local -p cargo-cloud-benches
export CONFORMANCE_CLIENT=$target/debug/cargo-cloud CONFORMANCE_BACKEND=$target/debug/cargo-cloud-local
"$target/debug/recording" make
