# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Functions that the tests have run in helper processes."""

import asyncio
import itertools
import logging
import os
import signal
import sys
import threading
import time
import warnings

import procpool

state = {}


def add(a, b=0):
    return a + b


def echo(value):
    return value


async def async_add(a, b=0):
    await asyncio.sleep(0)
    return a + b


def get_pid():
    return os.getpid()


def wait_for_ever():
    procpool.current().progress(0, "begun")
    threading.Event().wait()


async def async_wait_for_ever():
    procpool.current().progress(0, "begun")
    await asyncio.get_running_loop().create_future()


def wait_until_cancelled(path):
    """Ends by itself when it is told, and leaves a sign of that."""
    procpool.current().progress(0, "begun")
    while not procpool.current().cancelled:
        time.sleep(0.001)
    with open(path, "w", encoding="utf-8") as file:
        file.write("told")


def two_halves(path):
    procpool.current().progress(0.5, "half")
    threading.Event().wait()
    with open(path, "w", encoding="utf-8") as file:
        file.write("the second half")


def handle_interrupt():
    try:
        procpool.current().progress(0, "begun")
        threading.Event().wait()
    except KeyboardInterrupt:
        return 9999


def exit_with(code):
    os._exit(code)


def crash(number):
    os.kill(os.getpid(), number)
    threading.Event().wait()


def write_and_crash():
    print("these are my last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGABRT)


def crash_once(path):
    """Crashes if it is the first attempt."""
    if not os.path.exists(path):
        open(path, "w", encoding="utf-8").close()
        os._exit(1)
    return "second attempt"


class Peculiar(Exception):
    """One that can't be rebuilt from its arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class Rich(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


def fail(kind=ValueError, *args):
    raise kind(*args)


def fail_peculiarly():
    raise Peculiar("this", "that")


def interrupt_itself():
    raise KeyboardInterrupt


def return_lock():
    return threading.Lock()


def set_state(key, value):
    state[key] = value


def get_state(key):
    return state.get(key), os.getpid()


def fail_to_start():
    raise RuntimeError("the initializer is out of sorts")


def write_file(path):
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")


def count_to(n):
    for number in range(n):
        yield number
    return "counted"


async def async_count_to(n):
    for number in range(n):
        await asyncio.sleep(0)
        yield number


def tell_and_return(*values):
    for value in values:
        procpool.current().output(value)
    return len(values)


def make_blocks(path, n):
    """Tells how many it has made."""
    with open(path, "w", encoding="ascii") as file:
        for number in range(1, n + 1):
            file.seek(0)
            file.write(str(number))
            file.flush()
            yield bytes(32768)


def count_for_ever(path):
    """Leaves a sign when it is closed."""
    try:
        yield from itertools.count()
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write("closed")


class Stubborn:
    """Can be sent, and not be rebuilt."""

    def __reduce__(self):
        return int, ("not a number",)


def yield_stubborn():
    yield 1
    yield Stubborn()


def count_then_fail(n):
    yield from range(n)
    raise ValueError("no more numbers")


def fail_at(number, item):
    if item == number:
        raise ValueError(f"not {item}")
    return item


def crash_at(number, item):
    if item == number:
        os._exit(3)
    return item


def lock_at(number, item):
    return threading.Lock() if item == number else item


def log_everything():
    logging.getLogger("tests.remote").warning("careful with %s", "that")
    logging.getLogger("tests.remote").debug("not worth telling")
    warnings.warn("this is old")
    return os.getpid()


def print_lines():
    print("first line")
    print("second line")
    return os.getpid()


def describe_buffer(value):
    return type(value).__name__, isinstance(value, bytes), len(value), bytes(value[:4])


def get_cores():
    return procpool.current().cores, sorted(os.sched_getaffinity(0))


def square(x):
    return x * x, procpool.current().cores


def read_descriptor():
    descriptor, = procpool.current().fds
    return os.read(descriptor, 100)


def loaded_modules():
    return sorted(sys.modules)


def loop_name():
    return type(asyncio.get_event_loop_policy()).__name__


async def running_loop_name():
    loop = asyncio.get_running_loop()
    return f"{type(loop).__module__}.{type(loop).__name__}"


def sum_of_squares(n):
    return sum(i * i for i in range(n))


async def fib(n):
    return n if n <= 1 else await fib(n - 1) + await fib(n - 2)


def add_values(a, b):
    return a + b


def kinds(*args):
    return [type(arg).__name__ for arg in args]


async def meet(path):
    """Wait until another process has come here too. Returns what is watched by this one, through epoll."""
    with open(path, "a", encoding="ascii") as file:
        file.write(".")
    while os.stat(path).st_size < 2:
        await asyncio.sleep(0.001)
    watched = []
    for name in os.listdir("/proc/self/fdinfo"):
        try:
            with open(f"/proc/self/fdinfo/{name}", encoding="ascii") as file:
                watched += [(name, line.split()[1]) for line in file if line.startswith("tfd:")]
        except FileNotFoundError:
            pass  # that of the listing
    return os.getpid(), watched


class Namespace:
    @staticmethod
    def inner(x):
        return x + 1


def install_handler(path):
    state["path"] = path


def note_error(error):
    with open(state["path"], "a", encoding="utf-8") as file:
        file.write(f"{type(error).__name__}\n")


def note_finished():
    with open(state["path"], "a", encoding="utf-8") as file:
        file.write("finished\n")
