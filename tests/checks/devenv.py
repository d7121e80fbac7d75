#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""In `meson devenv` the library is usable without being installed.

    devenv.py BUILD_FOLDER
"""

import os
import pathlib
import sys
import tempfile

from outside import follow_quick_start, run, use_library

# What the environment of the test itself, or of whoever runs it, must not lend.
FOREIGN = ("PKG_CONFIG_PATH", "LD_LIBRARY_PATH", "GI_TYPELIB_PATH", "PYTHONPATH", "GJS_PATH")


def devenv(build):
    plain = {name: value for name, value in os.environ.items()
             if name not in FOREIGN and not name.startswith("PROC")}
    output = run("meson", "devenv", "-C", build, "env", "-0", environment=plain)
    return dict(line.split("=", 1) for line in output.split("\0") if line)


def main(build):
    build = pathlib.Path(build)
    vapi = build / "libprocpool"
    with tempfile.TemporaryDirectory() as folder:
        use = pathlib.Path(folder), devenv(build), vapi if (vapi / "procpool-1.vapi").exists() else None
        use_library(*use)
        follow_quick_start(*use)


if __name__ == "__main__":
    main(*sys.argv[1:])
