#!/usr/bin/env bash
# ndk.sh FOLDER: fetches the Android NDK of the image, with the checksum in its Dockerfile.
set -euo pipefail
folder=${1:?usage: ndk.sh FOLDER}
cd "$(dirname "$0")/../.."
argument() { sed -n "s/^ARG $1=//p" builder-image/Dockerfile; }
zip=$(mktemp)
unpacked=$(mktemp -d)
trap 'rm -rf "$zip" "$unpacked"' EXIT
curl -fsSL --retry 5 -o "$zip" "$(argument NDK_URL)"
echo "$(argument NDK_SHA1)  $zip" | sha1sum --check --strict
unzip -q "$zip" -d "$unpacked"
mv "$unpacked"/android-ndk-* "$folder"
