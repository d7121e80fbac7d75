# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A program in Python is its own helper."""

import os
import sys
import unittest

from support import PoolTestCase

from gi.repository import Gio, GLib, Proc


def concatenate(invocation, arguments, separator):
    return GLib.Variant("s", separator.join(arguments.unpack()))


def get_arguments(invocation, arguments):
    return GLib.Variant("as", sys.argv)


def wait(invocation, arguments):
    # Not told but asked: the cancellable's handlers run in another thread while this one is busy.
    invocation.progress(0, "waiting")
    while not invocation.get_cancellable().is_cancelled():
        pass
    raise GLib.Error.new_literal(Gio.io_error_quark(), "told to stop", Gio.IOErrorEnum.CANCELLED)


def run_helper():
    helper = Proc.Helper.new()
    helper.add_function("concatenate", concatenate, " + ")
    helper.add_function("pid", lambda invocation, arguments: GLib.Variant("i", os.getpid()))
    helper.add_function("arguments", get_arguments)
    helper.add_function("wait", wait)
    helper.set_fallback(lambda invocation, arguments: invocation.return_value(
        GLib.Variant("s", f"no {invocation.get_function()} here")))
    return helper.run()


class OwnHelper(PoolTestCase):
    def setUp(self):
        super().setUp()
        self.pool = Proc.Pool.new(None)
        self.pools.append(self.pool)

    def test_functions_run_in_another_process(self):
        self.assertFalse(Proc.Helper.is_helper_process())
        self.assertNotEqual(self.call(self.pool, "pid").unpack(), os.getpid())
        self.assertEqual(self.call(self.pool, "concatenate", GLib.Variant("as", ["a", "b"])).unpack(), "a + b")
        self.assertEqual(self.call(self.pool, "arguments").unpack(), sys.argv)

    def test_fallback_runs_what_is_not_added(self):
        self.assertEqual(self.call(self.pool, "something").unpack(), "no something here")

    def test_busy_function_sees_that_it_is_cancelled(self):
        self.pool.props.max_workers = 1
        cancellable = Gio.Cancellable.new()
        task = Proc.Task.new("wait", None)
        task.connect("progressed", lambda *arguments: cancellable.cancel())
        with self.assertIOError(Gio.IOErrorEnum.CANCELLED):
            self.run_task(self.pool, task, cancellable)
        # The same process goes on: it came to its end by itself.
        self.assertEqual(self.call(self.pool, "pid").unpack(), task.props.pid)


if __name__ == "__main__":
    if Proc.Helper.is_helper_process():
        sys.exit(run_helper())
    unittest.main()
