# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A program in Python as a template, whose interpreter forks."""

import faulthandler
import os
import random
import sys
import threading
import unittest

from support import Outcome, PoolTestCase, children, helpers, wait_until

from gi.repository import GLib, Proc

LOADED_BY = os.getpid()
forked_by_hook = []


def answer(invocation, arguments):
    """What runs there: how many threads there are is Python's own count, since the library has one too."""
    return GLib.Variant("a{sv}", {
        "loaded-by": GLib.Variant("i", LOADED_BY),
        "pid": GLib.Variant("i", os.getpid()),
        "parent": GLib.Variant("i", os.getppid()),
        "hooks": GLib.Variant("ai", forked_by_hook),
        "random": GLib.Variant("d", random.random()),
        "threads": GLib.Variant("i", threading.active_count()),
    })


def start_thread(invocation, arguments):
    results = []
    thread = threading.Thread(target=lambda: results.append(sum(range(arguments.unpack()))))
    thread.start()
    thread.join()
    return GLib.Variant("i", results[0])


def reply_later(invocation, arguments):
    def reply():
        invocation.return_value(arguments)
        return GLib.SOURCE_REMOVE

    GLib.timeout_add(1, reply)


def run_helper():
    # The watchdog of support.py is a thread.
    faulthandler.cancel_dump_traceback_later()
    random.random()
    os.register_at_fork(after_in_child=lambda: forked_by_hook.append(os.getpid()))
    helper = Proc.Helper.new()
    helper.add_function("answer", answer)
    helper.add_function("start-thread", start_thread)
    helper.add_async_function("reply-later", reply_later)
    helper.add_function("exit", lambda invocation, arguments: os._exit(arguments.unpack()))
    helper.set_fork_function(os.fork)
    if "PROC_TEST_THREAD" in os.environ:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    return helper.run()


class ForkServer(PoolTestCase):
    def make_forking_pool(self, environment=None, **properties):
        launcher = Proc.LocalLauncher.new([sys.executable, os.path.abspath(__file__)])
        launcher.props.environment = environment
        return self.make_pool(Proc.ForkServerLauncher.new(launcher), **properties)

    def prepare(self, pool, n_workers):
        outcome = Outcome()
        pool.prepare_async(n_workers, None, outcome)
        wait_until(lambda: outcome.is_done)
        return pool.prepare_finish(outcome.result)

    def test_script_is_loaded_once(self):
        pool = self.make_forking_pool(max_workers=3, scheduling=Proc.Scheduling.ROUND_ROBIN)
        self.assertTrue(self.prepare(pool, 3))
        self.assertEqual(pool.props.n_idle, 3)
        template, = children()
        answers = [self.call(pool, "answer").unpack() for _ in range(3)]
        self.assertEqual(len({answer["pid"] for answer in answers}), 3)
        for answer in answers:
            self.assertEqual(answer["loaded-by"], template)
            self.assertEqual(answer["parent"], template)

    def test_interpreter_knows_of_the_fork(self):
        pool = self.make_forking_pool(max_workers=2, scheduling=Proc.Scheduling.ROUND_ROBIN)
        self.prepare(pool, 2)
        answers = [self.call(pool, "answer").unpack() for _ in range(2)]
        for answer in answers:
            self.assertEqual(answer["hooks"], [answer["pid"]])
            self.assertEqual(answer["threads"], 1)
        self.assertNotEqual(answers[0]["random"], answers[1]["random"])

    def test_forks_have_threads_and_a_main_loop(self):
        pool = self.make_forking_pool(max_workers=2, scheduling=Proc.Scheduling.ROUND_ROBIN)
        self.prepare(pool, 2)
        for _ in range(4):
            self.assertEqual(self.call(pool, "start-thread", GLib.Variant("i", 1000)).unpack(), 499500)
            self.assertEqual(self.call(pool, "reply-later", GLib.Variant("i", 7)).unpack(), 7)

    def test_exit_code_is_told(self):
        pool = self.make_forking_pool(max_workers=1)
        with self.assertPoolError(Proc.PoolError.CRASHED, "exited with code 5"):
            self.call(pool, "exit", GLib.Variant("i", 5))
        self.assertEqual(self.call(pool, "answer").unpack()["parent"], children()[0])

    def test_thread_in_template_is_refused(self):
        pool = self.make_forking_pool(["PROC_TEST_THREAD=1"], max_workers=1)
        with self.assertPoolError(Proc.PoolError.START_FAILED, "2 threads"):
            self.call(pool, "answer")


class OtherLanguages(PoolTestCase):
    def make_forking_pool(self, language):
        if language not in helpers():
            self.skipTest(f"there is no helper in {language} here")
        return self.make_pool(Proc.ForkServerLauncher.new(Proc.LocalLauncher.new(helpers()[language])), max_workers=1)

    def test_c_and_vala_fork_as_they_are(self):
        for language in "c", "vala":
            with self.subTest(language=language):
                pool = self.make_forking_pool(language)
                self.assertEqual(self.call(pool, "add", GLib.Variant("(ii)", (20, 22))).unpack(), 42)
                pool.close(Proc.CloseMode.DRAIN, None)

    def test_gjs_is_refused_for_its_threads(self):
        pool = self.make_forking_pool("gjs")
        with self.assertPoolError(Proc.PoolError.START_FAILED, "threads (gjs"):
            self.call(pool, "echo")


if __name__ == "__main__":
    if Proc.Helper.is_helper_process():
        sys.exit(run_helper())
    unittest.main()
