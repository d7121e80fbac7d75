#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The TypeScript declarations are right for what programs do, and refuse what they must not do.

    check.py DECLARATIONS SOURCE...
"""

import shutil
import subprocess
import sys

OPTIONS = ["--strict", "--noEmit", "--target", "es2022", "--module", "es2022", "--moduleResolution", "node", "--typeRoots", "/nonexistent"]


def main(*files):
    tsc = shutil.which("tsc")
    if not tsc:
        print("there is no tsc: install node-typescript")
        return 77
    return subprocess.run([tsc, *OPTIONS, *files]).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
