#!/usr/bin/env bash
# Builds the functions as they are deployed and measures them on the emulated platform of `make test-aws`: size, start-up,
# time and memory of each, and the calls that a build of many crates makes to AWS (docs/costs.md).
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
cargo=${CARGO:-cargo}
musl=x86_64-unknown-linux-musl

command -v musl-gcc >/dev/null || {
    echo "musl-gcc is missing (Debian: apt-get install musl-tools): the zipped functions contain their own C library" >&2
    exit 1
}
"$cargo" build --workspace
"$cargo" build --locked --profile lambda -p cargo-cloud-compile
CC_x86_64_unknown_linux_musl=musl-gcc "$cargo" build --locked --profile lambda --target "$musl" \
    -p cargo-cloud-connect -p cargo-cloud-disconnect -p cargo-cloud-relay
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/programs"
cp "$target/lambda/compile" "$target/$musl/lambda/"{connect,disconnect,relay} "$dir/programs"
export CONFORMANCE_CLIENT=$target/debug/cargo-cloud CONFORMANCE_BACKEND=$target/debug/cargo-cloud-local
# shellcheck disable=SC2016 # the inner shell expands it
"$target/debug/aws-emulator" platform --dir "$dir/platform" --lambdas "$dir/programs" -- \
    bash -c '"$0" lambdas && "$0" calls benches/many dev' "$target/debug/figures"
