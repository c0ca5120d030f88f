#!/usr/bin/env bash
# notes.sh TAG: what has changed since the tag before, by room, and how to install. Commits are named `room: what changed`.
set -euo pipefail
tag=${1:?usage: notes.sh TAG}
cd "$(dirname "$0")/../.."
before=$(git describe --tags --abbrev=0 --match 'v*' "$tag^" 2>/dev/null || true)
cat <<INSTALL
## Install

In Termux, and on any Linux or macOS (the checksum is verified):

    curl -fsSL https://github.com/cargo-cloud/cargo-cloud/releases/download/$tag/install.sh | sh

With cargo: \`cargo binstall cargo-cloud\`, and on the machine that builds \`cargo binstall cargo-cloud-local\`.
Where a file comes from: \`gh attestation verify FILE --repo cargo-cloud/cargo-cloud\`.

INSTALL
printf '## Changes%s\n' "${before:+ since $before}"
git log --no-merges --format=%s "${before:+$before..}$tag" | sort | awk -F ': ' '
    { room = NF > 1 ? $1 : "other"; sub(/^[^:]*: /, ""); if (room != last) printf "\n**%s**\n\n", room; last = room; print "- " $0 }'
