#!/usr/bin/env bash
# test.sh [FILTER…]: the tests that need only Rust and a C compiler: units, and the real client against the embedded
# backend. FILTER runs the tests whose names contain it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

for program in "${cargo[0]}" cc; do
    command -v "$program" >/dev/null || {
        echo "error: $program is not installed. The tests need Rust (rustup.rs) and a C compiler (Debian: apt-get install gcc libc6-dev)" >&2
        exit 1
    }
done
begun=$SECONDS
# With the tests, so that cargo chooses the same features of the dependencies for the programs and compiles each once.
"${cargo[@]}" build --all-targets
built=$SECONDS
binaries=$(target_directory)/debug
export CONFORMANCE_CLIENT=$binaries/cargo-cloud CONFORMANCE_BACKEND=$binaries/cargo-cloud-local
"${cargo_test[@]}" --no-fail-fast -- "$@"
echo "tests: compiled in $((built - begun)) s, run in $((SECONDS - built)) s"
