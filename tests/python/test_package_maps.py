# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Pool: many calls, and calls with many values."""

import asyncio
import math
import os
import sys
import tempfile
import unittest

import procpool
from package_functions import (add, async_add, async_count_to, count_for_ever, count_then_fail, count_to, crash_at, echo,
                               fail_at, lock_at, make_blocks, tell_and_return, wait_for_ever, yield_stubborn)
from package_support import PackageTestCase


class TestMaps(PackageTestCase):
    def test_results_in_order_of_items(self):
        with procpool.Pool() as pool:
            self.assertEqual(list(pool.map(math.sqrt, [1, 4, 9, 16, 25])), [1, 2, 3, 4, 5])
            self.assertEqual(list(pool.map(add, range(5000))), list(range(5000)))
            self.assertEqual(list(pool.map(add, range(10), range(20))), [2 * i for i in range(10)])
            self.assertEqual(list(pool.map(async_add, range(50), chunk_size=7)), list(range(50)))
            self.assertEqual(list(pool.starmap(pow, [(2, 3), [3, 2]])), [8, 9])
            self.assertEqual(list(pool.map(add, [])), [])

    def test_awaited_or_iterated_in_asyncio(self):
        async def main():
            async with procpool.Pool() as pool:
                self.assertEqual(await pool.map(add, range(100)), list(range(100)))
                self.assertEqual([value async for value in pool.starmap(pow, [(2, 3), (3, 2)])], [8, 9])
                self.assertEqual(sorted([value async for value in pool.as_completed(add, range(20))]), list(range(20)))
        asyncio.run(main())

    def test_items_are_taken_as_results_are(self):
        taken = []

        def items():
            for number in range(1000):
                taken.append(number)
                yield number

        with procpool.Pool(max_workers=1) as pool:
            results = iter(pool.map(echo, items(), chunk_size=1, look_ahead=3))
            self.assertEqual(taken, [])
            self.assertEqual(next(results), 0)
            self.assertLessEqual(len(taken), 4)
            results.close()

    def test_exception_in_its_place(self):
        with procpool.Pool(max_workers=2) as pool:
            for chunk_size in (1, 4, None):
                got = []
                with self.subTest(chunk_size), self.assertRaises(ValueError) as caught:
                    for value in pool.map(fail_at, [6] * 20, range(20), chunk_size=chunk_size):
                        got.append(value)
                self.assertEqual(got, list(range(6)))
                self.assertEqual(str(caught.exception), "not 6")
                self.assertIn("in fail_at", str(caught.exception.__cause__))

    def test_result_that_cannot_be_pickled_in_its_place(self):
        with procpool.Pool(max_workers=1) as pool:
            got = []
            with self.assertRaises(procpool.PicklingError):
                for value in pool.map(lock_at, [2] * 5, range(5), chunk_size=5):
                    got.append(value)
            self.assertEqual(got, [0, 1])

    def test_crash_tells_which_items_were_lost(self):
        with procpool.Pool(max_workers=1) as pool:
            with self.assertRaises(procpool.Crashed) as caught:
                list(pool.map(crash_at, [7] * 20, range(20), chunk_size=4))
            self.assertEqual(caught.exception.items, range(4, 8))

    def test_item_that_cannot_be_pickled(self):
        with procpool.Pool(max_workers=1) as pool:
            for options in ({}, {"chunk_size": 1}, {"chunk_size": 2}):
                with self.subTest(options), self.assertRaises(procpool.PicklingError) as caught:
                    list(pool.map(echo, [1, sys.stdin], **options))
                self.assertIn("argument 1 of package_functions:echo, of type TextIOWrapper", str(caught.exception))

    def test_as_completed_does_not_wait_for_the_slow(self):
        with procpool.Pool(max_workers=2, cancel_grace=0.1) as pool:
            results = iter(pool.as_completed(_wait_if_first, range(5)))
            self.assertEqual([next(results) for _ in range(4)], [1, 2, 3, 4])
            results.close()

    def test_sizes_out_of_range(self):
        with procpool.Pool() as pool:
            for kwargs in ({"chunk_size": 0}, {"look_ahead": 0}):
                with self.assertRaises(ValueError):
                    pool.map(add, [1], **kwargs)


def _wait_if_first(number):
    if number == 0:
        wait_for_ever()
    return number


class TestStreams(PackageTestCase):
    def test_values_of_generators_and_outputs(self):
        with procpool.Pool() as pool:
            stream = pool.stream(count_to, 100)
            self.assertEqual(list(stream), list(range(100)))
            self.assertEqual(stream.result, "counted")
            self.assertEqual(list(pool.stream(async_count_to, 3)), [0, 1, 2])
            stream = pool.stream(tell_and_return, "a", b"b", None)
            self.assertEqual(list(stream), ["a", b"b", None])
            self.assertEqual(stream.result, 3)

    def test_in_asyncio(self):
        async def main():
            async with procpool.Pool() as pool:
                self.assertEqual([value async for value in pool.stream(count_to, 5)], [0, 1, 2, 3, 4])
        asyncio.run(main())

    def test_exception_after_values(self):
        with procpool.Pool() as pool:
            got = []
            with self.assertRaises(ValueError):
                for value in pool.stream(count_then_fail, 3):
                    got.append(value)
            self.assertEqual(got, [0, 1, 2])

    def test_first_value_before_the_last_is_made(self):
        with procpool.Pool(cancel_grace=0.1) as pool:
            stream = iter(pool.stream(_one_then_wait))
            self.assertEqual(next(stream), 1)
            stream.close()

    def test_function_is_held_up_by_who_takes_its_values(self):
        with procpool.Pool(max_workers=2) as pool, tempfile.NamedTemporaryFile() as made:
            stream = pool.options(max_outputs=4).stream(make_blocks, made.name, 500)
            ahead = 0
            for n_taken, _ in enumerate(stream, 1):
                for _ in range(5):  # time enough to make many more
                    pool.submit(echo, 1).result()
                made.seek(0)
                ahead = max(ahead, int(made.read()) - n_taken)
            self.assertEqual(n_taken, 500)
            self.assertLess(ahead, 150)

    def test_values_that_nobody_takes_yet_are_all_there_later(self):
        async def main():
            async with procpool.Pool(max_workers=2) as pool:
                stream = pool.options(max_outputs=1).stream(count_to, 10_000)
                self.assertEqual(await pool.map(echo, range(100)), list(range(100)))
                self.assertEqual([value async for value in stream], list(range(10_000)))
                self.assertEqual(stream.result, "counted")
        asyncio.run(main())

    def test_function_without_end_is_closed_when_the_loop_is_left(self):
        with procpool.Pool(max_workers=1, cancel_grace=60) as pool, tempfile.NamedTemporaryFile() as sign:
            for value in pool.stream(count_for_ever, sign.name):
                if value == 1000:
                    break
            pid = pool.submit(os.getpid).result()
            self.assertEqual(sign.read(), b"closed")
            self.assertEqual([worker.pid for worker in pool.workers()], [pid])

    def test_value_that_cannot_be_rebuilt_comes_after_those_before_it(self):
        with procpool.Pool() as pool:
            got = []
            with self.assertRaises(procpool.PicklingError) as caught:
                for value in pool.stream(yield_stubborn):
                    got.append(value)
            self.assertEqual(got, [1])
            self.assertIn("package_functions:yield_stubborn", str(caught.exception))
            with self.assertRaises(ValueError):
                pool.options(max_outputs=0)

    def test_output_option_and_progress(self):
        with procpool.Pool() as pool:
            values, reports = [], []
            options = pool.options(output=values.append, progress=lambda *report: reports.append(report))
            self.assertEqual(options.submit(_report).result(), "done")
            self.assertEqual(values, [1, 2])
            self.assertEqual(reports[-1], (1.0, "all"))


def _one_then_wait():
    yield 1
    wait_for_ever()


def _report():
    task = procpool.current()
    task.progress(0.5, "half")
    task.output(1)
    task.output(2)
    task.progress(1, "all")
    return "done"


if __name__ == "__main__":
    unittest.main()
