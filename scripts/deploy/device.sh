#!/usr/bin/env bash
# `make device NAME=tablet [OWNER=me] [REVOKE=1]`: creates or revokes a device's user and key. The key is printed as a line to
# paste, and on a terminal also as a QR code; it is not stored on this machine.
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
    # Only the devices, whatever else has changed in this folder since the deployment. Terraform doesn't read the functions'
    # files for this, so any folder will do.
    [ -f target/lambdas/relay.zip ] || variables+=(-var lambda_zips=tests/zips)
    apply -target=module.devices -refresh=false || fail "the devices may be only half changed: type the same command again"
    read_outputs
}

if [ -n "${REVOKE:-}" ]; then
    devices=$(operator devices --remove "$NAME" <<<"$outputs")
    operator revoke --device "$NAME" <<<"$outputs"
    step "Revoking \`$NAME\`" change_devices
    say "\`$NAME\` can no longer build."
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
say "Type this on the device. Whoever has this line builds at your cost, so don't keep it. It is not shown again; \`make device NAME=$NAME\`"
say "makes a new line, and this one stops working."
say
operator key "${arguments[@]}" <<<"$outputs"
