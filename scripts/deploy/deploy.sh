#!/usr/bin/env bash
# `make deploy`: the image, the registry, the platform, and this machine as its first device. Every step can be repeated:
# it keeps what exists.
set -euo pipefail
# shellcheck source=scripts/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
need_tools
read_choices
begun=$SECONDS

step "Building the operator, which talks to AWS (5 to 10 minutes the first time)" build_operator
step "Looking at the account" find_deployment
[ -n "$repository" ] || operator account --new "$deployment" </dev/null >/dev/null
keep_choices

build_image() {
    # Lambda refuses images with attestations.
    image_build --platform linux/amd64 --provenance=false --sbom=false --load -t "cargo-cloud:$deployment"
    build_zips
}
step "Building the image and the functions (20 to 40 minutes the first time, 3 GB to fetch)" build_image

# This machine becomes a device too, unless it is configured already.
me=$(uname -n | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' - | sed 's/^-*//' | cut -c 1-32)
configured() {
    local bucket
    bucket=$(tf output -json buckets 2>/dev/null | grep -o '"[a-z0-9-]*-input-[a-z0-9-]*"' | tr -d '"') || return 1
    client configure --list </dev/null 2>/dev/null | grep -qF "$bucket"
}
devices=$(operator devices <<<"$outputs")
if [ "${CLIENT:-yes}" != no ] && ! configured; then
    devices=$(operator devices --add "${me:-me}" <<<"$outputs")
fi

make_registry() {
    set_variables "$devices"
    apply -target=module.registry || exit 1
    read_outputs
}
[ -n "$repository" ] || step "Making the registry (half a minute)" make_registry

push_image() {
    local registry=${repository%%/*} target=$repository:live
    operator login </dev/null | docker login --username AWS --password-stdin "$registry"
    docker tag "cargo-cloud:$deployment" "$target"
    docker push "$target" || {
        docker logout "$registry" >/dev/null
        fail "the push of the image broke off. The registry keeps what has arrived: type \`make deploy\` again"
    }
    docker logout "$registry" >/dev/null
    image=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$target" | grep -F "$repository@" | head -n 1)
    [[ $image == *@sha256:* ]] || fail "docker doesn't report the digest of the image it pushed to $target"
    say "$image"
}
step "Pushing the image (as long as your connection takes; layers that the registry has are not sent again)" push_image

make_everything() {
    local answer
    while true; do
        set_variables "$devices"
        if apply; then
            break
        fi
        [ -n "$cap" ] || fail "the platform is not complete. What was created stays: fix the errors above, then type \`make deploy\` again"
        if [ -t 0 ] && [ -t 1 ]; then
            read -r -p "Go on with $cap MB? [Y/n] " answer
            [[ ! $answer =~ ^[nN] ]] || fail "stopped. \`make deploy\` goes on from here"
        else
            fail "to go on with that, type: make deploy MEMORY=$cap"
        fi
        MEMORY=$cap
        keep_choices
    done
    read_outputs
}
step "Making the platform (3 minutes)" make_everything

configure_this_machine() {
    local line name=aws known
    known=$(client configure --list </dev/null 2>/dev/null) || known=
    # The backend's name stands before a colon; `aws` is the name for the first deployment.
    if [ "$deployment" != cargo-cloud ] || grep -q '^[* ] aws:' <<<"$known"; then
        name=$deployment
    fi
    ! grep -q "^[* ] $name:" <<<"$known" ||
        fail "$config_file has a backend \`$name\` for another deployment: remove it (cargo cloud configure --remove $name), then type \`make deploy\` again"
    line=$(operator key --device "${me:-me}" <<<"$outputs")
    client configure --no-default --backend "$name" - <<<"$line"
}
if [ "${CLIENT:-yes}" != no ] && ! configured; then
    step "Writing this machine's client configuration" configure_this_machine
fi

cat <<DONE

\`$deployment\` is deployed, in $((SECONDS - begun)) s. It costs nothing but storage while nothing is built: about \$0.10 a month
for each GB of the image.

  make device NAME=tablet   a key for another device, as one line to paste
  make status               what is used this month, what is running
  make destroy              takes everything away again
DONE
