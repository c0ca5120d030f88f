#!/usr/bin/env bash
# Prints the Rust targets of Android ABIs, or the Debian packages that Linux targets need.
#   targets.sh android ABI…
#   targets.sh packages TRIPLE…
set -euo pipefail
what=$1
shift
for name in "$@"; do
    case $what:$name in
    android:arm64-v8a) echo aarch64-linux-android ;;
    android:armeabi-v7a) echo armv7-linux-androideabi ;;
    android:x86) echo i686-linux-android ;;
    android:x86_64) echo x86_64-linux-android ;;
    android:*)
        echo "ANDROID_ABIS names \`$name\`; there are arm64-v8a, armeabi-v7a, x86 and x86_64" >&2
        exit 1
        ;;
    packages:x86_64-unknown-linux-gnu) ;;
    packages:x86_64-unknown-linux-musl) echo musl-tools ;;
    packages:aarch64-unknown-linux-gnu) echo gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross ;;
    packages:armv7-unknown-linux-gnueabihf) echo gcc-arm-linux-gnueabihf g++-arm-linux-gnueabihf libc6-dev-armhf-cross ;;
    packages:riscv64gc-unknown-linux-gnu) echo gcc-riscv64-linux-gnu g++-riscv64-linux-gnu libc6-dev-riscv64-cross ;;
    packages:*)
        echo "LINUX_TARGETS names \`$name\`, for which builder-image/targets.sh knows no compiler: add it there" >&2
        exit 1
        ;;
    *)
        echo "usage: targets.sh android ABI… | packages TRIPLE…" >&2
        exit 1
        ;;
    esac
done
