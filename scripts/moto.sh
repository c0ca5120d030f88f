#!/usr/bin/env bash
# Prints the path of a Python that has moto, an emulator of AWS. Its virtual environment is made once and kept in target/;
# it is made again when the pinned requirements have changed.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=target/tools/moto
requirements=conformance/moto/requirements.txt
if ! cmp -s "$requirements" "$folder/made-of.txt" || ! "$folder/bin/python3" -c '' 2>/dev/null; then
    python3 -m venv --clear "$folder" || {
        echo 'error: python3 has no venv (Debian: apt-get install python3-venv)' >&2
        exit 1
    }
    "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check --retries 2 -r "$requirements"
    cp "$requirements" "$folder/made-of.txt"
fi
echo "$PWD/$folder/bin/python3"
