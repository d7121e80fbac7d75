#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Each source file names its licence and keeps the few rules of layout that a machine can see."""

import pathlib
import re
import sys

SUFFIXES = {".c", ".h", ".in", ".py", ".js", ".vala", ".sh", ".xml", ".build", ".supp", ".metadata"}
NAMES = {"bootstrap", "run", "meson_options.txt", ".clang-format", ".editorconfig", ".gitignore"}
IGNORED = re.compile(r"^(\.git|\.cache|build.*|__pycache__)$")

LICENCE = "SPDX-License-Identifier: LGPL-2.1-or-later"
COPYRIGHT = "SPDX-FileCopyrightText: "


def source_files(folder):
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or IGNORED.match(path.name):
            continue
        if path.is_dir():
            yield from source_files(path)
        elif path.suffix in SUFFIXES or path.name in NAMES:
            yield path


def check(path, text):
    lines = text.splitlines()
    beginning = "\n".join(lines[:6])
    if COPYRIGHT not in beginning or LICENCE not in beginning:
        yield "doesn't begin with SPDX lines of copyright and licence"
    if path.suffix == ".h" and "#pragma once" not in lines:
        yield "has no #pragma once"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield f"line {number} has a tab"
        if line != line.rstrip():
            yield f"line {number} ends with a space"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "doesn't end with one newline"


def check_own_header(path, text):
    """A library's .c file includes its own header first, so that each header is known to stand alone."""
    header = path.with_suffix(".h")
    first = re.search(r'^#include\s+[<"]([^>"]+)[>"]', text, re.MULTILINE)
    if path.suffix == ".c" and header.exists() and (first is None or pathlib.Path(first[1]).name != header.name):
        yield f"doesn't include {header.name} first"


def main(source_root):
    root = pathlib.Path(source_root)
    n_files = n_problems = 0
    for path in source_files(root):
        text = path.read_text(encoding="utf-8")
        n_files += 1
        for problem in [*check(path, text), *check_own_header(path, text)]:
            print(f"{path.relative_to(root)}: {problem}")
            n_problems += 1
    print(f"{n_files} files, {n_problems} problems")
    return 1 if n_problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
