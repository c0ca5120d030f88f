#!/usr/bin/env bash
# Of image-check.sh, in mount and process namespaces of its own: runs the function of an image's root as Lambda does.
set -euo pipefail
root=${1:?usage: image-run.sh ROOT}
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,ro,bind "$root"
mount -t tmpfs -o size=2g,mode=1777 tmpfs "$root/tmp"
inside() { chroot --userspec=65534:65534 "$root" /usr/bin/env -i "$@"; }
# What the Dockerfile's ENV says.
env=(
    PATH=/opt/tools/bin:/opt/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    HOME=/tmp RUSTUP_HOME=/tmp/rustup ANDROID_NDK_HOME=/opt/ndk ANDROID_NDK_ROOT=/opt/ndk
)

# The Runtime API (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) with one invocation, whose event is none of S3's.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 - "$port" <<'PYTHON' &
import http.server, sys, time

class Api(http.server.BaseHTTPRequestHandler):
    given = False

    def do_GET(self):
        if Api.given:
            time.sleep(60)
            return
        Api.given = True
        body = b'{"nonsense":true}'
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:1:function:f")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)) if "Content-Length" in self.headers else b""
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print(self.path.rsplit("/", 1)[-1], body.decode(), flush=True)
        sys.stdout.flush()
        import os
        os._exit(0)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
PYTHON
api=$!
sleep 0.5
begun=$(date +%s%N)
inside "${env[@]}" "AWS_LAMBDA_RUNTIME_API=127.0.0.1:$port" AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=none \
    AWS_SECRET_ACCESS_KEY=none AWS_LAMBDA_FUNCTION_NAME=f AWS_LAMBDA_FUNCTION_MEMORY_SIZE=10240 \
    AWS_LAMBDA_FUNCTION_VERSION=1 AWS_LAMBDA_LOG_STREAM_NAME=l AWS_LAMBDA_LOG_GROUP_NAME=g INPUT_BUCKET=i OUTPUT_BUCKET=o \
    CACHE_BUCKET=c EVENT_BUS=b TABLE=t MONTHLY_GB_SECONDS=400000 /usr/local/bin/entry >/tmp/image-function.log 2>&1 &
function=$!
for _ in $(seq 200); do
    kill -0 "$api" 2>/dev/null || break
    kill -0 "$function" 2>/dev/null || break
    sleep 0.1
done
if kill -0 "$api" 2>/dev/null; then
    echo "the function has not answered:" >&2
    cat /tmp/image-function.log >&2
    exit 1
fi
wait "$api"
echo "it answered after $((($(date +%s%N) - begun) / 1000000)) ms"
kill "$function" 2>/dev/null || true

echo "A program for this machine, and one for Android"
# shellcheck disable=SC2016 # a script for the shell in there
inside "${env[@]}" CARGO_HOME=/tmp/cargo CARGO_TERM_COLOR=never bash -euc '
    mkdir -p /tmp/hello && cd /tmp/hello
    cargo init --quiet --vcs none --name hello .
    printf "[toolchain]\nchannel = \"stable\"\ncomponents = [\"clippy\", \"rustfmt\"]\n" >rust-toolchain.toml
    cargo build --quiet
    test "$(target/debug/hello)" = "Hello, world!"
    for linker in lld mold; do
        RUSTFLAGS="-C link-arg=-fuse-ld=$linker" cargo build --quiet --target-dir "/tmp/$linker"
        test "$("/tmp/$linker/debug/hello")" = "Hello, world!"
    done
    cargo ndk --target arm64-v8a --platform 24 build --quiet
    /opt/ndk/toolchains/llvm/prebuilt/linux-x86_64/bin/llvm-readelf --program-headers target/aarch64-linux-android/debug/hello |
        grep interpreter'
