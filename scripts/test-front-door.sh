#!/usr/bin/env bash
# What `make test` and `make test-all` do on a machine that lacks something: each part runs, or says in one line why it is
# skipped. The tools are stand-ins, so this tests the decisions and takes seconds. Where Terraform and its provider are
# installed, the real one finds the provider wherever its settings or its own mirror folders have it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

project=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Everything happens below a folder with spaces in its name.
machine="$scratch/a folder with spaces"
passed=0
failed=0

# stand_in NAME: a program of the machine, whose script is standard input.
stand_in() {
    rm -f "$machine/bin/$1"
    {
        echo '#!/bin/sh'
        cat
    } >"$machine/bin/$1"
    chmod 755 "$machine/bin/$1"
}

# new_machine: a clone of the project, and a machine that has everything the tests need.
new_machine() {
    local tool
    rm -rf "$machine"
    mkdir -p "$machine/bin" "$machine/home" "$machine/tmp" "$machine/clone/conformance/moto" "$machine/clone/target/debug"
    chmod 1777 "$machine/tmp"
    cp -R "$project/Makefile" "$project/scripts" "$project/terraform" "$machine/clone/"
    rm -rf "$machine/clone/terraform/.terraform"
    cp "$project/conformance/moto/requirements.txt" "$machine/clone/conformance/moto/"
    # In there it would begin again.
    printf '#!/bin/sh\n' >"$machine/clone/scripts/test-front-door.sh"
    for tool in awk bash cat chmod cmp cp dirname env grep id ln make mkdir mktemp mv rm sed sh sleep tail touch uname; do
        ln -s "$(command -v "$tool")" "$machine/bin/$tool"
    done
    # What is called is written down; what tests would print is left away.
    for tool in cc strip script curl openssl buildah debootstrap clang ld.lld llvm-ar rustup unshare wget zip; do
        stand_in "$tool" <<<'exit 0'
    done
    stand_in cargo <<'CARGO'
[ "$1" != --offline ] || { offline=--offline; shift; }
[ "$1" != metadata ] || { echo "{\"target_directory\":\"$PWD/target\"}"; exit; }
echo "cargo $*" >>"$MACHINE/called"
[ "$1" != test ] || echo "tests with $offline and CARGO_NET_OFFLINE=${CARGO_NET_OFFLINE:-}." >>"$MACHINE/called"
[ "$1" != test ] || [ ! -e "$MACHINE/a-test-fails" ]
CARGO
    stand_in apt-get <<<'echo http://mirror.example/debian'
    stand_in id <<<'echo 0'
    stand_in uname <<<'echo Linux'
    # The registry is there as long as the file `registry` is.
    stand_in terraform <<'TERRAFORM'
mirror=$(echo "$TF_CLI_ARGS_init" | sed -n "s/.*-plugin-dir='\{0,1\}\([^']*\).*/\1/p")
if [ -d "$mirror" ] || { [ -z "$mirror" ] && [ -e "$MACHINE/registry" ]; }; then
    exec mkdir -p .terraform/providers
fi
printf '\nError: Failed to query available provider packages\n\nCould not connect to registry.terraform.io:\nno such host\n\nRead the manual.\n' >&2
exit 1
TERRAFORM
    # pip reaches its index as long as the file `index` is there.
    stand_in python3 <<'PYTHON'
case $* in
*venv*)
    for folder in "$@"; do :; done
    mkdir -p "$folder/bin"
    cp "$0" "$folder/bin/python3"
    ;;
*pip*)
    [ -e "$MACHINE/index" ] || { echo 'ERROR: Could not find a version that satisfies the requirement moto==5.2.1' >&2; exit 1; }
    ;;
esac
PYTHON
    # shellcheck disable=SC2016 # a script
    stand_in aws-emulator <<<'echo "aws-emulator $1" >>"$MACHINE/called"'
    mv "$machine/bin/aws-emulator" "$machine/clone/target/debug/"
    touch "$machine/registry" "$machine/index"
}

# on_machine VARIABLE=VALUE… COMMAND…: runs a command in the clone. What it printed is in $scratch/said, its exit code in `code`.
on_machine() {
    code=0
    (cd "$machine/clone" && env -i PATH="$machine/bin" HOME="$machine/home" TMPDIR="$machine/tmp" MACHINE="$machine" "$@") \
        >"$scratch/said" 2>&1 </dev/null || code=$?
}

# check WHAT CODE [TEXT…]: it ended with this exit code and printed each text; a text that begins with ! it did not print.
# What cargo and the emulator were called with counts as printed.
check() {
    local what=$1 expected=$2 text wrong=
    shift 2
    [ "$code" = "$expected" ] || wrong="exit code $code, not $expected"
    cat "$machine/called" >>"$scratch/said" 2>/dev/null || true
    rm -f "$machine/called"
    for text in "$@"; do
        case $text in
        !*) ! grep -qF -- "${text#!}" "$scratch/said" || wrong="$wrong; printed: ${text#!}" ;;
        *) grep -qF -- "$text" "$scratch/said" || wrong="$wrong; not printed: $text" ;;
        esac
    done
    if [ -z "$wrong" ]; then
        passed=$((passed + 1))
        echo "front door: $what ... ok"
    else
        failed=$((failed + 1))
        echo "front door: $what ... FAILED ($wrong)"
        sed 's/^/    /' "$scratch/said"
    fi
}

skipped() { echo "$1: 0 passed, 0 failed, 1 skipped"; }

# --- make test

new_machine
rm "$machine/bin/"{terraform,python3,unshare,buildah,curl,wget}
on_machine make test
check "make test needs neither Terraform nor Python nor root" 0 "cargo build --all-targets" "cargo test --no-fail-fast --" "!skipped" "!workspace"
on_machine make test FILTER="builds:: cancel::"
check "FILTER chooses tests" 0 "cargo test --no-fail-fast -- builds:: cancel::"
on_machine TF_CLI_CONFIG_FILE=/nowhere/terraformrc CARGO_NET_OFFLINE=true make test
check "make test asks nothing of Terraform; cargo stays off the network, and the tests' own builds don't" 0 \
    "tests with --offline and CARGO_NET_OFFLINE=." "!error" "!nowhere"
touch "$machine/a-test-fails"
on_machine make test
check "a test that fails fails make test" 2
rm "$machine/bin/cc"
on_machine make test
check "no C compiler: one line tells what to install" 2 "error: cc is not installed" "!cargo build"

# --- the platform, deploying, the image

for part in "platform test-aws" "deploy test-deploy"; do
    read -r part goal <<<"$part"
    new_machine
    if [ "$part" = platform ]; then ran="aws-emulator platform"; else ran="--test deploy"; fi
    on_machine make "$goal"
    check "$part: it runs where everything is there" 0 "$ran" "!skipped"
    on_machine make "$goal" FILTER=some::scenario
    check "$part: FILTER chooses scenarios" 0 "$ran"

    rm "$machine/registry" "$machine/index"
    on_machine make "$goal"
    check "$part: what was fetched before serves without a network" 0 "$ran" "!skipped"

    rm -r "$machine/clone/target/tools/terraform-providers"
    on_machine make "$goal"
    check "$part: Terraform can't reach its registry" 0 "!$ran" "$(skipped "$part")" \
        "$part: skipped, because Terraform's provider is unavailable: Failed to query available provider packages: Could not connect to registry.terraform.io: no such host"
    on_machine REQUIRED="image $part" make "$goal"
    check "$part: where it is required, that is a failure" 2 "$(skipped "$part")" "error: $part must not be skipped here"
    on_machine TF_CLI_CONFIG_FILE=/nowhere/terraformrc make "$goal"
    check "$part: Terraform's settings are missing" 0 "$(skipped "$part")" "TF_CLI_CONFIG_FILE names a missing file, /nowhere/terraformrc"
    rm "$machine/bin/terraform"
    on_machine make "$goal"
    check "$part: no Terraform" 0 "!$ran" "$(skipped "$part")" "$part: skipped, because terraform is not installed"

    new_machine
    rm "$machine/index"
    on_machine make "$goal"
    check "$part: pip can't reach its index" 0 "!$ran" "$(skipped "$part")" \
        "moto can't be installed: Could not find a version that satisfies the requirement moto==5.2.1"
    rm "$machine/bin/python3"
    on_machine make "$goal"
    check "$part: no Python" 0 "!$ran" "$(skipped "$part")" "$part: skipped, because python3 is not installed"
done

new_machine
stand_in id <<<'echo 1000'
on_machine make test-aws image-check
check "an ordinary user with namespaces tests the platform, not the image" 0 "aws-emulator platform" "$(skipped image)" "image: skipped, because it needs root"
stand_in unshare <<<'exit 1'
on_machine make test-aws
check "neither root nor namespaces" 0 "$(skipped platform)" "it needs root, or user namespaces for everybody"
stand_in uname <<<'echo Darwin'
on_machine make test-aws
check "macOS" 0 "$(skipped platform)" "functions run in the namespaces of Linux"

new_machine
stand_in wget <<<'exit 4'
on_machine make image-check
check "image: Debian is out of reach" 0 "$(skipped image)" "http://mirror.example/debian is out of reach"
stand_in apt-get <<<'exit 1'
on_machine make image-check
check "image: apt is not there" 0 "$(skipped image)" "apt names no mirror of Debian"
rm "$machine/bin/buildah"
on_machine make image-check
check "image: no buildah" 0 "$(skipped image)" "buildah is not installed; "

# --- make test-all

rm "$machine/bin/terraform"
on_machine make test-all
check "make test-all passes where parts can't run, and names them" 0 "cargo test --no-fail-fast --" "$(skipped platform)" "$(skipped deploy)" \
    "$(skipped image)" "parts: 4 passed, 0 failed, 3 skipped" "platform: skipped, "
touch "$machine/a-test-fails"
on_machine make test-all
check "make test-all fails with a test that fails" 2 "test: failed, "
rm "$machine/a-test-fails"
on_machine REQUIRED="platform deploy image" make test-all
check "make test-all fails where a required part is skipped" 2 "parts: 4 passed, 3 failed, 0 skipped"

# --- the real cargo

code=0
"${CARGO:-cargo}" tree --offline --edges all --prefix none >"$scratch/said" 2>&1 || code=$?
check "what make test builds contains no AWS SDK" 0 "cargo-cloud-local v" "cargo-cloud-conformance v" "!aws-sdk" "!aws-config" "!lambda_runtime"

# --- the real Terraform

need_terraform
if [ ${#missing[@]} -gt 0 ]; then
    echo "front door: the mirrors of providers were not tested: ${missing[0]}"
else
    terraform=$(command -v terraform)
    providers=$project/target/tools/terraform-providers
    # mirrored WHERE VARIABLE=VALUE…: the provider comes from the folder `mirror`, wherever that is named.
    mirrored() {
        local what=$1
        shift
        rm -rf "$machine/clone/target/tools/terraform-providers"
        on_machine "$@" make test-aws
        check "a mirror of providers: $what" 0 "aws-emulator platform" "!skipped"
    }
    new_machine
    rm "$machine/bin/terraform" "$machine/registry"
    ln -s "$terraform" "$machine/bin/terraform"
    cp -RL "$providers" "$machine/mirror"
    mirrored "TF_CLI_ARGS_init" TF_CLI_ARGS_init="-plugin-dir='$machine/mirror'"
    printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$machine/mirror" >"$machine/settings"
    mirrored "TF_CLI_CONFIG_FILE" TF_CLI_CONFIG_FILE="$machine/settings"
    mv "$machine/settings" "$machine/home/.terraformrc"
    mirrored "\$HOME/.terraformrc"
    rm "$machine/home/.terraformrc"
    for folder in home/.terraform.d home/.local/share/terraform clone/terraform.d clone/terraform/terraform.d; do
        mkdir -p "$machine/$folder"
        mv "$machine/mirror" "$machine/$folder/plugins"
        mirrored "$folder/plugins" TF_CLI_CONFIG_FILE=/nowhere/terraformrc
        mv "$machine/$folder/plugins" "$machine/mirror"
    done
fi

echo "front door: $passed passed, $failed failed"
[ "$failed" = 0 ]
