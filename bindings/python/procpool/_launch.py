# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""How helper processes in Python are started."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _flags():
    """What this interpreter was told on its command line, as far as it matters there."""
    flags = []
    if sys.flags.optimize:
        flags.append("-" + "O" * sys.flags.optimize)
    if sys.flags.ignore_environment:
        flags.append("-E")
    if sys.flags.no_user_site:
        flags.append("-s")
    if sys.flags.dont_write_bytecode:
        flags.append("-B")
    if sys.flags.dev_mode:
        flags += ["-X", "dev"]
    if sys.flags.utf8_mode:
        flags += ["-X", "utf8"]
    for option in sys.warnoptions:
        flags += ["-W", option]
    return flags


def command(executable=None, preload=()):
    """The command of a helper process that can run this pool's functions, and begins with loading some modules."""
    start = f"import sys; sys.path.insert(0, {_FOLDER!r}); from procpool.helper import main; "
    if preload:
        start += f"sys.path[:] = {search_path()!r}; import {', '.join(preload)}; "
    start += "sys.exit(main())"
    return [executable or sys.executable, *_flags(), "-c", start]


def launcher(executable: "str | None" = None) -> "Any":
    """A Proc.Launcher for helper processes in Python, for a Proc.Pool: its functions are named
    "package.module:qualified.name".
    """
    import gi
    gi.require_version("Proc", "1")
    from gi.repository import Proc
    return Proc.LocalLauncher.new(command(executable))


def search_path():
    """Where modules are found, whatever the folder of the helper process."""
    here = os.getcwd()
    return [os.path.join(here, entry) if isinstance(entry, str) else entry for entry in sys.path]


def main_script():
    """The file and package of the script that this process runs, or None if there is none to be read."""
    main = sys.modules["__main__"]
    if type(main).__module__ == f"{__package__}._main":
        return main.__file__, main.__package__  # in a helper process, which has a pool of its own
    filename = getattr(main, "__file__", None)
    if not filename or not os.path.isfile(filename) or not filename.endswith((".py", ".pyw")) and not _is_text(filename):
        return None
    return os.path.abspath(filename), getattr(main, "__package__", None)


def _is_text(filename):
    with open(filename, "rb") as file:
        return b"\0" not in file.read(1024)
