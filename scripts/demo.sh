#!/usr/bin/env bash
# The main job on one machine: the embedded backend is started, the client sends it a real program, and the program runs.
# BINARIES=FOLDER takes a client and a backend that are there already.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

if [ -n "${BINARIES:-}" ]; then
    binaries=$BINARIES
else
    say "Building the client and the embedded backend"
    cargo build --locked -p cargo-cloud -p cargo-cloud-local
    binaries=${CARGO_TARGET_DIR:-$PWD/target}/debug
fi

work=$(mktemp -d)
backend=
cleanup() {
    if [ -n "$backend" ]; then
        kill -INT "$backend" 2>/dev/null || true
        wait "$backend" || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

say "\$ cargo-cloud-local --data $work/data --client-config $work/config.toml &"
"$binaries/cargo-cloud-local" --data "$work/data" --client-config "$work/config.toml" >"$work/backend.log" 2>&1 &
backend=$!
for _ in $(seq 100); do
    grep -q 'http://' "$work/backend.log" && break
    kill -0 "$backend" 2>/dev/null || break
    sleep 0.1
done
cat "$work/backend.log"
grep -q 'http://' "$work/backend.log"

export CARGO_CLOUD_CONFIG=$work/config.toml
export PATH=$binaries:$PATH
cp -r examples/heft "$work/heft"
cd "$work/heft"

say "\$ cd examples/heft && cargo cloud build --root $work/installed"
cargo cloud build --root "$work/installed"

say "\$ $work/installed/bin/heft $work/heft"
"$work/installed/bin/heft" "$work/heft"

say "One line changed, and again"
sed -i 's/in all/altogether/' src/report.rs
cargo cloud build --root "$work/installed"
"$work/installed/bin/heft" "$work/heft" | tail -n 1 | grep altogether

say "Stopping the backend"
kill -INT "$backend"
wait "$backend"
backend=
say "Done: the program was built by the backend, installed by the client, and ran."
