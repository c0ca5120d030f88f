#!/usr/bin/env bash
# pack.sh client|backend TARGET FOLDER: builds a program as it is released and puts NAME-vVERSION-TARGET.tar.gz into FOLDER.
# cli/Cargo.toml and local/Cargo.toml tell `cargo binstall` the names and the layout of the archives. The client's
# has completions (completions/) and man pages (man1/), too, which scripts/release/install.sh puts in place.
set -euo pipefail
usage='usage: pack.sh client|backend TARGET FOLDER'
what=${1:?$usage} target=${2:?$usage} folder=${3:?$usage}
cd "$(dirname "$0")/../.."
case $what in
client) package=cargo-cloud profile=client ;;
backend) package=cargo-cloud-local profile=release ;;
*)
    echo "$usage" >&2
    exit 1
    ;;
esac
rustup target add "$target"
# shellcheck source=local/android-tools.env
. local/android-tools.env
build=(cargo build)
case $target in
*android*)
    command -v cargo-ndk >/dev/null || cargo install --locked "cargo-ndk@$CARGO_NDK_VERSION"
    # 24 is Android 7, the oldest that Termux supports.
    build=(cargo ndk --target "$target" --platform 24 build)
    ;;
esac
"${build[@]}" --locked --profile "$profile" --target "$target" -p "$package"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=$package-v$version-$target
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
mkdir -p "$staged/$name" "$folder"
cp "${CARGO_TARGET_DIR:-target}/$target/$profile/$package" README.md LICENSE-MIT LICENSE-APACHE "$staged/$name/"
if [ "$what" = client ]; then
    # Written by a client that runs on this machine.
    cargo run --quiet --locked -p "$package" --features manual -- --write-manual "$staged/$name"
fi
tar -C "$staged" -czf "$folder/$name.tar.gz" "$name"
ls -l "$folder/$name.tar.gz"
