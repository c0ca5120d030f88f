#!/usr/bin/env bash
# Compiles and links a program in C and one in C++ for every ABI and API level, the way cargo-ndk does, and checks the
# results, so that a part that is missing in a trimmed NDK is noticed here and not in somebody's build.
set -euo pipefail
usage='usage: check-ndk.sh NDK "ABI…" "API-LEVEL…"'
ndk=${1:?$usage} abis=${2:?$usage} levels=${3:?$usage}
bin=$ndk/toolchains/llvm/prebuilt/linux-x86_64/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' >"$work/c.c"
printf '#include <string>\nint main(int count, char **) { return std::string(count, 97).size() == 0; }\n' >"$work/cpp.cpp"
for abi in $abis; do
    case $abi in
    arm64-v8a) target=aarch64-linux-android loader=/system/bin/linker64 ;;
    armeabi-v7a) target=armv7a-linux-androideabi loader=/system/bin/linker ;;
    x86) target=i686-linux-android loader=/system/bin/linker ;;
    x86_64) target=x86_64-linux-android loader=/system/bin/linker64 ;;
    esac
    for level in $levels; do
        "$bin/clang" "--target=$target$level" -fPIC "$work/c.c" -pie -Wl,-z,max-page-size=16384 -ldl -llog -lm \
            -o "$work/c"
        "$bin/clang++" "--target=$target$level" -fPIC -c "$work/cpp.cpp" -o "$work/cpp.o"
        "$bin/llvm-ar" rcs "$work/libcpp.a" "$work/cpp.o"
        "$bin/llvm-ranlib" "$work/libcpp.a"
        # Links as rustc does: with clang, and with both halves of libc++ by name.
        "$bin/clang" "--target=$target$level" "$work/cpp.o" -pie -Wl,-z,max-page-size=16384 -lc++_static -lc++abi \
            -lunwind -o "$work/cpp"
        for program in c cpp; do
            headers=$("$bin/llvm-readelf" --wide --program-headers "$work/$program")
            for wanted in "interpreter: $loader]" "LOAD .* 0x4000$"; do
                grep -q -- "$wanted" <<<"$headers" || {
                    printf '%s for %s, API level %s: no "%s" in\n%s\n' "$program" "$abi" "$level" "$wanted" "$headers" >&2
                    exit 1
                }
            done
        done
    done
    echo "$abi: $levels"
done
