#!/bin/sh
# Starts the function. Only /tmp is writable, so rustup's folder is there: rustup can add the toolchains that projects ask
# for, and links lead to the toolchains of the image.
set -eu
mkdir -p "$RUSTUP_HOME/toolchains"
for toolchain in /opt/rustup/toolchains/*; do
    name=${toolchain##*/}
    version=${name%%-*} host=${name#*-}
    # One link for each name that a rust-toolchain.toml may use.
    for known in "$version" "${version%.*}" stable; do
        ln -sfn "$toolchain" "$RUSTUP_HOME/toolchains/$known-$host"
    done
done
cp /opt/rustup/settings.toml "$RUSTUP_HOME/settings.toml"
exec /usr/local/bin/compile
