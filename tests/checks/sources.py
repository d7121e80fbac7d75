#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Each source file names its licence and keeps the few rules of layout that a machine can see."""

import pathlib
import re
import sys

SUFFIXES = {".c", ".h", ".in", ".py", ".js", ".vala", ".sh", ".xml", ".build", ".supp", ".metadata"}
NAMES = {"bootstrap", "run", "repeat", "mkdb", "meson_options.txt", ".clang-format", ".editorconfig", ".gitignore"}
IGNORED = re.compile(r"^(\.git|\.cache|build.*|__pycache__|corpus)$")

# What a meson.build names, and what is the exception: read by gtk-doc, compiled by a test itself.
BUILT = re.compile(r"\.c$|\.vala$|/test[^/]*\.(js|py)$")
NOT_BUILT = re.compile(r"docs/reference/sections\.c$|tests/checks/installed/|bindings/")

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
    headers = [path.with_name(path.stem + end) for end in (".h", "-private.h")]
    names = [header.name for header in headers if header.exists()]
    first = re.search(r'^#include\s+[<"]([^>"]+)[>"]', text, re.MULTILINE)
    if path.suffix == ".c" and names and (first is None or pathlib.Path(first[1]).name not in names):
        yield f"doesn't include {names[0]} first"


def check_built(root):
    """Nothing lies about that no meson.build names: a test that is never run shows nothing."""
    builds = [path for path in source_files(root) if path.name == "meson.build"]
    named = set(re.findall(r"[\w.-]+", " ".join(path.read_text(encoding="utf-8") for path in builds)))
    for path in source_files(root):
        # The lists of tests leave out what is the same in all names.
        short = re.sub(r"^(test|fuzz)-(faults-)?", "", path.stem)
        if BUILT.search(str(path)) and not NOT_BUILT.search(str(path)) and not named & {path.name, path.stem, short}:
            yield f"{path.relative_to(root)}: in no meson.build"


def main(source_root):
    root = pathlib.Path(source_root)
    n_files = n_problems = 0
    for path in source_files(root):
        text = path.read_text(encoding="utf-8")
        n_files += 1
        for problem in [*check(path, text), *check_own_header(path, text)]:
            print(f"{path.relative_to(root)}: {problem}")
            n_problems += 1
    for problem in check_built(root):
        print(problem)
        n_problems += 1
    print(f"{n_files} files, {n_problems} problems")
    return 1 if n_problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
