#!/usr/bin/env bash
# Copies the parts of an Android NDK that clang, CMake and cargo-ndk need for some ABIs and API levels.
set -euo pipefail
usage='usage: trim-ndk.sh NDK TO "ABI…" "API-LEVEL…"'
ndk=$(realpath "${1:?$usage}") to=${2:?$usage} abis=${3:?$usage} levels=${4:?$usage}
host=toolchains/llvm/prebuilt/linux-x86_64
mkdir -p "$to"
to=$(realpath "$to")
cd "$ndk"

# keep PATH…: copies the paths that exist, and links as links.
keep() {
    local path
    for path in "$@"; do
        if [ -e "$path" ] || [ -L "$path" ]; then
            cp -a --parents "$path" "$to"
        fi
    done
}
keep source.properties NOTICE NOTICE.toolchain build/cmake meta

# Copies programs, with the targets of their links and the NDK's libraries that they load.
programs=()
for name in clang clang++ ld ld.lld lld llvm-ar llvm-ranlib llvm-nm llvm-strip llvm-objcopy llvm-objdump llvm-readelf \
    llvm-readobj llvm-addr2line llvm-symbolizer; do
    path=$host/bin/$name
    while [ -L "$path" ]; do
        programs+=("$path")
        link=$(readlink "$path")
        case $link in
        /*) break ;;
        *) path=$host/bin/$link ;;
        esac
    done
    programs+=("$path")
done
keep "${programs[@]}"
for program in "${programs[@]}"; do
    # A script loads no libraries.
    { ldd "$program" 2>/dev/null || true; } | awk '$2 == "=>" { print $3 }' | while read -r library; do
        library=$(realpath -s "$library")
        case $library in
        "$ndk"/*) keep "${library#"$ndk"/}" "$(realpath --relative-to="$ndk" "$library")" ;;
        esac
    done
done

# Clang's own headers and runtime, the system's headers, then the libraries to link with.
cd "$ndk/$host/lib/clang"
for version in *; do
    keep_from=$host/lib/clang/$version
    (cd "$ndk" && keep "$keep_from/include")
done
cd "$ndk"
keep "$host/sysroot/usr/include"
all=(aarch64-linux-android arm-linux-androideabi i686-linux-android x86_64-linux-android riscv64-linux-android)
wanted=()
for abi in $abis; do
    case $abi in
    arm64-v8a) triple=aarch64-linux-android clang=aarch64-linux-android arch=aarch64 ;;
    armeabi-v7a) triple=arm-linux-androideabi clang=armv7a-linux-androideabi arch=arm ;;
    x86) triple=i686-linux-android clang=i686-linux-android arch=i686 ;;
    x86_64) triple=x86_64-linux-android clang=x86_64-linux-android arch=x86_64 ;;
    *)
        echo "ANDROID_ABIS names \`$abi\`; there are arm64-v8a, armeabi-v7a, x86 and x86_64" >&2
        exit 1
        ;;
    esac
    wanted+=("$triple")
    libraries=$host/sysroot/usr/lib/$triple
    # Clang's runtime has one or two names for 32-bit x86.
    runtime=$arch
    [ "$arch" != i686 ] || runtime='i[36]86'
    for resources in "$host"/lib/clang/*; do
        # shellcheck disable=SC2086 # a pattern
        keep "$resources"/lib/linux/libclang_rt.builtins-$runtime-android.a "$resources"/lib/linux/$runtime
    done
    keep "$libraries"/*.a "$libraries"/*.so "$libraries"/*.o
    for level in $levels; do
        if [ ! -d "$libraries/$level" ]; then
            echo "the NDK has no API level $level for $abi; it has:" "$(cd "$libraries" && echo [0-9]*)" >&2
            exit 1
        fi
        keep "$libraries/$level" "$host/bin/$clang$level-clang" "$host/bin/$clang$level-clang++"
    done
done
for triple in "${all[@]}"; do
    case " ${wanted[*]} " in
    *" $triple "*) ;;
    *) rm -rf "${to:?}/$host/sysroot/usr/include/$triple" ;;
    esac
done
du -sh "$to"
