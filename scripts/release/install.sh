#!/bin/sh
# Installs the client into ~/.cargo/bin (or $CARGO_INSTALL_ROOT/bin), in Termux and on Linux and macOS:
#   curl -fsSL https://github.com/cargo-cloud/cargo-cloud/releases/latest/download/install.sh | sh
# VERSION=0.1.0 takes another release than the newest; RELEASES another place of releases.
set -eu

fail() {
    echo "error: $*" >&2
    exit 1
}

# All of it, so that a download that breaks off runs nothing.
main() {
    system=$(uname -s) machine=$(uname -m)
    if [ -n "${TERMUX_VERSION:-}" ]; then
        system=Termux
        # A kernel of 64 bits may have a Termux of 32.
        machine=$(dpkg --print-architecture 2>/dev/null || echo "$machine")
    fi
    case $system-$machine in
    Termux-aarch64) target=aarch64-linux-android ;;
    Termux-arm | Termux-armv7l | Termux-armv8l) target=armv7-linux-androideabi ;;
    Termux-x86_64) target=x86_64-linux-android ;;
    Linux-x86_64) target=x86_64-unknown-linux-musl ;;
    Linux-aarch64) target=aarch64-unknown-linux-musl ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    MINGW* | MSYS* | CYGWIN*) fail "on Windows the client runs in WSL (wsl --install): type this there" ;;
    *) fail "there is no client for $system on $machine; with Rust: cargo install --locked --path cli --profile client" ;;
    esac
    releases=${RELEASES:-https://github.com/cargo-cloud/cargo-cloud/releases}
    if [ -n "${VERSION:-}" ]; then
        from=$releases/download/v$VERSION
    else
        from=$releases/latest/download
    fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    curl -fsSL -O "$from/SHA256SUMS" || fail "there is no release at $from"
    line=$(grep " cargo-cloud-v[0-9].*-$target\.tar\.gz\$" SHA256SUMS) || fail "the release has no client for $target"
    archive=${line##* }
    curl -fSL -O "$from/$archive"
    if command -v sha256sum >/dev/null; then
        sum=$(sha256sum "$archive")
    else
        sum=$(shasum -a 256 "$archive")
    fi
    [ "${sum%% *}" = "${line%% *}" ] || fail "$archive is not what the release's checksums say; nothing was installed"
    tar -xzf "$archive"
    bin=${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin
    mkdir -p "$bin"
    # In one step: a client that is running stays whole.
    cp "${archive%.tar.gz}/cargo-cloud" "$bin/.cargo-cloud.new"
    chmod 755 "$bin/.cargo-cloud.new"
    mv "$bin/.cargo-cloud.new" "$bin/cargo-cloud"
    "$bin/cargo-cloud" --version
    case :$PATH: in
    *":$bin:"*) ;;
    *) echo "Put $bin into your PATH, for example: echo 'export PATH=\"$bin:\$PATH\"' >>~/.profile" ;;
    esac
    echo "Next: cargo-cloud configure"
}

main
