# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Async functions in a helper process: asyncio, or a loop that works like it, beside the helper's own main loop."""

import asyncio

from . import _native, helper

_loop = None
_watched = None


def _wait(descriptor, milliseconds):
    """Run the loop until there is something to do for the helper."""
    global _watched
    if _watched is None:
        _loop.add_reader(descriptor, _loop.stop)
        _watched = descriptor
    timer = _loop.call_later(milliseconds / 1000, _loop.stop) if milliseconds >= 0 else None
    try:
        _loop.run_forever()
    except KeyboardInterrupt:
        pass  # between two tasks: it has nobody to go to
    finally:
        if timer is not None:
            timer.cancel()


def _get_loop(factory):
    global _loop
    if _loop is None:
        _loop = (factory or asyncio.new_event_loop)()
        asyncio.set_event_loop(_loop)
        _native.set_waiter(_wait)
    return _loop


async def _iterate(native, values):
    report = helper.Invocation(native)
    async for value in values:
        report.output(value)


def _finish(native, task):
    native.unwatch()
    token = helper._current.set(native)
    try:
        helper.reply_now(native, task.result())
    except BaseException as error:
        helper.fail(native, error)
    finally:
        helper._current.reset(token)


def start(native, awaitable, factory):
    """Have the loop await what a function has returned, and reply with what comes of it."""
    loop = _get_loop(factory)
    if hasattr(awaitable, "__aiter__"):
        awaitable = _iterate(native, awaitable)
    # It takes a copy of the context as it is now, in which the invocation is the current one.
    task = asyncio.ensure_future(awaitable, loop=loop)
    native.watch(lambda: loop.call_soon_threadsafe(task.cancel))
    task.add_done_callback(lambda task: _finish(native, task))


def shut_down():
    """Cancel what functions have left in the loop."""
    left = asyncio.all_tasks(_loop)
    for task in left:
        task.cancel()
    if left:
        _loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    _loop.run_until_complete(_loop.shutdown_asyncgens())
