#!/usr/bin/env bash
# ndk.sh FOLDER: fetches the Android NDK that local/android-tools.env pins, and checks its checksum.
set -euo pipefail
folder=${1:?usage: ndk.sh FOLDER}
cd "$(dirname "$0")/../.."
# shellcheck source=local/android-tools.env
. local/android-tools.env
zip=$(mktemp)
unpacked=$(mktemp -d)
trap 'rm -rf "$zip" "$unpacked"' EXIT
curl -fsSL --retry 5 -o "$zip" "$NDK_URL"
echo "$NDK_SHA1  $zip" | sha1sum --check --strict
unzip -q "$zip" -d "$unpacked"
mv "$unpacked"/android-ndk-* "$folder"
