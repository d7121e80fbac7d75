# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the tests of the package procpool share."""

import faulthandler
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

# Tells where a test hangs, before the test is killed for it.
faulthandler.dump_traceback_later(200, exit=True)

FOLDER = pathlib.Path(__file__).parent


def children():
    """The ids of this process's children."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def is_alive(pid):
    """Whether there is such a process, other than one that only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pid):
    """Returns when there is no such process any more."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select
    select.select([descriptor], [], [])
    os.close(descriptor)


class PackageTestCase(unittest.TestCase):
    """Looks that no helper process is left."""

    def tearDown(self):
        self.assertEqual(children(), [])


class ScriptTestCase(unittest.TestCase):
    """For what has to be seen from outside: runs a script, as a program of its own."""

    def start(self, text, *options, **kwargs):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        script = pathlib.Path(folder.name) / "script.py"
        script.write_text(text, encoding="utf-8")
        process = subprocess.Popen([sys.executable, *options, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, **kwargs)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def run_script(self, text, *options, **kwargs):
        """What it prints. It has to succeed, and to complain of nothing."""
        process = self.start(text, *options, **kwargs)
        output, errors = process.communicate(timeout=100)
        self.assertEqual((process.returncode, errors), (0, ""), output)
        return output
