#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""An example, whose command is given, does the same in whatever language it is written.

    test-examples.py NAME COMMAND...
"""

import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

# Of the picture that each mandelbrot writes.
PICTURE = "f9011d0d6ee7f9918040536ba7db2ffa1491230920dc676fa851ab926a5c08f1"


def run(*command):
    """What it prints, on both streams apart, and its process id."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.communicate()
    if process.returncode != 0 or errors:
        sys.exit(f"exited with {process.returncode} and printed:\n{output}{errors}")
    return output, process.pid


def expect(output, *patterns):
    """Each line of the output is as the pattern in its place says."""
    lines = output.splitlines()
    for line, pattern in zip(lines, patterns):
        if not re.fullmatch(pattern, line):
            sys.exit(f"“{line}” isn't “{pattern}” in:\n{output}")
    if len(lines) != len(patterns):
        sys.exit(f"{len(lines)} lines instead of {len(patterns)}:\n{output}")


def check_guide(*command):
    output, _ = run(*command)
    expect(output,
           r"logged: (guide\.vala:\d+: )?greeting Ada", "Good day, Ada, 36",
           "later",
           str(1_000_000 * ord("x")),
           "a core for itself: yes",
           "exited with 0: from a command",
           "in a thread: later",
           "1 2 3 taken",
           "closed")


def check_hello(*command):
    output, pid = run(*command)
    expect(output, r"Hello, world, from process \d+")
    if output.split()[-1] == str(pid):
        sys.exit("it ran in the host's own process")


def check_mandelbrot(*command):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "picture.pgm"
        output, _ = run(*command, path)
        expect(output, "25 %", "50 %", "75 %", "100 %")
        picture = path.read_bytes()
    if not picture.startswith(b"P5\n240 160\n255\n") or len(picture) != 15 + 240 * 160:
        sys.exit(f"it wrote no such picture, but {len(picture)} bytes: {picture[:20]}")
    found = hashlib.sha256(picture).hexdigest()
    if found != PICTURE:
        sys.exit(f"the picture is another one: {found}")


def check_resilient(*command):
    output, _ = run(*command)
    expect(output,
           "crash: crashed", r"  .*signal 6.*",
           "timeout: timed out", r"  .*100 ms.*",
           "cancel: cancelled",
           "retry: done at the second attempt",
           "after all: 42")


def check_languages(*command):
    output, _ = run(*command)
    expect(output,
           "call: 42",
           "timeout: timed out",
           "progress: half", "cancel: cancelled",
           "map: 1 2 3",
           "outputs: 1 2 3",
           "error: no root of -1",
           "crash: crashed")


def check_polyglot(*command):
    output, _ = run(*command)
    expect(output, "C: 12 × 12 = 144", "Vala: 12 × 12 = 144", "Python: 12 × 12 = 144", "JavaScript: 12 × 12 = 144")


CHECKS = {
    "guide": check_guide,
    "hello": check_hello,
    "languages": check_languages,
    "mandelbrot": check_mandelbrot,
    "polyglot": check_polyglot,
    "resilient": check_resilient,
}

if __name__ == "__main__":
    CHECKS[sys.argv[1]](*sys.argv[2:])
