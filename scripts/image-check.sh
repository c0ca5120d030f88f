#!/usr/bin/env bash
# Tests the image without docker, a registry and the NDK: buildah executes every step of builder-image/Dockerfile on a Debian
# made by debootstrap, with stand-ins for the NDK and for the two base images. Then the function runs in the finished root as
# Lambda runs it (read-only except /tmp, without privileges), beside an emulated account. It answers an invocation, and builds
# what the real client sends: for this machine, with another toolchain, and for Android.
#
#   COMPILE=FILE  uses this program instead of the stage that builds the Lambdas
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

# Debian's packages come from where this machine gets its own.
# shellcheck disable=SC2016 # apt's own variable
debian=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep --max-count 1 '/debian/\?$' || true)
[ "$(id -u)" = 0 ] || missing+=("it needs root")
need_programs buildah debootstrap clang ld.lld llvm-ar rustup unshare wget zip
need_moto
if [ -z "$debian" ]; then
    missing+=("apt names no mirror of Debian")
elif command -v wget >/dev/null; then
    wget --quiet --spider --tries 2 --timeout 20 "${debian%/}/dists/bookworm/InRelease" ||
        missing+=("$debian is out of reach")
fi
skip_if_missing image
work=$PWD/target/image
stand_ins=$work/stand-ins
mkdir -p "$stand_ins" "$work/storage"
buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
container=
account=
cleanup() {
    [ -z "$account" ] || kill "$account" 2>/dev/null || true
    [ -z "$container" ] || "${buildah[@]}" rm "$container" >/dev/null || true
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "Debian"
if [ ! -f "$work/debian.tar" ]; then
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$debian" >"$work/debootstrap.log"
    # If this machine trusts further certificate authorities, the image trusts them too.
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
# Rust's official image is Debian with rustup and one toolchain; rustup's installer is rustup under another name.
if ! "${buildah[@]}" images --quiet localhost/rust >/dev/null 2>&1; then
    cp "$(rustup which rustup 2>/dev/null || command -v rustup)" "$stand_ins/rustup-init"
    base=$("${buildah[@]}" from localhost/debian)
    # shellcheck disable=SC2016 # expanded in there
    "${buildah[@]}" run --isolation chroot --network host --volume "$stand_ins:/stand-ins:ro" \
        --env RUSTUP_HOME=/usr/local/rustup --env CARGO_HOME=/usr/local/cargo "$base" -- bash -euc '
            apt-get update -qq && apt-get install -qq -y --no-install-recommends gcc libc6-dev >/dev/null
            /stand-ins/rustup-init -y --quiet --no-modify-path --profile minimal --default-toolchain 1.95.0
            chmod -R a+w /usr/local/rustup /usr/local/cargo' >"$work/rust.log" 2>&1 || {
        tail -n 20 "$work/rust.log" >&2
        exit 1
    }
    "${buildah[@]}" config --env RUSTUP_HOME=/usr/local/rustup --env CARGO_HOME=/usr/local/cargo \
        --env PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
    "${buildah[@]}" commit --quiet "$base" localhost/rust >/dev/null
    "${buildah[@]}" rm "$base" >/dev/null
fi
rm -rf "$stand_ins/ndk" "$stand_ins/ndk.zip"
conformance/fixtures/ndk.sh "$stand_ins/ndk/android-ndk-stand-in"
(cd "$stand_ins/ndk" && zip -qry ../ndk.zip .)
checksum() { "$1" "$2" | cut -d ' ' -f 1; }

say "The image"
arguments=(
    --build-arg DEBIAN=localhost/debian
    --build-arg RUST=localhost/rust
    --build-arg "NDK_URL=file:///stand-ins/ndk.zip"
    --build-arg "NDK_SHA1=$(checksum sha1sum "$stand_ins/ndk.zip")"
    --build-arg ANDROID_ABIS=arm64-v8a
    --build-arg ANDROID_LEVELS=24
    --build-arg "LINUX_TARGETS=x86_64-unknown-linux-gnu"
    # The stand-in for the NDK consists of these.
    --build-arg "EXTRA_PACKAGES=clang lld llvm"
    --build-arg PROFILE=dev
)
if [ -n "${COMPILE:-}" ]; then
    rm -rf "$work/built"
    mkdir -p "$work/built/out/zips"
    cp "$COMPILE" "$work/built/out/compile"
    arguments+=(--build-context "build=$work/built")
    echo "the stage that builds the Lambdas is left out; $COMPILE is used"
else
    mkdir -p "$work/cargo-target"
    arguments+=(--volume "$work/cargo-target:/src/target")
fi
# build TAG ARGUMENT…: builds, and writes the output into a log.
build() {
    local tag=$1
    shift
    "${buildah[@]}" build --format docker --isolation chroot --network host --layers=false \
        --volume "$stand_ins:/stand-ins:ro" --ignorefile builder-image/Dockerfile.dockerignore "${arguments[@]}" "$@" \
        -f builder-image/Dockerfile -t "localhost/$tag" . >"$work/$tag.log" 2>&1
}
begun=$SECONDS
build cargo-cloud || {
    tail -n 40 "$work/cargo-cloud.log" >&2
    exit 1
}
echo "built in $((SECONDS - begun)) s; $(grep -c ' STEP ' "$work/cargo-cloud.log") steps, log in $work/cargo-cloud.log"
if [ -z "${COMPILE:-}" ]; then
    begun=$SECONDS
    build cargo-cloud-operator --target operator || {
        tail -n 40 "$work/cargo-cloud-operator.log" >&2
        exit 1
    }
    echo "the stage operator built in $((SECONDS - begun)) s"
fi

say "An NDK with a wrong checksum"
# The finished image serves as the base of this stage.
if build refused --target ndk --build-context system=container-image://localhost/cargo-cloud \
    --build-arg "NDK_SHA1=$(printf %040d 0)"; then
    echo "the build accepted it" >&2
    exit 1
fi
grep -q 'WARNING: 1 computed checksum did NOT match' "$work/refused.log" || {
    tail -n 20 "$work/refused.log" >&2
    exit 1
}
echo "refused"

say "The packages of each target"
container=$("${buildah[@]}" from localhost/debian)
targets=(x86_64-unknown-linux-gnu x86_64-unknown-linux-musl aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf
    riscv64gc-unknown-linux-gnu)
read -ra packages <<<"$(bash builder-image/targets.sh packages "${targets[@]}" | tr '\n' ' ')"
"${buildah[@]}" run --isolation chroot --network host "$container" -- sh -euc '
    apt-get update -qq && apt-get install --simulate --no-install-recommends "$@" >/dev/null' sh "${packages[@]}"
"${buildah[@]}" rm "$container" >/dev/null
echo "${packages[*]}"

say "The function in the image"
"${cargo[@]}" build --quiet --all-targets "${everything[@]}"
binaries=$(target_directory)/debug
coproc ACCOUNT { exec "$binaries/aws-emulator" account --refusals "$work/refusals.json"; }
account=$ACCOUNT_PID
read -r told <&"${ACCOUNT[0]}"
read -r endpoint python script < <(python3 -c '
import json, sys
told = json.loads(sys.argv[1])
print(told["environment"]["AWS_ENDPOINT_URL"], *told["ask"])' "$told")
ask() {
    AWS_ENDPOINT_URL=$endpoint AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=us-east-1 \
        "$python" "$script" call "$@" >/dev/null
}
for bucket in input output cache; do ask s3 create_bucket "{\"Bucket\": \"$bucket\"}"; done
ask events create_event_bus '{"Name": "bus"}'
ask dynamodb create_table '{"TableName": "table", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]}'
container=$("${buildah[@]}" from localhost/cargo-cloud)
root=$("${buildah[@]}" mount "$container")
unshare --mount --pid --fork --kill-child scripts/image-run.sh "$root" "$binaries/cargo-cloud" "$endpoint"
echo "image: 1 passed, 0 failed"
