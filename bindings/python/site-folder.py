# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Prints the folder below PREFIX where this Python looks for packages.

    site-folder.py PREFIX
"""

import os
import site
import sys
import sysconfig


def main(prefix):
    # Debian has another in each prefix, and tells meson of the wrong one.
    for folder in site.getsitepackages():
        if os.path.relpath(folder, prefix).startswith("lib"):
            return folder
    variables = {"base": prefix, "platbase": prefix}
    return sysconfig.get_path("platlib", "posix_prefix", variables)


print(main(*sys.argv[1:]))
