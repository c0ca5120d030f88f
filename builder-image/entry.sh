#!/bin/sh
# Starts the function. Nothing but /tmp can be written to: rustup's folder lies there, so that it can add the toolchains
# that projects ask for, and leads to what the image has.
set -eu
mkdir -p "$RUSTUP_HOME/toolchains"
for toolchain in /opt/rustup/toolchains/*; do
    name=${toolchain##*/}
    version=${name%%-*} host=${name#*-}
    # Under each name by which a rust-toolchain.toml may mean it.
    for known in "$version" "${version%.*}" stable; do
        ln -sfn "$toolchain" "$RUSTUP_HOME/toolchains/$known-$host"
    done
done
cp /opt/rustup/settings.toml "$RUSTUP_HOME/settings.toml"
exec /usr/local/bin/compile
