#!/usr/bin/env bash
# What the scripts in this folder share: the chosen deployment, docker, terraform, and the operator in its container. Sourced
# by each. Works with the bash of macOS, too (3.2).
# shellcheck disable=SC2034 # the scripts use what it sets
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

deployment=${DEPLOYMENT:-cargo-cloud}
folder=$PWD/deployments/$deployment
# A choice stays in force for this deployment until you make another.
choices=(MEMORY ANDROID_ABIS ANDROID_LEVELS LINUX_TARGETS RUST_COMPONENTS EXTRA_PACKAGES)
image_arguments=(ANDROID_ABIS ANDROID_LEVELS LINUX_TARGETS RUST_COMPONENTS EXTRA_PACKAGES)

say() { printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# step TITLE COMMAND…: prints what it does, and how long it took.
step() {
    local title=$1 begun=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    "$@"
    printf '== done in %s s\n' $((SECONDS - begun))
}

[[ $deployment =~ ^[a-z][a-z0-9-]{0,22}[a-z0-9]$ ]] ||
    fail "DEPLOYMENT is \`$deployment\`; a name has 2 to 24 lower-case letters, digits and single hyphens"

read_choices() {
    local name value
    [ -f "$folder/choices" ] || return 0
    while IFS='=' read -r name value; do
        case " ${choices[*]} " in
        *" $name "*) [ -n "${!name:-}" ] || printf -v "$name" %s "$value" ;;
        esac
    done <"$folder/choices"
}

keep_choices() {
    local name
    for name in "${choices[@]}"; do
        [ -z "${!name:-}" ] || printf '%s=%s\n' "$name" "${!name}"
    done >"$folder/choices"
}

need_tools() {
    local said
    command -v docker >/dev/null ||
        fail "docker is not installed. Deploying needs docker and terraform: docs.docker.com/engine/install"
    command -v terraform >/dev/null ||
        fail "terraform is not installed. Deploying needs docker and terraform (1.9 or newer): developer.hashicorp.com/terraform/install"
    said=$(docker info 2>&1 >/dev/null) ||
        fail "docker is installed but doesn't work: ${said##*$'\n'}
Start it (Docker Desktop, or: sudo systemctl start docker). On Linux your user must be in the group docker."
    # The older builder can't leave out attestations, and Lambda refuses images with them.
    docker buildx version >/dev/null 2>&1 ||
        fail "docker is installed without buildx, which builds images: docs.docker.com/build/install-buildx (Debian, Ubuntu: docker-buildx)"
    # Where docker runs without root, this user is root inside the container.
    container_user=$(id -u):$(id -g)
    [[ $(docker info --format '{{.SecurityOptions}}') != *name=rootless* ]] || container_user=0:0
}

# Variables that AWS's tools read. They are passed by name, so no value is ever on a command line.
aws_variables=(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION
    AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_CA_BUNDLE AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_AUTHORIZATION_TOKEN
    AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 HTTPS_PROXY NO_PROXY)

# in_operator ARGUMENT…: runs the operator's container as this user, with read-only access to the machine's files.
in_operator() {
    # Without a label, so that SELinux lets the container read the mounted files.
    local run=(docker run --rm --interactive --network host --security-opt label=disable --user "$container_user" --env HOME)
    local name file
    for name in "${aws_variables[@]}"; do
        [ -z "${!name:-}" ] || run+=(--env "$name")
    done
    for file in "$HOME/.aws" "${AWS_CONFIG_FILE:-}" "${AWS_SHARED_CREDENTIALS_FILE:-}" "${AWS_CA_BUNDLE:-}" \
        "${AWS_WEB_IDENTITY_TOKEN_FILE:-}"; do
        [ -z "$file" ] || [ ! -e "$file" ] || run+=(--volume "$file:$file:ro")
    done
    "${run[@]}" "$@"
}

operator() { in_operator cargo-cloud-operator "$@"; }

config_file=${CARGO_CLOUD_CONFIG:-${XDG_CONFIG_HOME:-$HOME/.config}/cargo-cloud/config.toml}

# client ARGUMENT…: runs the real client, which writes this machine's configuration.
client() {
    local place
    place=$(dirname "$config_file")
    (umask 077 && mkdir -p "$place")
    CARGO_CLOUD_CONFIG=$config_file in_operator --env CARGO_CLOUD_CONFIG --volume "$place:$place" \
        --entrypoint /usr/local/bin/cargo-cloud cargo-cloud-operator "$@"
}

# Builds the operator, unless it was built before.
need_operator() {
    docker image inspect cargo-cloud-operator >/dev/null 2>&1 ||
        step "Building the operator, which talks to AWS (5 to 10 minutes, once)" build_operator
}

tf() { TF_DATA_DIR=$folder/.terraform TF_IN_AUTOMATION=1 terraform -chdir=terraform "$@"; }

# The state is a file beside the choices, or lies in your bucket (STATE_BUCKET); a state in a file moves to the bucket.
tf_init() {
    local override=terraform/backend_override.tf backend
    mkdir -p "$folder"
    if [ -n "${STATE_BUCKET:-}" ]; then
        printf 'terraform {\n  backend "s3" {}\n}\n' >"$override"
        backend=(-migrate-state -force-copy "-backend-config=bucket=$STATE_BUCKET"
            "-backend-config=key=cargo-cloud/$deployment.tfstate" "-backend-config=region=${STATE_REGION:-$AWS_REGION}"
            -backend-config=use_lockfile=true -backend-config=encrypt=true)
    else
        rm -f "$override"
        backend=(-reconfigure "-backend-config=path=$folder/terraform.tfstate")
    fi
    tf init -input=false -no-color "${backend[@]}" >"$folder/init.log" 2>&1 || {
        cat "$folder/init.log" >&2
        fail "terraform can't be initialized; the lines above say why"
    }
}

# Sets account, region, and what is deployed: `outputs` (JSON) and `repository`, both empty if nothing is deployed.
find_deployment() {
    local answer
    [ -z "${REGION:-}" ] || export AWS_REGION=$REGION
    answer=$(operator account </dev/null) || exit 1
    read -r account region identity <<<"$answer"
    export AWS_REGION=$region
    tf_init
    read_outputs
    local deployed
    deployed=$(tf output -raw region 2>/dev/null) || deployed=
    if [[ $deployed =~ ^[a-z0-9-]+$ ]] && [ "$deployed" != "$region" ]; then
        fail "\`$deployment\` is deployed in $deployed, but the chosen region is $region. Type REGION=$deployed to go on with it there, or \
DEPLOYMENT=another-name for a second one"
    fi
    say "account $account, region $region, as $identity"
}

read_outputs() {
    outputs=$(tf output -json)
    repository=$(tf output -raw repository_url 2>/dev/null) || repository=
    image=$(tf output -raw image_uri 2>/dev/null) || image=
    # Without such an output, Terraform prints a warning on standard output.
    [[ $repository == *.dkr.ecr.* ]] || repository=
    [[ $image == *@sha256:* ]] || image=
}

# A placeholder for an image that was never pushed.
no_image() { printf '%s@sha256:%064d\n' "$account.dkr.ecr.$region.amazonaws.com/$deployment-compile" 0; }

need_deployment() {
    [ -n "$image" ] || fail "nothing is deployed as \`$deployment\` from here: type \`make deploy\`"
}

# The value of an ARG of the Dockerfile: as chosen, or its default.
image_argument() {
    local name=$1
    if [ -n "${!name:-}" ]; then
        say "${!name}"
    else
        sed -n "s/^ARG $name=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" builder-image/Dockerfile | head -n 1
    fi
}

# image_build ARGUMENT…: builds the Dockerfile with the choices.
image_build() {
    local build=(docker buildx build -f builder-image/Dockerfile) name
    for name in "${image_arguments[@]}"; do
        [ -z "${!name:-}" ] || build+=(--build-arg "$name=${!name}")
    done
    "${build[@]}" "$@" .
}

# Built for this machine's processor, because it runs here.
build_operator() { image_build --load --target operator -t cargo-cloud-operator; }

build_zips() { image_build --platform linux/amd64 --target zips --output target/lambdas; }

# Sets `variables`, the arguments for Terraform. $1: the value of the variable `devices`.
set_variables() {
    local devices=$1 targets abis linux
    read -ra abis <<<"$(image_argument ANDROID_ABIS)"
    read -ra linux <<<"$(image_argument LINUX_TARGETS)"
    targets=$(
        bash builder-image/targets.sh android "${abis[@]}"
        printf '%s\n' "${linux[@]}"
    )
    targets=\"${targets//$'\n'/\",\"}\"
    # Your own values take precedence over the default.
    variables=(-var "targets=[$targets]")
    [ ! -f "$folder/terraform.tfvars" ] || variables+=("-var-file=$folder/terraform.tfvars")
    variables+=(-var "prefix=$deployment" -var "region=$region" -var "devices=$devices")
    [ -z "$image" ] || variables+=(-var "image_uri=$image")
    [ -z "${MEMORY:-}" ] || variables+=(-var "memory_mb=$MEMORY")
}

# apply ARGUMENT…: applies, and explains known errors. Sets `cap` if the error is the account's memory limit.
apply() {
    cap=
    if tf apply -input=false -auto-approve -no-color -compact-warnings "${variables[@]}" "$@" 2>&1 | tee "$folder/apply.log"; then
        return 0
    fi
    cap=$(operator explain <"$folder/apply.log") || true
    return 1
}
