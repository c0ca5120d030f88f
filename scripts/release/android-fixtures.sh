#!/usr/bin/env bash
# Builds conformance/fixtures/native (OpenSSL, zlib, SQLite, C++) for Android, the whole way: client, embedded backend, cargo-ndk
# and the NDK of ANDROID_NDK_HOME. The backend checks each program as it checks any other, so a program that no device would load fails.
#   TARGETS="aarch64-linux-android …"  instead of all
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=local/android-tools.env
. local/android-tools.env
: "${ANDROID_NDK_HOME:?names the NDK}"
read -ra targets <<<"${TARGETS:-aarch64-linux-android armv7-linux-androideabi i686-linux-android x86_64-linux-android}"
rustup target add "${targets[@]}"
command -v cargo-ndk >/dev/null || cargo install --locked "cargo-ndk@$CARGO_NDK_VERSION"
cargo build --locked -p cargo-cloud -p cargo-cloud-local
binaries=${CARGO_TARGET_DIR:-$PWD/target}/debug
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
"$binaries/cargo-cloud-local" --listen 127.0.0.1:0 --data "$work/data" --client-config "$work/config.toml" >"$work/log" 2>&1 &
backend=$!
for _ in $(seq 100); do
    [ ! -s "$work/config.toml" ] || break
    sleep 0.1
done
export CARGO_CLOUD_CONFIG=$work/config.toml
cp -r conformance/fixtures/native "$work/native"
cd "$work/native"
for target in "${targets[@]}"; do
    "$binaries/cargo-cloud" build --no-install --locked --target "$target"
    for program in cpp openssl sqlite zlib; do
        [ -x "target/$target/debug/$program" ] || {
            echo "no $program for $target" >&2
            exit 1
        }
    done
done
echo "android fixtures: ${#targets[@]} targets"
