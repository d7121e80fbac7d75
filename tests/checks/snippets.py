#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the documents show is what is tested.

    snippets.py SOURCE_ROOT [--update]

A fenced block that names a language, in README.md or below docs/, is one of these:

  - a whole file, but for its licence header, after the line <!-- file: PATH -->; --update refreshes it;
  - some lines of a file, as they are there, after the line <!-- lines of: PATH -->;
  - `sh`: commands that some test runs, or that ./bootstrap --help tells of;
  - `hex`: bytes of the wire, which a test of the codec reads; `text`: no code.

A table after the line <!-- table of: PATH --> shows programs beside one another: what is code in the column of a
language is a line of PATH with that language's ending.
"""

import pathlib
import re
import subprocess
import sys

import outside

NOT_CODE = {"hex", "text"}

# What the tests of installing and of `meson devenv` do, and ./bootstrap.
BUILD_COMMANDS = [
    "meson setup build",
    "meson compile -C build",
    "meson test -C build",
    "meson install -C build",
    "meson devenv -C build",
]

BLOCK = re.compile(
    r"(?:^<!-- (?P<kind>file|lines of): (?P<path>\S+) -->\n)?"
    r"^```(?P<language>[\w-]+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^<!-- table of: (?P<path>\S+) -->\n(?P<text>(?:^\|.*\n)+)", re.MULTILINE)
ENDINGS = {"C": ".c", "Vala": ".vala", "Python": ".py", "JavaScript": ".js"}
CODE = re.compile(r"(`+)(.+?)\1")
LICENCE = re.compile(r"\A(?:(?:/\*|//|#| \*) ?(?:!.*|SPDX-.*|/)\n)+\n*")


def documents(root):
    return [path for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))] if path.exists()]


def without_licence(path):
    return LICENCE.sub("", path.read_text(encoding="utf-8"))


def allowed_commands(root):
    usage = subprocess.run([root / "bootstrap", "--help"], capture_output=True, text=True, check=True).stdout
    # What is in brackets may be left out.
    bootstrap = re.findall(r"^  ([\w-]+(?: --[\w-]+)?)(?:  +| \[|$)", usage, re.MULTILINE)
    return {*BUILD_COMMANDS, *outside.QUICK_START.values(), *(f"./bootstrap {command}" for command in bootstrap)}


def has_lines(path, text):
    """Whether the file has these lines one after the other, at whatever depth."""
    lines, wanted = ([line.strip() for line in t.splitlines()] for t in (path.read_text(encoding="utf-8"), text))
    return any(lines[start:start + len(wanted)] == wanted for start in range(len(lines)))


def check_block(root, block, commands):
    language, text = block["language"], block["text"]
    path = root / block["path"] if block["path"] else None
    if path and not path.is_file():
        yield f"there is no {block['path']}"
    elif block["kind"] == "file" and text != without_licence(path):
        yield f"isn't {block['path']}: snippets.py --update refreshes it"
    elif block["kind"] == "lines of" and not has_lines(path, text):
        yield f"has lines that aren't in {block['path']}"
    elif language == "sh":
        for line in text.splitlines():
            if line and line not in commands:
                yield f"has a command that no test runs: {line}"
    elif not path and language not in NOT_CODE:
        yield f"has {language} code without a <!-- file: PATH --> or <!-- lines of: PATH --> before it"


def update(root, document):
    def refresh(block):
        path = root / (block["path"] or "")
        if block["kind"] != "file" or not path.is_file():
            return block[0]
        before, after = block.start("text") - block.start(), block.end("text") - block.start()
        return block[0][:before] + without_licence(path) + block[0][after:]

    text = document.read_text(encoding="utf-8")
    document.write_text(BLOCK.sub(refresh, text), encoding="utf-8")


def check_table(root, table):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table["text"].splitlines()]
    programs = []
    for language in rows[0][1:]:
        path = root / f"{table['path']}{ENDINGS.get(language, '.' + language)}"
        programs.append({line.strip() for line in path.read_text(encoding="utf-8").splitlines()} if path.is_file() else set())
    for row in rows[2:]:
        for language, program, cell in zip(rows[0][1:], programs, row[1:]):
            for _, code in CODE.findall(cell):
                if code not in program:
                    yield f"{row[0]}: no line of {table['path']} in {language}: {code}"
        if len(row) != len(rows[0]):
            yield f"{row[0]}: has {len(row)} cells instead of {len(rows[0])}"


def check_document(root, document, commands):
    text = document.read_text(encoding="utf-8")
    for table in TABLE.finditer(text):
        for problem in check_table(root, table):
            yield f"{document.relative_to(root)}: {problem}"
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("language")) + 1
        for problem in check_block(root, block, commands):
            yield f"{document.relative_to(root)}:{line}: {problem}"


def check_quick_starts(root):
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    quoted = {block["path"] for block in BLOCK.finditer(text) if block["kind"] == "file"}
    for name in outside.QUICK_START:
        path = f"docs/examples/hello/{name}"
        if path not in quoted:
            yield f"README.md doesn't quote {path}"


def main(source_root, mode="--check"):
    root = pathlib.Path(source_root).resolve()
    if mode == "--update":
        for document in documents(root):
            update(root, document)

    commands = allowed_commands(root)
    problems = [problem for document in documents(root) for problem in check_document(root, document, commands)]
    problems += check_quick_starts(root)
    print("\n".join(problems) or f"{len(documents(root))} documents show what is tested")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
