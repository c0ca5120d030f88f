#!/usr/bin/env bash
# All tests: `make test`, then the unit tests of the other packages, the platform, deploying, and the image. A part that can't
# run on this machine says why in one line and counts as skipped. Where one part waits (Terraform polls for a minute after
# some calls), another works.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

logs=$(mktemp -d)
export SKIPPED_PARTS=$logs/skipped
touch "$SKIPPED_PARTS"
background=
cleanup() {
    # With everything it has started.
    [ -z "$background" ] || kill -- -"$background" 2>/dev/null || true
    rm -rf "$logs"
}
trap cleanup EXIT

# part NAME COMMAND…: runs a part and goes on, however it ends. How it ended and the seconds it took are kept.
part() {
    local name=$1 begun=$SECONDS ended=passed
    shift
    printf '\n== %s\n' "$name"
    "$@" || ended=failed
    ! grep -qx "$name" "$SKIPPED_PARTS" || [ $ended = failed ] || ended=skipped
    printf '%s: %s, %s s\n' "$name" "$ended" $((SECONDS - begun)) >>"$logs/ended"
}

part test scripts/test.sh
# In one command for all parts that follow, so that each dependency is compiled once.
part build "${cargo[@]}" build --all-targets "${everything[@]}"
! grep -q '^build: failed' "$logs/ended" || exit 1
# The libraries' unit tests are here a second time, some seconds: cargo can't choose one of several libraries by its name.
part units "${cargo_test[@]}" "${everything[@]}" --lib --bin compile --bin connect --bin disconnect --bin relay --bin operator \
    --bin aws-emulator

beside() {
    part deploy scripts/test-deploy.sh
    COMPILE=$(target_directory)/debug/compile part image scripts/image-check.sh
    part front-door scripts/test-front-door.sh
}
# A process group of its own, so that it can be ended whole.
set -m
beside >"$logs/beside" 2>&1 &
background=$!
set +m
part platform scripts/test-aws.sh
wait "$background" || true
background=
cat "$logs/beside"

printf '\n== all parts\n'
cat "$logs/ended"
count() { grep -c ": $1," "$logs/ended" || true; }
echo "parts: $(count passed) passed, $(count failed) failed, $(count skipped) skipped"
[ "$(count failed)" = 0 ]
