# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Compiles modules that are to be installed, so that no helper process has to, where it couldn't keep what comes of it.

    compile.py FOLDER MODULE...

They are written to FOLDER, under the names by which this Python looks for them.
"""

import importlib.util
import os
import py_compile
import sys


def main(folder, *modules):
    for module in modules:
        name = os.path.basename(importlib.util.cache_from_source(module))
        py_compile.compile(module, os.path.join(folder, name), os.path.basename(module), doraise=True)


main(*sys.argv[1:])
