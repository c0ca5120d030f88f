#!/usr/bin/env bash
# `make destroy`: removes a deployment, with everything in it. Asks once, unless YES=1.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
need_tools
read_choices
need_operator
step "Looking at the account" find_deployment
resources=$(tf state list 2>/dev/null | grep -cv '\(^\|\.\)data\.') || true
[ "${resources:-0}" -gt 0 ] || fail "nothing is deployed as \`$deployment\` from here, so there is nothing to remove"

running=$(operator running <<<"$outputs")
say
say "This deletes the deployment \`$deployment\` in $region, account $account: $resources resources, the image, all sources, programs,"
say "logs and caches, and the keys of all devices."
if [ -n "$running" ]; then
    say
    say "warning: builds are running, and will be cancelled:"
    say "$running"
fi
if [ -z "${YES:-}" ]; then
    [ -t 0 ] || fail "to go on without being asked, type: make destroy YES=1"
    read -r -p "Type the deployment's name to go on: " answer
    [ "$answer" = "$deployment" ] || fail "stopped; nothing was changed"
fi

step "Stopping builds" operator stop --wait "${WAIT:-60}" <<<"$outputs"
step "Emptying the buckets" operator empty <<<"$outputs"

take_away() {
    # Terraform wants values for the functions' files and the image, even to remove them.
    image=${image:-$(no_image)}
    set_variables "$(operator devices <<<"$outputs")"
    variables+=(-var lambda_zips=tests/zips)
    apply -destroy || fail "not everything is gone. Type \`make destroy\` again: it goes on where it stopped"
}
step "Removing everything (2 minutes)" take_away

forget() {
    local name
    docker image rm --force "cargo-cloud:$deployment" >/dev/null 2>&1 || true
    [ -z "$repository" ] || docker image rm --force "$repository:live" >/dev/null 2>&1 || true
    # This machine's own entry: a name on one line, its address on the next. After an earlier attempt that broke off, the
    # outputs no longer contain it.
    name=$(client configure --list </dev/null 2>/dev/null | grep -B 1 -F "$deployment-input-$account-$region" | sed -n 's/^[* ] \([^:]*\):.*/\1/p') || name=
    [ -z "$name" ] || client configure --remove "$name" </dev/null
    # Keeps your own variables.
    rm -rf "${folder:?}"/{choices,*.log,.terraform,terraform.tfstate,terraform.tfstate.backup}
    rmdir "$folder" 2>/dev/null || true
}
step "Removing its files on this machine" forget
say "Nothing of \`$deployment\` is left in the account."
