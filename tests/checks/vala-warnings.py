#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The C that valac makes of each program here compiles without warnings, but for those that valac is known for.

    vala-warnings.py SOURCE_ROOT VAPIDIR INCLUDE_FOLDER...
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# What -Wall -Wextra say of valac's C whatever library it uses, and why that is no defect of the vapi.
KNOWN = {
    "-Wunused-parameter": "callbacks take what their type says",
    "-Wunused-variable": "as the table of properties of a class without any",
    "-Wunused-but-set-variable": "as the length of an array, kept beside it",
    "-Wcast-function-type": "closures are let go by a GClosureNotify of one argument",
    "-Wdiscarded-qualifiers": "Vala has no const: a borrowed string is a gchar *",
    "-Wincompatible-pointer-types": "the same for arrays of strings and for callbacks; checked further below",
}

FLAG = re.compile(r"^(?P<place>\S+?:\d+):\d+: (?:warning|error): (?P<text>.*) \[(?P<flag>-W[\w=-]+)\]$")
EXPECTED = re.compile(r"note: expected ‘(?P<to>.+?)’(?: \{aka ‘(?P<to_aka>.+?)’\})? but argument is of type ‘(?P<of>.+?)’(?: \{aka ‘(?P<of_aka>.+?)’\})?$")
ASSIGNED = re.compile(r"(?:assignment|initialization) (?:to|of) ‘(?P<to>.+?)’(?: \{aka ‘(?P<to_aka>.+?)’\})? from incompatible pointer type ‘(?P<of>.+?)’(?: \{aka ‘(?P<of_aka>.+?)’\})?$")
# g_once_init_enter() itself, of a volatile variable.
VOLATILE = re.compile(r"‘__atomic_load’ discards ‘volatile’ qualifier")


def run(*command):
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def programs(root):
    """Each program's sources: of a test they are two."""
    for folder in ("tests", "docs/examples"):
        for path in sorted((root / folder).rglob("*.vala")):
            support = path.with_name("support.vala")
            if path != support:
                yield [path, *([support] if support.exists() else [])]


def bare(kind):
    """A C type without what Vala can't say."""
    kind = re.sub(r"\b(const|volatile|struct)\b", "", kind)
    kind = re.sub(r"\bgchar\b", "char", re.sub(r"\b_(G\w+|Proc\w+)\b", r"\1", kind))
    return re.sub(r"\s", "", kind)


def differ_by_const(message):
    found = EXPECTED.search(message) or ASSIGNED.search(message)
    if found is None:
        return False
    return any(bare(to) == bare(of)
               for to in (found["to"], found["to_aka"]) if to
               for of in (found["of"], found["of_aka"]) if of)


def warnings(output):
    """The flag, the place and the text of each warning, with the notes that belong to it."""
    current = None
    for line in output.splitlines():
        found = FLAG.match(line)
        if found:
            if current:
                yield current
            current = [found["flag"], found["place"], found["text"]]
        elif current and "note: expected" in line:
            yield current[0], current[1], f"{current[2]}\n{line}"
            current = None
    if current:
        yield current


def is_known(flag, text):
    if flag == "-Wincompatible-pointer-types":
        return bool(VOLATILE.search(text)) or any(differ_by_const(line) for line in text.splitlines())
    return flag in KNOWN


def check_program(sources, vapidir, flags, folder, counts):
    made = run("valac", "-C", "--vapidir", vapidir, "--pkg", "procpool-1", "--pkg", "posix", "-d", folder, *sources)
    if made.returncode != 0:
        yield f"valac: {made.stderr}"
        return
    yield from (f"valac: {line}" for line in made.stderr.splitlines() if re.search(r"\.vala:.*warning:", line))

    for path in sorted(folder.rglob("*.c")):
        compiled = run("gcc", "-fsyntax-only", "-Wall", "-Wextra", path, *flags)
        if compiled.returncode != 0:
            yield compiled.stderr
        for flag, place, text in warnings(compiled.stderr):
            counts[flag] += 1
            if not is_known(flag, text):
                yield f"{pathlib.Path(place).name}: {text} [{flag}]"


def main(source_root, vapidir, *include_folders):
    root = pathlib.Path(source_root).resolve()
    flags = run("pkg-config", "--cflags", "gio-unix-2.0").stdout.split() + [f"-I{folder}" for folder in include_folders]
    counts = collections.Counter()
    n_programs = n_problems = 0
    for sources in programs(root):
        n_programs += 1
        with tempfile.TemporaryDirectory() as folder:
            for problem in check_program(sources, vapidir, flags, pathlib.Path(folder), counts):
                n_problems += 1
                print(f"{sources[0].relative_to(root)}: {problem}")
    print(f"{n_programs} programs, {n_problems} problems; known: {dict(counts)}")
    return 1 if n_problems or n_programs == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
