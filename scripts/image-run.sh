#!/usr/bin/env bash
# Started by image-check.sh in mount and process namespaces of its own: runs the function in an image's root as Lambda does, and
# lets it build what the real client sends. ENDPOINT is the address of an emulated account with the buckets `input`, `output`
# and `cache`, the bus `bus` and the table `table`.
set -euo pipefail
usage='usage: image-run.sh ROOT CLIENT ENDPOINT'
root=${1:?$usage} client=${2:?$usage} endpoint=${3:?$usage}
fixtures=$PWD/conformance/fixtures
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
touch "$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount -o remount,ro,bind "$root"
mount -t tmpfs -o size=4g,mode=1777 tmpfs "$root/tmp"
inside() { chroot --userspec=65534:65534 "$root" /usr/bin/env -i "$@"; }
# The same as the Dockerfile's ENV.
env=(
    PATH=/opt/tools/bin:/opt/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    HOME=/tmp RUSTUP_HOME=/tmp/rustup ANDROID_NDK_HOME=/opt/ndk ANDROID_NDK_ROOT=/opt/ndk
)
# Visible only in this namespace.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 "$fixtures/lambda.py" "$port" "$endpoint" input >"$work/answers" &
for _ in $(seq 300); do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    sleep 0.1
done
begun=$(date +%s%N)
inside "${env[@]}" "AWS_LAMBDA_RUNTIME_API=127.0.0.1:$port" "AWS_ENDPOINT_URL=$endpoint" AWS_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_LAMBDA_FUNCTION_NAME=f AWS_LAMBDA_FUNCTION_MEMORY_SIZE=10240 \
    AWS_LAMBDA_FUNCTION_VERSION=1 AWS_LAMBDA_LOG_STREAM_NAME=l AWS_LAMBDA_LOG_GROUP_NAME=g INPUT_BUCKET=input \
    OUTPUT_BUCKET=output CACHE_BUCKET=cache EVENT_BUS=bus TABLE=table MONTHLY_GB_SECONDS=400000 /usr/local/bin/entry \
    >"$work/function.log" 2>&1 &
function=$!
failed() {
    echo "$*; the function's log:" >&2
    cat "$work/function.log" >&2
    exit 1
}
for _ in $(seq 300); do
    [ ! -s "$work/answers" ] || break
    kill -0 "$function" 2>/dev/null || break
    sleep 0.1
done
[ -s "$work/answers" ] || failed "the function has not answered"
echo "the function answered after $((($(date +%s%N) - begun) / 1000000)) ms"

# The client's configuration, and a project whose program prints which compiler built it.
mkdir -p "$work/home" "$work/hello/src"
cat >"$work/config.toml" <<CONFIG
backend = "image"
[backends.image]
region = "us-east-1"
endpoint = "$endpoint"
input_bucket = "input"
output_bucket = "output"
access_key_id = "none"
secret_access_key = "none"
CONFIG
chmod 600 "$work/config.toml"
cd "$work/hello"
printf '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2024"\n' >Cargo.toml
cat >build.rs <<'RUST'
fn main() {
    let rustc = std::env::var("RUSTC").unwrap();
    let said = std::process::Command::new(rustc).arg("--version").output().unwrap().stdout;
    println!("cargo::rustc-env=MADE_BY={}", String::from_utf8(said).unwrap().trim());
}
RUST
echo 'fn main() { println!("hello from {}", env!("MADE_BY")); }' >src/main.rs
build() {
    env -i PATH="$PATH" HOME="$work/home" CARGO_CLOUD_CONFIG="$work/config.toml" "$client" build --no-install "$@" ||
        failed "the build failed"
}
# said VERSION: the program for this machine was built by this toolchain.
said() { target/debug/hello | grep -F "hello from rustc $1" || failed "not built by $1: $(target/debug/hello)"; }

echo "A program for this machine"
printf '[toolchain]\nchannel = "stable"\ncomponents = ["clippy", "rustfmt"]\n' >rust-toolchain.toml
build
said 1.95.0
echo "The same program with a toolchain that the image lacks"
printf '[toolchain]\nchannel = "1.94.0"\n' >rust-toolchain.toml
build
said 1.94.0
rm rust-toolchain.toml
echo "A program for Android"
build --target aarch64-linux-android
"$root/opt/ndk/toolchains/llvm/prebuilt/linux-x86_64/bin/llvm-readelf" --program-headers \
    target/aarch64-linux-android/debug/hello | grep interpreter

echo "The tools that build scripts call"
# shellcheck disable=SC2016 # a script for the shell in there
inside "${env[@]}" CARGO_HOME=/tmp/cargo CARGO_TERM_COLOR=never bash -euc '
    for tool in autoconf automake libtoolize m4 make cmake ninja perl python3 pkg-config protoc nasm git cc c++; do
        command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
    done
    mkdir /tmp/native && cd /tmp/native
    printf "cmake_minimum_required(VERSION 3.20)\nproject(p CXX)\nadd_executable(p p.cpp)\n" >CMakeLists.txt
    printf "#include <iostream>\nint main() { std::cout << \"C++\" << std::endl; }\n" >p.cpp
    cmake -G Ninja -B build . >log && cmake --build build >>log || { cat log >&2; exit 1; }
    test "$(build/p)" = C++
    printf "syntax = \"proto3\";\nmessage M { string text = 1; }\n" >m.proto
    protoc --descriptor_set_out=m.bin m.proto && test -s m.bin
    cat >clang.c
    cc clang.c -o clang && ./clang /usr/lib/llvm-*/lib/libclang*.so*
    cargo init --quiet --vcs none --name linked linked && cd linked
    for linker in lld mold; do
        RUSTFLAGS="-C link-arg=-fuse-ld=$linker" cargo build --quiet --target-dir "/tmp/$linker"
        test "$("/tmp/$linker/debug/linked")" = "Hello, world!"
    done' <<'C'
/* What bindgen asks of libclang: that it is found, and finds its own headers. */
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **paths) {
    void *lib = 0;
    for (int i = 1; i < count && !lib; i++) lib = dlopen(paths[i], RTLD_NOW);
    if (!lib) return puts("libclang is missing"), 1;
    void *(*index)(int, int) = dlsym(lib, "clang_createIndex");
    void *(*parse)(void *, const char *, void *, int, void *, unsigned, unsigned) = dlsym(lib, "clang_parseTranslationUnit");
    unsigned (*problems)(void *) = dlsym(lib, "clang_getNumDiagnostics");
    FILE *header = fopen("h.h", "w");
    fputs("#include <stddef.h>\n#include <stdarg.h>\nsize_t size(va_list list);\n", header);
    fclose(header);
    void *unit = parse(index(0, 0), "h.h", 0, 0, 0, 0, 0);
    if (!unit || problems(unit)) return puts("libclang can't read a header"), 1;
    return 0;
}
C
kill "$function" 2>/dev/null || true
