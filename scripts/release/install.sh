#!/bin/sh
# Installs the client into ~/.cargo/bin (or $CARGO_INSTALL_ROOT/bin), in Termux and on Linux and macOS:
#   curl -fsSL https://github.com/cargo-cloud/cargo-cloud/releases/latest/download/install.sh | sh
# With it come completions for bash, zsh and fish, and man pages. The last lines tell how to uninstall everything.
# VERSION=0.1.0       installs this release instead of the newest
# COMPLETIONS=no      installs the program alone, without completions and man pages
# RELEASES=URL        fetches from another list of releases
set -eu

fail() {
    echo "error: $*" >&2
    exit 1
}

# All of it is a function, so that a download that breaks off runs nothing.
main() {
    system=$(uname -s) machine=$(uname -m)
    if [ -n "${TERMUX_VERSION:-}" ]; then
        system=Termux
        # A 64-bit kernel may have a 32-bit Termux.
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
    MINGW* | MSYS* | CYGWIN*) fail "on Windows the client runs in WSL (wsl --install): type this command there" ;;
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
    [ "${sum%% *}" = "${line%% *}" ] || fail "the checksum of $archive differs from the release's; nothing was installed"
    tar -xzf "$archive"
    unpacked=$work/${archive%.tar.gz}
    root=${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}
    mkdir -p "$root/bin"
    # Renamed into place, so that a client that is running stays whole.
    cp "$unpacked/cargo-cloud" "$root/bin/.cargo-cloud.new"
    chmod 755 "$root/bin/.cargo-cloud.new"
    mv "$root/bin/.cargo-cloud.new" "$root/bin/cargo-cloud"
    installed=" $root/bin/cargo-cloud"
    "$root/bin/cargo-cloud" --version
    [ "${COMPLETIONS:-yes}" = no ] || install_completions
    case :$PATH: in
    *":$root/bin:"*) ;;
    *) echo "Put $root/bin into your PATH, for example: echo 'export PATH=\"$root/bin:\$PATH\"' >>~/.profile" ;;
    esac
    echo "To uninstall: rm -f$installed"
    echo "Next: cargo-cloud configure"
}

# Puts completions and man pages where bash, zsh, fish and man look for them. The program works without: a folder that can't
# be written is named, and that is all.
install_completions() {
    data=${XDG_DATA_HOME:-$HOME/.local/share}
    bash=${BASH_COMPLETION_USER_DIR:-$data/bash-completion}/completions
    fish=$data/fish/vendor_completions.d
    zsh=$data/zsh/site-functions
    # `man` looks beside each folder of PATH.
    man=$root/share/man/man1
    if [ "$system" = Termux ] && [ -n "${PREFIX:-}" ]; then
        bash=$PREFIX/share/bash-completion/completions
        fish=$PREFIX/share/fish/vendor_completions.d
        zsh=$PREFIX/share/zsh/site-functions
        man=$PREFIX/share/man/man1
    elif command -v zsh >/dev/null; then
        # No folder of the user's is in zsh's search path by default; one that is there and writable is better.
        for folder in $(zsh -fc 'print -l $fpath' 2>/dev/null); do
            if [ -w "$folder" ]; then
                zsh=$folder
                break
            fi
        done
    fi
    place completions/cargo-cloud.bash "$bash" cargo-cloud
    place completions/cargo-cloud.fish "$fish" cargo-cloud.fish
    place completions/_cargo-cloud "$zsh" _cargo-cloud
    for page in "$unpacked"/man1/*.1; do
        place "man1/${page##*/}" "$man" "${page##*/}"
    done
    # One pattern in the line on uninstalling, instead of thirty names.
    case $installed in
    *"$man/"*) installed="${installed%% "$man"/*} $man/cargo-cloud*.1" ;;
    esac
    if command -v zsh >/dev/null && [ "$zsh" = "$data/zsh/site-functions" ]; then
        echo "For completions in zsh, put this into ~/.zshrc before compinit: fpath+=($zsh)"
    fi
}

# place FILE FOLDER NAME: copies a file of the archive, if the archive has it.
place() {
    [ -f "$unpacked/$1" ] || return 0
    if mkdir -p "$2" 2>/dev/null && cp "$unpacked/$1" "$2/$3" 2>/dev/null; then
        installed="$installed $2/$3"
    else
        echo "note: $2/$3 can't be written; the program works without it" >&2
    fi
}

main
