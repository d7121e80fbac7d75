#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The library exports what exported-symbols.txt lists, and nothing else.

    exported-symbols.py LIBRARY            compares
    exported-symbols.py --update LIBRARY   rewrites the list, for a change that is meant
"""

import pathlib
import subprocess
import sys

LIST = pathlib.Path(__file__).with_name("exported-symbols.txt")


def exported(library):
    command = ["nm", "--dynamic", "--defined-only", "--format=posix", library]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in output.splitlines()}


def listed():
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def update(symbols):
    header = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    LIST.write_text("\n".join(header + [""] + sorted(symbols)) + "\n", encoding="utf-8")


def main(*arguments):
    symbols = exported(arguments[-1])
    if "--update" in arguments:
        update(symbols)
        return 0

    for symbol in sorted(symbols - listed()):
        print(f"exported, but not listed: {symbol}")
    for symbol in sorted(listed() - symbols):
        print(f"listed, but not exported: {symbol}")
    if symbols != listed():
        print(f"If that is meant: {sys.argv[0]} --update {arguments[-1]}")
        return 1
    print(f"{len(symbols)} symbols")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
