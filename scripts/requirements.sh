#!/usr/bin/env bash
# What the test scripts share: whether a part of the tests can run on this machine, and where cargo puts programs.
# Sourced by each, from the project's root. For the bash of macOS, too (3.2).
#
# A part that can't run says why in one line and counts as skipped. REQUIRED names the parts that must not be skipped,
# for example `REQUIRED="platform deploy"`: skipping one of them is a failure.

cargo=("${CARGO:-cargo}")
[ "${CARGO_NET_OFFLINE:-}" != true ] || cargo+=(--offline)
# Runs tests: with CARGO_NET_OFFLINE, cargo stays off the network, but the tests' own builds need the registries that the tests
# start on this machine.
# shellcheck disable=SC2034 # used by the scripts
cargo_test=(env -u CARGO_NET_OFFLINE "${cargo[@]}" test)
missing=()

# need_programs NAME…: each must be on the PATH.
need_programs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || missing+=("$program is not installed")
    done
}

# skip_if_missing PART: ends the script if the part can't run.
skip_if_missing() {
    local part=$1 reasons
    [ ${#missing[@]} -gt 0 ] || return 0
    reasons=$(printf '; %s' "${missing[@]}")
    echo "$part: skipped, because ${reasons#; }"
    echo "$part: 0 passed, 0 failed, 1 skipped"
    echo "$part" >>"${SKIPPED_PARTS:-/dev/null}"
    case " ${REQUIRED:-} " in
    *" $part "*)
        echo "error: $part must not be skipped here (REQUIRED=\"$REQUIRED\")" >&2
        exit 1
        ;;
    esac
    exit 0
}

# first_error FILE: the first error in what a program printed, on one line.
first_error() {
    awk '
        /^[^A-Za-z]*(Error|ERROR|error): / { found = 1 }
        found && NF {
            sub(/^[^A-Za-z"]*(Error: |ERROR: |error: )?/, "")
            line = line (line == "" ? "" : begins ? ": " : " ") $0
            begins = 0
        }
        # What follows the first two paragraphs is advice.
        found && !NF { begins = 1; if (++paragraphs == 2) exit }
        END { print substr(line, 1, 400) }' "$1"
}

# need_terraform: Terraform, and the provider of terraform/versions.tf. The provider comes from where the settings of
# whoever calls name it, from one of Terraform's own mirror folders, or from the registry. What `terraform init` has
# installed is then the only source of providers for the tests, and stays for the next time.
need_terraform() {
    local providers=$PWD/target/tools/terraform-providers folder scratch why=
    if ! command -v terraform >/dev/null; then
        missing+=("terraform is not installed")
        return
    fi
    scratch=$(mktemp -d)
    cp terraform/versions.tf "$scratch/"
    # The mirror folder that Terraform looks for where it is started.
    for folder in terraform.d terraform/terraform.d; do
        [ ! -d "$folder/plugins" ] || ln -sfn "$PWD/$folder" "$scratch/terraform.d"
    done
    unset TF_CLI_ARGS TF_DATA_DIR TF_WORKSPACE
    if ! has_provider "$scratch" "-plugin-dir='$providers'"; then
        if has_provider "$scratch" "${TF_CLI_ARGS_init:-}"; then
            rm -rf "$providers"
            mkdir -p "${providers%/*}"
            mv "$scratch/.terraform/providers" "$providers"
        else
            why=$(first_error "$scratch/init.log")
            [ -z "${TF_CLI_CONFIG_FILE:-}" ] || [ -e "$TF_CLI_CONFIG_FILE" ] ||
                why="$why (TF_CLI_CONFIG_FILE names a missing file, $TF_CLI_CONFIG_FILE)"
            missing+=("Terraform's provider is unavailable: $why")
        fi
    fi
    rm -rf "$scratch"
    if [ -z "$why" ]; then
        export TF_CLI_ARGS_init="-plugin-dir='$providers'"
        # Nothing else in the settings of whoever calls is of any use to a test.
        export TF_CLI_CONFIG_FILE=/dev/null
    fi
}

# has_provider FOLDER ARGUMENTS: whether `terraform init` with these arguments finds the provider.
has_provider() {
    rm -rf "$1/.terraform" "$1/.terraform.lock.hcl"
    (cd "$1" && TF_CLI_ARGS_init=$2 terraform init -backend=false -input=false -no-color) >"$1/init.log" 2>&1
}

# need_moto: Python with moto, which stands for AWS.
need_moto() {
    local log
    if ! command -v python3 >/dev/null; then
        missing+=("python3 is not installed")
        return
    fi
    log=$(mktemp)
    bash scripts/moto.sh >/dev/null 2>"$log" || missing+=("moto can't be installed: $(first_error "$log")")
    rm -f "$log"
}

# need_namespaces: what runs a function where it sees nothing of the machine.
need_namespaces() {
    if [ "$(uname -s)" != Linux ]; then
        missing+=("functions run in the namespaces of Linux")
    elif ! command -v unshare >/dev/null; then
        missing+=("unshare is not installed")
    elif [ "$(id -u)" != 0 ] && ! unshare --user --map-root-user --mount true 2>/dev/null; then
        missing+=("it needs root, or user namespaces for everybody")
    fi
}

# target_directory: where cargo puts what it builds, whatever names it: a variable, or a configuration.
target_directory() {
    "${cargo[@]}" metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# The platform's tests and programs are built in one way: with other packages or features, cargo would choose other
# features of the dependencies, and compile the AWS SDKs a second time.
# shellcheck disable=SC2034,SC2054 # used by the scripts; one list of features
everything=(--workspace --features cargo-cloud-conformance/platform,cargo-cloud-conformance/deploy)
