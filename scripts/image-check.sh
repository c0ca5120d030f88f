#!/usr/bin/env bash
# The image without docker, a registry and the NDK: every step of builder-image/Dockerfile is executed by buildah on a
# Debian made by debootstrap, with stand-ins for the NDK and for the two base images. Then the function runs in the
# finished root as Lambda runs it (read-only but for /tmp, without rights), answers an invocation, and a program is built
# for this machine and one for Android.
#
#   COMPILE=FILE  a binary that is there already, instead of the stage that builds the Lambdas
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
for tool in buildah debootstrap clang ld.lld llvm-ar python3 rustup unshare zip; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
[ "$(id -u)" = 0 ] || missing+=("root")
if [ ${#missing[@]} -gt 0 ]; then
    echo "the image can't be checked here, it needs: ${missing[*]}"
    echo "image: 0 passed, 0 failed, 1 skipped"
    [ -z "${REQUIRE_IMAGE:-}" ]
    exit
fi
work=$PWD/target/image
stand_ins=$work/stand-ins
mkdir -p "$stand_ins" "$work/storage"
buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
container=
cleanup() {
    [ -z "$container" ] || "${buildah[@]}" rm "$container" >/dev/null || true
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "Debian"
if [ ! -f "$work/debian.tar" ]; then
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$work/debootstrap.log"
    # An authority that this machine trusts beside the usual ones is trusted in there too.
    cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
    chroot "$root" update-ca-certificates >/dev/null
    tar -C "$root" -cf "$work/debian.tar.part" .
    rm -rf "$root"
    mv "$work/debian.tar.part" "$work/debian.tar"
fi
if ! "${buildah[@]}" images --quiet localhost/debian >/dev/null 2>&1; then
    base=$("${buildah[@]}" from scratch)
    "${buildah[@]}" add --quiet "$base" "$work/debian.tar" / >/dev/null
    "${buildah[@]}" commit --quiet "$base" localhost/debian >/dev/null
    "${buildah[@]}" rm "$base" >/dev/null
fi

say "Stand-ins"
# Rustup's installer is rustup under another name.
cp "$(rustup which rustup 2>/dev/null || command -v rustup)" "$stand_ins/rustup-init"
rm -rf "$stand_ins/ndk" "$stand_ins/ndk.zip"
conformance/fixtures/ndk.sh "$stand_ins/ndk/android-ndk-stand-in"
(cd "$stand_ins/ndk" && zip -qry ../ndk.zip .)
checksum() { "$1" "$2" | cut -d ' ' -f 1; }

say "The image"
arguments=(
    --build-arg DEBIAN=localhost/debian
    --build-arg "RUSTUP_URL=file:///stand-ins/rustup-init"
    --build-arg "RUSTUP_SHA256=$(checksum sha256sum "$stand_ins/rustup-init")"
    --build-arg "NDK_URL=file:///stand-ins/ndk.zip"
    --build-arg "NDK_SHA1=$(checksum sha1sum "$stand_ins/ndk.zip")"
    --build-arg ANDROID_ABIS=arm64-v8a
    --build-arg ANDROID_LEVELS=24
    --build-arg "LINUX_TARGETS=x86_64-unknown-linux-gnu"
    # What the stand-in for the NDK is made of.
    --build-arg "EXTRA_PACKAGES=clang lld llvm"
    --build-arg PROFILE=dev
)
if [ -n "${COMPILE:-}" ]; then
    rm -rf "$work/built"
    mkdir -p "$work/built/out/zips"
    cp "$COMPILE" "$work/built/out/compile"
    arguments+=(--build-context "build=$work/built")
    echo "without the stage that builds the Lambdas: $COMPILE is taken"
else
    mkdir -p "$work/cargo-target"
    arguments+=(--volume "$work/cargo-target:/src/target")
fi
begun=$SECONDS
"${buildah[@]}" build --format docker --isolation chroot --network host --layers=false --volume "$stand_ins:/stand-ins:ro" \
    --ignorefile builder-image/Dockerfile.dockerignore "${arguments[@]}" \
    -f builder-image/Dockerfile -t localhost/cargo-cloud . >"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log" >&2
    exit 1
}
echo "built in $((SECONDS - begun)) s; $(grep -c ' STEP ' "$work/build.log") steps, log in $work/build.log"

say "The function in it"
container=$("${buildah[@]}" from localhost/cargo-cloud)
root=$("${buildah[@]}" mount "$container")
unshare --mount --pid --fork --kill-child scripts/image-run.sh "$root"
echo "image: 1 passed, 0 failed"
