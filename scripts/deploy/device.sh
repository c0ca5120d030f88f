#!/usr/bin/env bash
# `make device NAME=tablet [OWNER=me] [REVOKE=1]`: a device's user and key. The key is printed as a line to paste, and as a
# QR code on a terminal; it is kept nowhere here.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
[ -n "${NAME:-}" ] || fail "which device? Type: make device NAME=tablet"
need_tools
read_choices
need_operator
step "Looking at the account" find_deployment
need_deployment

change_devices() {
    set_variables "$devices"
    # Devices and no more: not what else has changed in this folder since it was deployed. The functions' files are not
    # looked at, so any will do.
    [ -f target/lambdas/relay.zip ] || variables+=(-var lambda_zips=tests/zips)
    apply -target=module.devices -refresh=false || fail "the devices are as they were, or half changed: type the same command again"
    read_outputs
}

if [ -n "${REVOKE:-}" ]; then
    devices=$(operator devices --remove "$NAME" <<<"$outputs")
    operator revoke --device "$NAME" <<<"$outputs"
    step "Taking \`$NAME\` away" change_devices
    say "\`$NAME\` can't build any more."
    exit
fi

devices=$(operator devices --add "$NAME" --owner "${OWNER:-me}" <<<"$outputs")
if ! grep -qF "\"$NAME\"" <<<"$(tf output -json devices)"; then
    step "Making \`$NAME\` (half a minute)" change_devices
fi
arguments=(--device "$NAME")
if [ -t 1 ]; then
    size=$(stty size 2>/dev/null) || size="24 80"
    arguments+=(--qr "${size#* }")
fi
say
say "Type this on the device. Who has it builds at your cost, so don't keep it; it is not shown again, and \`make device NAME=$NAME\`"
say "makes a new one, with which this one ends."
say
operator key "${arguments[@]}" <<<"$outputs"
