# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The helper process's side of open_in_process(): tells when the function begins, and lets signals reach it.

A progress of nothing tells that it begins.

A function that isn't async is interrupted by Python itself. An async one that waits is not: the loop would be. So
there the loop handles the signal, and raises the exception where the function waits.
"""

import types

from . import helper


class _Guard:
    """Passes interrupts on to a coroutine."""

    def __init__(self, asyncio):
        self._asyncio = asyncio
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._is_interrupted = False

    def _interrupt(self):
        self._is_interrupted = True
        self._task.cancel()

    @types.coroutine
    def _step(self, coroutine):
        error = None
        while True:
            try:
                awaited = coroutine.send(None) if error is None else coroutine.throw(error)
            except StopIteration as end:
                return end.value
            error = None
            try:
                yield awaited
            except BaseException as raised:
                error = raised
                if self._is_interrupted and isinstance(raised, self._asyncio.CancelledError):
                    self._is_interrupted = False
                    self._task.uncancel()
                    error = KeyboardInterrupt()

    async def run(self, coroutine):
        from signal import SIGINT
        self._loop.add_signal_handler(SIGINT, self._interrupt)
        helper.current().progress(0)
        try:
            return await self._step(coroutine)
        finally:
            self._loop.remove_signal_handler(SIGINT)


async def _run_async(function, args, kwargs):
    import asyncio
    return await _Guard(asyncio).run(function(*args, **kwargs))


def run(function, args, kwargs):
    """Call the function."""
    from inspect import iscoroutinefunction
    if iscoroutinefunction(function):
        return _run_async(function, args, kwargs)
    helper.current().progress(0)
    return function(*args, **kwargs)
