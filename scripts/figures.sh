#!/usr/bin/env bash
# Builds the binaries as they are released, measures them, and writes the results into docs/figures.json and the README.
#
# QUICK=1 measures fewer rounds. ONLY="client latency" runs some of the measurements; the others keep their results.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
quick=${QUICK:+--quick}

cargo build --locked --profile client -p cargo-cloud
cargo build --locked --release -p cargo-cloud-local
cargo build --locked -p cargo-cloud-benches
export CONFORMANCE_CLIENT=$target/client/cargo-cloud CONFORMANCE_BACKEND=$target/release/cargo-cloud-local

measure() {
    if [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; then
        "$target/debug/figures" ${quick:+"$quick"} "$@"
    fi
}
measure client
measure latency
# A release that is installed, and a development build whose program carries its debug information.
measure builds examples/heft release
measure builds just dev
# What an editor waits for.
measure check just
measure install hexyl
"$target/debug/figures" readme
