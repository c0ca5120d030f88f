#!/usr/bin/env bash
# notes.sh TAG: prints how to install, and the changes since the previous tag by folder. Commits are named `folder: change`.
set -euo pipefail
tag=${1:?usage: notes.sh TAG}
cd "$(dirname "$0")/../.."
before=$(git describe --tags --abbrev=0 --match 'v*' "$tag^" 2>/dev/null || true)
cat <<INSTALL
## Install

In Termux, and on any Linux (on Windows: in WSL) or macOS; the checksum is verified:

    curl -fsSL https://github.com/cargo-cloud/cargo-cloud/releases/download/$tag/install.sh | VERSION=${tag#v} sh

Completions for bash, zsh and fish, and man pages are installed too; \`COMPLETIONS=no\` before \`sh\` leaves them out.

With cargo: \`cargo binstall --git https://github.com/cargo-cloud/cargo-cloud cargo-cloud\`; on the machine that builds, the same with
\`cargo-cloud-local\` at the end.
To check where a file comes from: \`gh attestation verify FILE --repo cargo-cloud/cargo-cloud\`.

INSTALL
printf '## Changes%s\n' "${before:+ since $before}"
git log --no-merges --format=%s "${before:+$before..}$tag" |
    awk '{ at = index($0, ": "); print (at ? substr($0, 1, at - 1) : "other") "\t" (at ? substr($0, at + 2) : $0) }' |
    sort -s -t "$(printf '\t')" -k 1,1 |
    awk -F '\t' '$1 != room { room = $1; printf "\n**%s**\n\n", room } { print "- " $2 }'
