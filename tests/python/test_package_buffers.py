# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""procpool.Buffer: what is written into it crosses without a copy, that is, in the same file of shared memory."""

import asyncio
import copy
import errno
import gc
import hashlib
import io
import logging
import os
import pickle
import queue
import resource
import sys
import tempfile
import threading
import unittest

import procpool
from package_functions import crash_once, echo
from package_support import PackageTestCase, ScriptTestCase

try:
    import cloudpickle
except ImportError:
    cloudpickle = None
try:
    import numpy
except ImportError:
    numpy = None

# What has 4 MiB or more is unmapped in a thread of the library's, some time after it is freed: the tests send less.
SIZE = 3 << 20
KEPT = []

# What goes along with a Buffer, and what doesn't.
LITTLE = "x" * 30_000
MUCH = "x" * 70_000


def shared_files(pid="self"):
    """The numbers of the files of shared memory that are mapped in a process."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        return sorted({int(line.split()[4]) for line in maps if "memfd:procpool-payload" in line})


def n_descriptors():
    return len(os.listdir("/proc/self/fd"))


def new_buffer(size=SIZE, first=b"begin", last=b"end"):
    buffer = procpool.Buffer(size)
    buffer.write(0, first)
    buffer.write(size - len(last), last)
    return buffer


# ---- in helper processes ----

def describe(*args, **kwargs):
    """Of all the views in the arguments, and the files they must be in."""
    views = [value for value in [*args, *kwargs.values()] if isinstance(value, memoryview)]
    return [(view.readonly, len(view), bytes(view[:5]), bytes(view[-3:])) for view in views], shared_files()


def look_into(value):
    return bytes(value["list"][0][1][:5]), value["number"], shared_files()


def add_up(view, number):
    return sum(view[:10]) + number


def describe_array(array, factor=1):
    return array.shape, str(array.dtype), float(array.sum()) * factor, array.flags.writeable, shared_files()


def make(*rest):
    """A buffer of its own, with the files that it is in."""
    buffer = new_buffer()
    return (buffer, shared_files(), *rest) if rest else buffer


def make_small(number):
    return new_buffer(300_000, b"part%d" % number)


def make_array(n):
    buffer = procpool.Buffer(n * 8)
    array = numpy.ndarray((n // 2, 2), "float64", buffer)
    array[:] = 1.5
    del array
    return numpy.ndarray((n // 2, 2), "float64", buffer.seal())[1:], shared_files()


def make_kept(*rest):
    if not KEPT:
        KEPT.append(new_buffer())
    return (KEPT[0], shared_files(), *rest)


def make_open_view():
    buffer = procpool.Buffer(SIZE)
    KEPT.append(memoryview(buffer))
    return buffer


def yield_buffers():
    for number in range(3):
        yield new_buffer(first=b"part%d" % number), shared_files()
    return make("the result")


def raise_error(view):
    raise ValueError(len(view))


def end(view):
    os._exit(7)


def warn(view):
    logging.getLogger("tests.buffers").warning("%d bytes", len(view))
    return procpool.current().function


def retry(path, view):
    return crash_once(path), len(view)


def hash_bytes(data, *rest):
    return type(data).__name__, hashlib.sha1(data).digest(), shared_files()


# ---- in the host ----

class TestBuffer(unittest.TestCase):
    def test_is_written_through_views_and_by_write(self):
        buffer = procpool.Buffer(10)
        self.assertEqual((len(buffer), buffer.size, buffer.sealed, bytes(buffer)), (10, 10, False, bytes(10)))
        self.assertEqual(repr(buffer), "<procpool.Buffer of 10 bytes, open>")
        with memoryview(buffer) as view:
            self.assertFalse(view.readonly)
            view[7:] = b"end"
        buffer.write(0, bytearray(b"begin"))
        buffer.write(10, b"")
        view = buffer.seal()
        self.assertEqual((bytes(view), bytes(buffer), buffer.sealed), (b"begin\0\0end", b"begin\0\0end", True))
        self.assertEqual(repr(buffer), "<procpool.Buffer of 10 bytes, sealed>")
        self.assertEqual(buffer.seal(), view)

    def test_sealed_one_is_read_only(self):
        buffer = procpool.Buffer(10)
        view = buffer.seal()
        for changed in (view, memoryview(buffer)):
            self.assertTrue(changed.readonly)
            with self.assertRaises(TypeError):
                changed[0] = 1
        with self.assertRaisesRegex(BufferError, "make another"):
            buffer.write(0, b"x")
        with self.assertRaises((BufferError, TypeError)):
            io.BytesIO(b"x").readinto(buffer)

    def test_is_not_sealed_while_it_can_be_written_to(self):
        buffer = procpool.Buffer(10)
        first, second = memoryview(buffer), memoryview(buffer)[5:]
        with self.assertRaisesRegex(BufferError, "through 2 views: release"):
            buffer.seal()
        first.release()
        with self.assertRaisesRegex(BufferError, "through 1 view: release"):
            buffer.seal()
        self.assertFalse(buffer.sealed)
        second[0] = 7
        del first, second
        self.assertEqual(bytes(buffer.seal()), b"\0\0\0\0\0\7\0\0\0\0")

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_arrays_of_it(self):
        buffer = procpool.Buffer(80)
        array = numpy.frombuffer(buffer, "float64")
        array[:] = range(10)
        with self.assertRaisesRegex(BufferError, "NumPy"):
            buffer.seal()
        del array
        sealed = numpy.frombuffer(buffer.seal(), "float64")
        self.assertEqual((sealed.sum(), sealed.flags.writeable), (45, False))
        self.assertFalse(numpy.frombuffer(buffer).flags.writeable)

    def test_memory_outlives_the_object(self):
        view = new_buffer(100).seal()
        self.assertEqual((bytes(view[:5]), bytes(view[-3:])), (b"begin", b"end"))

    def test_what_cannot_be_written(self):
        buffer = procpool.Buffer(10)
        for offset, data in ((7, b"long"), (11, b""), (-1, b"x"), (sys.maxsize, b"x")):
            with self.subTest(offset), self.assertRaisesRegex(ValueError, f"{len(data)} bytes at {offset} to a Buffer of 10"):
                buffer.write(offset, data)
        with self.assertRaises(TypeError):
            buffer.write(0, "text")

    def test_sizes(self):
        self.assertEqual(bytes(procpool.Buffer(0).seal()), b"")
        self.assertEqual(len(procpool.Buffer(size=3)), 3)
        with self.assertRaisesRegex(ValueError, "not -1"):
            procpool.Buffer(-1)
        for size in (1 << 50, sys.maxsize):
            with self.assertRaisesRegex(MemoryError, "shared memory of"):
                procpool.Buffer(size)
        with self.assertRaises(OverflowError):
            procpool.Buffer(1 << 80)
        for arguments in (("3",), (3.5,), (), (1, 2)):
            with self.assertRaises(TypeError):
                procpool.Buffer(*arguments)

    def test_lack_of_descriptors_is_an_os_error(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = os.dup(0)
        os.close(taken)
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken, limits[1]))
        try:
            with self.assertRaises(OSError) as caught:
                procpool.Buffer(10)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual(caught.exception.errno, errno.EMFILE)
        self.assertIn("shared memory", str(caught.exception))

    def test_nothing_is_left_of_it(self):
        before = n_descriptors(), shared_files()
        buffers = [new_buffer(100) for _ in range(20)]
        views = [buffer.seal() for buffer in buffers[10:]]
        self.assertEqual(len(shared_files()) - len(before[1]), 20)
        del buffers
        self.assertEqual(len(shared_files()) - len(before[1]), 10)
        del views
        self.assertEqual((n_descriptors(), shared_files()), before)

    def test_several_threads_write_to_it(self):
        part = 1 << 20
        buffer = procpool.Buffer(4 * part)
        threads = [threading.Thread(target=buffer.write, args=(number * part, bytes([number]) * part)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(bytes(buffer.seal()), b"".join(bytes([number]) * part for number in range(4)))

    def test_is_pickled_elsewhere_as_a_copy(self):
        for size in (10, SIZE):
            buffer = new_buffer(size)
            back = pickle.loads(pickle.dumps([buffer], 5))[0]
            self.assertTrue(buffer.sealed)
            self.assertEqual((back, back.readonly), (memoryview(buffer), True))

    def test_is_not_copied_by_mistake(self):
        buffer = procpool.Buffer(10)
        for make_copy in (copy.copy, copy.deepcopy, lambda value: pickle.dumps(value, 4)):
            with self.assertRaisesRegex(TypeError, r"protocol 5.*bytes\(\)"):
                make_copy(buffer)
        self.assertFalse(buffer.sealed)
        with memoryview(buffer), self.assertRaisesRegex(BufferError, "1 view"):
            pickle.dumps(buffer, 5)


class TestFork(ScriptTestCase):
    def test_fork_reads_what_was_sealed(self):
        output = self.run_script("""
import os
import procpool

is_open, sealed, sent = procpool.Buffer(100), procpool.Buffer(100), procpool.Buffer(1 << 20)
sealed.write(0, b"sealed")
sent.write(0, b"sent")
view = sealed.seal()
with procpool.Pool(max_workers=1) as pool:
    assert pool.submit(len, sent).result() == 1 << 20

pid = os.fork()
if pid == 0:
    print(bytes(view[:6]), bytes(sealed)[:6], bytes(sent)[:4])
    for use in (is_open.seal, lambda: is_open.write(0, b"x")):
        try:
            use()
        except procpool.WrongProcess as error:
            print(error)
    try:
        memoryview(is_open)
    except procpool.WrongProcess as error:
        print("no view")
    with procpool.Pool(max_workers=1) as pool:
        print(pool.submit(bytes, sealed).result()[:6], pool.submit(len, procpool.Buffer(1 << 20)).result())
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
is_open.write(0, b"open")
print(bytes(is_open.seal())[:4], bytes(view[:6]))
""", "-u")
        refusal = "The Buffer wasn't sealed when this process was forked from the one that made it: make one here\n"
        self.assertEqual(output, "b'sealed' b'sealed' b'sent'\n" + 2 * refusal + "no view\nb'sealed' 1048576\n0\n"
                         "b'open' b'sealed'\n")


class SendingCase(PackageTestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = procpool.Pool(max_workers=1)

    @classmethod
    def tearDownClass(cls):
        cls.pool.close(procpool.CloseMode.KILL)

    def setUp(self):
        gc.collect()
        self.assertEqual(shared_files(), [])

    def tearDown(self):
        pass  # the pool is for all of them

    def call(self, function, *args, **kwargs):
        return self.pool.submit(function, *args, **kwargs).result()


class TestArguments(SendingCase):
    VIEW = (True, SIZE, b"begin", b"end")

    def test_arrives_as_the_same_memory(self):
        buffer = new_buffer()
        files = shared_files()
        self.assertEqual(len(files), 1)
        self.assertEqual(self.call(describe, buffer), ([self.VIEW], files))
        self.assertTrue(buffer.sealed)
        self.assertEqual(self.call(describe, 1, "two", buffer, three=[3]), ([self.VIEW], files))
        self.assertEqual(self.call(describe, key=buffer), ([self.VIEW], files))
        self.assertEqual(self.call(describe, buffer, buffer), ([self.VIEW] * 2, files))
        self.assertEqual(self.call(describe, buffer.seal()), ([self.VIEW], files))

    def test_along_with_little_else(self):
        buffer = new_buffer()
        for text in (LITTLE, LITTLE + LITTLE):
            self.assertEqual(self.call(describe, text, buffer), ([self.VIEW], shared_files()))
        self.assertEqual(self.call(describe, LITTLE.encode(), [1.5] * 100, one=buffer), ([self.VIEW], shared_files()))

    def test_many_parts(self):
        buffer = new_buffer()
        view = buffer.seal()
        described, files = self.call(describe, *[view[start:] for start in range(500)])
        self.assertEqual([length for _, length, _, _ in described], [SIZE - start for start in range(500)])
        self.assertEqual(files, shared_files())

    def test_within_other_values(self):
        buffer = new_buffer()
        value = {"list": [(1, buffer)], "number": 2}
        self.assertEqual(self.call(look_into, value), (b"begin", 2, shared_files()))

    def test_parts_of_what_is_sealed(self):
        buffer = new_buffer()
        view = buffer.seal()
        half = SIZE // 2
        self.assertEqual(self.call(describe, view[half:], view[:half]),
                         ([(True, half, bytes(5), b"end"), (True, half, b"begin", bytes(3))], shared_files()))

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_arrays_over_what_is_sealed(self):
        buffer = procpool.Buffer(8 << 18)
        array = numpy.ndarray((512, 512), "float64", buffer)
        array[:] = 2
        del array
        array = numpy.ndarray((512, 512), "float64", buffer.seal())
        files = shared_files()
        self.assertEqual(self.call(describe_array, array), ((512, 512), "float64", 2.0 * (1 << 18), False, files))
        self.assertEqual(self.call(describe_array, array[256:], factor=3), ((256, 512), "float64", 3.0 * (1 << 18), False, files))

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_array_over_what_is_open_is_copied(self):
        buffer = procpool.Buffer(SIZE)
        array = numpy.frombuffer(buffer, "uint8")
        array[:] = 1
        *described, files = self.call(describe_array, array)
        self.assertEqual(described, [(SIZE,), "uint8", SIZE, True])
        self.assertNotEqual(files, shared_files())
        self.assertFalse(buffer.sealed)

    @unittest.skipIf(cloudpickle is None, "needs cloudpickle")
    def test_functions_that_are_sent_by_value(self):
        buffer = new_buffer()
        look = shared_files
        self.assertEqual(self.call(lambda view: (bytes(view[:5]), look()), buffer), (b"begin", shared_files()))

    def test_many_tasks_share_one(self):
        buffer = new_buffer(first=bytes(range(10)))
        before = n_descriptors()
        futures = [self.pool.submit(add_up, buffer, number) for number in range(300)]
        self.assertLess(n_descriptors(), before + 20)
        self.assertEqual([future.result() for future in futures], [45 + number for number in range(300)])
        self.assertEqual(list(self.pool.map(add_up, [buffer] * 50, range(50))), [45 + number for number in range(50)])

    def test_with_what_goes_otherwise(self):
        first, second, large = new_buffer(1 << 20), new_buffer(1 << 20, b"other"), os.urandom(1 << 20)
        back = self.call(echo, (first, second, large, MUCH))
        self.assertEqual(back, (first.seal(), second.seal(), large, MUCH))
        self.assertEqual(self.call(echo, (first, MUCH)), (first.seal(), MUCH))
        for size in (0, 1, 1000, 70_000, 300_000):
            small = procpool.Buffer(size)
            self.assertEqual(self.call(echo, small), bytes(size))

    def test_is_refused_while_it_can_be_written_to(self):
        buffer = procpool.Buffer(SIZE)
        with memoryview(buffer) as view:
            for args in ((buffer,), ([buffer],)):
                for function in (describe, lambda *args: args) if cloudpickle else (describe,):
                    with self.assertRaisesRegex(BufferError, "through 1 view"):
                        self.pool.submit(function, *args)
            view[0] = 1
        self.assertFalse(buffer.sealed)
        self.assertEqual(self.call(describe, buffer)[0][0][:3], (True, SIZE, b"\1\0\0\0\0"))

    def test_nothing_is_left_of_what_was_sent(self):
        self.call(describe, new_buffer())
        before = n_descriptors()
        for _ in range(5):
            self.call(describe, new_buffer(), 1)
        self.assertEqual((n_descriptors(), shared_files()), (before, []))
        self.assertEqual(self.call(shared_files), [])

    def test_errors_and_records_name_the_function(self):
        buffer = new_buffer()
        with self.assertRaisesRegex(ValueError, str(SIZE)):
            self.call(raise_error, buffer)
        with self.assertRaises(procpool.Crashed) as caught:
            self.call(end, buffer)
        self.assertEqual(caught.exception.function, "__main__:end")
        self.assertIn("“__main__:end()”", str(caught.exception))
        with self.assertLogs("tests.buffers") as logs:
            self.assertEqual(self.call(warn, buffer), "__main__:warn")
        self.assertEqual((logs.records[0].getMessage(), logs.records[0].taskName), (f"{SIZE} bytes", "__main__:warn"))

    def test_is_sent_again_after_a_crash(self):
        buffer = new_buffer()
        with tempfile.TemporaryDirectory() as folder:
            retried = self.pool.options(max_attempts=2).submit(retry, os.path.join(folder, "sign"), buffer).result()
        self.assertEqual(retried, ("second attempt", SIZE))


class TestResults(SendingCase):
    def test_arrives_as_the_same_memory(self):
        result = self.call(make)
        self.assertEqual((type(result), result.readonly, len(result)), (memoryview, True, SIZE))
        self.assertEqual((bytes(result[:5]), bytes(result[-3:])), (b"begin", b"end"))
        del result
        result, files, *rest = self.call(make, 1, {"two": "three"})
        self.assertEqual((files, bytes(result[-3:]), rest), (shared_files(), b"end", [1, {"two": "three"}]))

    def test_along_with_little_else(self):
        result, files, *rest = self.call(make, 1, LITTLE)
        self.assertEqual((files, bytes(result[-3:]), rest), (shared_files(), b"end", [1, LITTLE]))

    def test_along_with_much_else(self):
        result, _, text = self.call(make, MUCH)
        self.assertEqual((bytes(result[:5]), len(result), text), (b"begin", SIZE, MUCH))

    @unittest.skipIf(numpy is None, "needs numpy")
    def test_arrays_over_what_is_sealed(self):
        array, files = self.call(make_array, 1 << 18)
        self.assertEqual((array.shape, array.sum(), array.flags.writeable), (((1 << 17) - 1, 2), 1.5 * ((1 << 18) - 2), False))
        self.assertEqual(files, shared_files())

    def test_same_one_again(self):
        with procpool.Pool(max_workers=1) as pool:
            results = [pool.submit(make_kept).result() for _ in range(3)]
            self.assertEqual([files for _, files in results], [shared_files()] * 3)
            self.assertEqual({bytes(view[:5]) for view, _ in results}, {b"begin"})
            for rest in (5, LITTLE):
                view, files, back = pool.submit(make_kept, rest).result()
                self.assertEqual((view, files, back), (results[0][0], shared_files(), rest))

    def test_partial_values(self):
        stream = self.pool.stream(yield_buffers)
        parts = list(stream)
        self.assertEqual([bytes(view[:5]) for view, _ in parts], [b"part0", b"part1", b"part2"])
        self.assertEqual(stream.result[2], "the result")
        files = {*shared_files()}
        self.assertLessEqual({file for _, mapped in [*parts, stream.result[:2]] for file in mapped}, files)
        self.assertEqual(len(files), 4)

    def test_maps(self):
        results = list(self.pool.map(make, range(3), chunk_size=1))
        self.assertEqual([(bytes(view[:5]), number) for view, _, number in results], [(b"begin", number) for number in range(3)])
        self.assertEqual([bytes(view[:5]) for view in self.pool.map(make_small, range(9))], [b"part%d" % n for n in range(9)])

    def test_is_refused_while_it_can_be_written_to(self):
        with procpool.Pool(max_workers=1) as pool, self.assertRaisesRegex(BufferError, "through 1 view"):
            pool.submit(make_open_view).result()

    def test_nothing_is_left_of_what_came(self):
        self.call(make)
        before = n_descriptors()
        for number in range(5):
            self.call(make, number)
        self.assertEqual((n_descriptors(), shared_files()), (before, []))

    def test_through_the_socket_where_no_shared_memory_is_taken(self):
        with procpool.Pool(max_workers=1, max_fds=0) as pool:
            view, _, number = pool.submit(make, 3).result()
            self.assertEqual((bytes(view[:5]), len(view), number), (b"begin", SIZE, 3))
            self.assertEqual(shared_files(), [])


# Values as they are sent with a Buffer, but by hand: its memory, parts of it and a pickle.
GARBLED = {
    "beginning": (b"memory", [(7, 0)], b"K\7."),
    "end": (b"memory", [(0, 6), (2, 5)], b"K\7."),
    "overflow": (b"memory", [(2, (1 << 64) - 1)], b"K\7."),
    "empty_memory": (b"", [(0, 1)], b"K\7."),
    "missing_part": (b"memory", [], b"\x97."),
    "empty_pickle": (b"memory", [(0, 6)], b""),
    "pickle": (b"memory", [(0, 6)], b"garbled"),
}

GARBLING_HELPER = f"""
import sys
import gi
gi.require_version("Proc", "1")
from gi.repository import GLib, Proc

helper = Proc.Helper.new()
for name, value in {{**{GARBLED}, "nothing": (b"memory", [(1, 0), (2, 3)], b"\\x97\\x97\\x86.")}}.items():
    helper.add_function(f"__main__:garble_{{name}}()", lambda invocation, arguments, value=value: GLib.Variant("(aya(tt)ay)", value))
sys.exit(helper.run())
"""


def garble_nothing(): ...
def garble_beginning(): ...
def garble_end(): ...
def garble_overflow(): ...
def garble_empty_memory(): ...
def garble_missing_part(): ...
def garble_empty_pickle(): ...
def garble_pickle(): ...


class TestGarbled(PackageTestCase):
    def test_result_is_an_error(self):
        with procpool.Pool(launcher=[sys.executable, "-c", GARBLING_HELPER], max_workers=1) as pool:
            self.assertEqual([bytes(part) for part in pool.submit(garble_nothing).result()], [b"", b"mor"])
            for name in GARBLED:
                with self.subTest(name), self.assertRaisesRegex(procpool.PicklingError, "can't be rebuilt here"):
                    pool.submit(globals()[f"garble_{name}"]).result()

    def test_call_is_an_error(self):
        from gi.repository import GLib
        with procpool.Pool(max_workers=1) as pool:
            call = b"memory", [(0, 6)], pickle.dumps((len, ("seven",), {}))
            pool.submit_call("builtins:len()", GLib.Variant("(aya(tt)ay)", call)).result()
            pid = pool.workers()[0].pid
            for name, value in GARBLED.items():
                with self.subTest(name), self.assertRaisesRegex(procpool.PoolError, "can't be rebuilt"):
                    pool.submit_call("builtins:len()", GLib.Variant("(aya(tt)ay)", value)).result()
            self.assertEqual(pool.workers()[0].pid, pid)


class TestOtherWays(SendingCase):
    def test_calls_by_name_get_bytes(self):
        for get_value in (lambda buffer: buffer, procpool.Buffer.seal, lambda buffer: buffer.seal()[:SIZE // 2]):
            value = get_value(new_buffer())
            for rest in ((), (5, LITTLE)):
                kind, digest, files = self.pool.submit_call("test_package_buffers:hash_bytes", value, *rest).result()
                self.assertEqual((kind, digest), ("bytes", hashlib.sha1(value).digest()))
                self.assertEqual(shared_files(), files)

    def test_results_by_name_are_bytes(self):
        result = self.pool.submit_call("test_package_buffers:make").result()
        self.assertEqual((type(result), len(result), result[:5]), (bytes, SIZE, b"begin"))
        result, _, *rest = self.pool.submit_call("test_package_buffers:make", 5, LITTLE).result()
        self.assertEqual((type(result), len(result), result[-3:], rest), (bytes, SIZE, b"end", [5, LITTLE]))

    def test_helper_in_c(self):
        with procpool.Pool(launcher=[os.environ["PROC_TEST_HELPER"]]) as pool:
            buffer = new_buffer()
            for value in (buffer, buffer.seal(), buffer.seal()[10:], procpool.Buffer(0)):
                self.assertEqual(pool.submit_call("echo", value).result(), (bytes(value),))
            self.assertEqual(pool.submit_call("echo", buffer, 5).result(), (bytes(buffer), 5))
            with memoryview(procpool.Buffer(3)) as view, self.assertRaisesRegex(BufferError, "through 1 view"):
                pool.submit_call("echo", view.obj)

    def test_helper_in_c_gets_the_same_memory(self):
        told = queue.SimpleQueue()
        with procpool.Pool(launcher=[os.environ["PROC_TEST_HELPER"]], max_workers=1) as pool:
            buffer = new_buffer()
            calls = pool.options(progress=lambda *progress: told.put(progress))
            for args in ((buffer,), (buffer, 5, LITTLE, [1.5]), (LITTLE, buffer), ({"pixels": buffer, "text": LITTLE, "size": 5},)):
                future = calls.submit_call("wait-for-cancel", *args)
                self.assertEqual(told.get(), (0.0, "waiting"))
                self.assertEqual(shared_files(pool.workers()[0].pid), shared_files())
                future.cancel()

    def test_executor(self):
        with procpool.Executor(max_workers=1) as executor:
            buffer = new_buffer()
            self.assertEqual(executor.submit(describe, buffer).result()[1], shared_files())

    def test_asyncio(self):
        async def send():
            async with procpool.Pool(max_workers=2) as pool:
                buffer = new_buffer(first=bytes(range(10)))
                return await asyncio.gather(*[pool.run(add_up, buffer, number) for number in range(20)])

        self.assertEqual(asyncio.run(send()), [45 + number for number in range(20)])


if __name__ == "__main__":
    unittest.main()
