#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A quick start, whose command is given, prints what README.md says, and nothing else.

    test-quick-start.py COMMAND...
"""

import subprocess
import sys

EXPECTED = "9592 primes\n"


def main(*command):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode != 0 or ended.stdout != EXPECTED:
        sys.exit(f"exited with {ended.returncode} and printed: {ended.stdout}")


if __name__ == "__main__":
    main(*sys.argv[1:])
