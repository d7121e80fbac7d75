# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the tests in Python share."""

import contextlib
import faulthandler
import gc
import os
import unittest

import gi

gi.require_version("Proc", "1")
from gi.repository import Gio, GLib, Proc

# Tells where a test hangs, before the test is killed for it.
faulthandler.dump_traceback_later(100, exit=True)

TEST_HELPER = [os.environ["PROC_TEST_HELPER"]]


def helpers():
    """The test helpers by their language, as far as this machine has them: the command of each."""
    found = {"c": TEST_HELPER}
    for language in ("python", "gjs", "vala"):
        command = os.environ.get(f"PROC_TEST_HELPER_{language.upper()}")
        if command:
            found[language] = command.split(os.pathsep)
    return found


def children():
    """The ids of this process's children."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def n_descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident_memory(pid="self"):
    """In bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def collect():
    """Lets go of what nobody refers to any more."""
    gc.collect()
    while GLib.MainContext.default().iteration(False):
        pass


def wait_until(condition):
    """Runs the main loop until it is so."""
    while not condition():
        GLib.MainContext.default().iteration(True)


class Outcome:
    """Is given as callback, and holds what an async call comes to."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self, source, result):
        self.n_calls += 1
        self.source = source
        self.result = result

    @property
    def is_done(self):
        return self.n_calls > 0


class PoolTestCase(unittest.TestCase):
    """Closes the pools that a test has made and looks that nothing is left."""

    def setUp(self):
        self.pools = []

    def tearDown(self):
        for pool in self.pools:
            pool.close(Proc.CloseMode.KILL, None)
        self.assertEqual(children(), [])

    def make_pool(self, launcher=None, **properties):
        launcher = launcher or Proc.LocalLauncher.new(TEST_HELPER)
        pool = Proc.Pool(launcher=launcher, **properties)
        self.pools.append(pool)
        return pool

    def call(self, pool, function, arguments=None, cancellable=None):
        outcome = Outcome()
        pool.call_async(function, arguments, cancellable, outcome)
        wait_until(lambda: outcome.is_done)
        return pool.call_finish(outcome.result)

    def run_task(self, pool, task, cancellable=None):
        outcome = Outcome()
        pool.run_async(task, cancellable, outcome)
        wait_until(lambda: outcome.is_done)
        return pool.run_finish(outcome.result)

    @contextlib.contextmanager
    def assertFails(self, quark, code, message=""):
        with self.assertRaises(GLib.Error) as caught:
            yield caught
        error = caught.exception
        self.assertTrue(error.matches(quark, code), f"{error.domain} {error.code}: {error.message}")
        self.assertIn(message, error.message)

    def assertPoolError(self, code, message=""):
        return self.assertFails(Proc.PoolError.quark(), code, message)

    def assertIOError(self, code, message=""):
        return self.assertFails(Gio.io_error_quark(), code, message)
