#!/usr/bin/env bash
# Run by .github/workflows/deploy.yml: carries out the chosen action. A device's line is never shown: it is encrypted with the
# repository's secret DEVICE_PASSPHRASE.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

[ -n "${STATE_BUCKET:-}" ] || fail "the repository has no variable STATE_BUCKET, so nothing would record what was deployed"
case ${ACTION:?} in
plan | deploy | status) scripts/deploy/"$ACTION.sh" ;;
revoke) REVOKE=1 scripts/deploy/device.sh ;;
destroy)
    [ "${CONFIRM:-}" = "$DEPLOYMENT" ] || fail "to be sure, give the deployment's name (\`$DEPLOYMENT\`) in the field \`confirm\`"
    YES=1 scripts/deploy/destroy.sh
    ;;
device)
    [ ${#PASSPHRASE} -ge 20 ] ||
        fail "the repository's secret DEVICE_PASSPHRASE needs 20 characters or more: a reader of this page could guess a shorter one"
    said=$(mktemp)
    trap 'rm -f "$said"' EXIT
    scripts/deploy/device.sh >"$said" || {
        grep -v 'cargo-cloud-1:' "$said" || true
        exit 1
    }
    sealed=$(sed -n 's/.*\(cargo-cloud-1:[^ ]*\).*/\1/p' "$said" | tail -n 1 |
        openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -salt -a -A -pass env:PASSPHRASE)
    cat <<END | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
On the device (in Termux first: pkg install openssl-tool), with the passphrase when asked for it:

    echo $sealed | openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -a -A | cargo-cloud configure -
END
    ;;
*) fail "there is no action \`$ACTION\`" ;;
esac
