#!/usr/bin/env python3
"""Checks the words of the Rust code: no type name is defined twice, and no doc comment has fewer than five words.

One word has one meaning here, so a reader who searches for a type finds one definition. A doc comment that is shorter
than five words only repeats the name it stands on. Tests are left out of the second check.

    scripts/check-names.py [FOLDER ...]     the whole project, or some folders of it
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ["protocol", "builder", "cli", "local", "lambdas", "operator", "conformance", "benches"]
DEFINITION = re.compile(r"^\s*(?:pub(?:\([a-z: ]+\))? )?(?:struct|enum|trait|union|type) ([A-Z]\w*)")
# Associated types of a trait, and the error type that every implementation names alike.
COMMON = {"Err", "Error", "Output", "Item", "Target", "Value", "Service", "Future", "Response", "Body", "IntoIter"}
DOC = re.compile(r"^\s*//[/!] ?(.*)$")
SHORTEST_DOC = 5


def sources(folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.rs")):
            if "fixtures" not in path.parts and "target" not in path.parts:
                yield path


def definitions(lines):
    for number, line in enumerate(lines, 1):
        found = DEFINITION.match(line)
        if found and not (found[1] in COMMON and re.match(r"^\s+type ", line)):
            yield found[1], number


def short_docs(lines):
    """Doc comments that are one line of fewer than SHORTEST_DOC words."""
    comment, start = [], 0
    for number, line in enumerate([*lines, ""], 1):
        found = DOC.match(line)
        if found:
            start = start if comment else number
            comment.append(found[1])
        elif comment:
            text = " ".join(comment).strip()
            if text and len(text.split()) < SHORTEST_DOC:
                yield text, start
            comment = []


def main():
    wanted = [folder.strip("/") for folder in sys.argv[1:]] or ROOMS
    problems, seen = [], {}
    for path in sources(ROOMS):
        lines = path.read_text(encoding="utf-8").splitlines()
        name = path.relative_to(ROOT).as_posix()
        for kind, number in definitions(lines):
            seen.setdefault(kind, []).append(f"{name}:{number}")
        if any(name.startswith(f"{folder}/") for folder in wanted) and "tests" not in path.parts:
            for text, number in short_docs(lines):
                problems.append(f"{name}:{number}: a doc comment that says too little: {text}")
    for kind, places in sorted(seen.items()):
        if len(places) > 1 and any(place.startswith(f"{folder}/") for place in places for folder in wanted):
            problems.append(f"{', '.join(places)}: the type name `{kind}` is defined {len(places)} times")
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problems; docs/contributing.md says what names and doc comments are for")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
