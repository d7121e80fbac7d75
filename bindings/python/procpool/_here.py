# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What belongs to one run of an event loop: its default pool, which is closed with it, and its own processes' number."""

from __future__ import annotations

import os
from typing import Any, AsyncGenerator, Callable, Dict, Optional

from . import _loops
from .kinds import CloseMode
from .pool import Pool

MAX_PROCESSES = 16

# By the loop of asyncio, or by trio's token.
_all: Dict[Any, "Here"] = {}


def _max_processes() -> int:
    text = os.environ.get("PROCPOOL_MAX_WORKERS", "")
    return int(text) if text.isdecimal() and int(text) else MAX_PROCESSES


class Here:
    #: What limits the number of processes.
    slots: Any
    new_event: Callable[[], Any]

    def __init__(self, loop: Any) -> None:
        self._pool: Optional[Pool] = None
        self._loop = loop

    def default_pool(self) -> Pool:
        if self._pool is None:
            self._pool = Pool()
            self._close_at_end()
        return self._pool

    def _close_at_end(self) -> None:
        raise NotImplementedError

    def end(self) -> Optional[Pool]:
        """Returns the pool that is to be closed."""
        _all.pop(self._loop, None)
        pool, self._pool = self._pool, None
        return pool


class _AsyncioHere(Here):
    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        import asyncio
        self.slots = asyncio.Semaphore(_max_processes())
        self.new_event = asyncio.Event
        self._end: Any = None

    async def _wait_for_end(self) -> AsyncGenerator[None, None]:
        # asyncio.run() closes what generators are left, while the loop still turns.
        try:
            yield
        finally:
            pool = self.end()
            if pool is not None:
                await pool.aclose(CloseMode.KILL)

    def _close_at_end(self) -> None:
        self._end = self._wait_for_end()
        try:
            self._end.__anext__().send(None)
        except StopIteration:
            pass  # it has reached its yield


class _TrioHere(Here):
    def __init__(self, loop: Any, trio: Any) -> None:
        super().__init__(loop)
        self._trio = trio
        self.slots = trio.Semaphore(_max_processes())
        self.new_event = trio.Event

    async def _wait_for_end(self) -> None:
        try:
            await self._trio.sleep_forever()
        finally:
            # The system task that has turned the pool's context ends as this one does.
            pool = self.end()
            if pool is not None:
                pool.close(CloseMode.KILL)

    def _close_at_end(self) -> None:
        self._trio.lowlevel.spawn_system_task(self._wait_for_end)


def _forget_closed_loops() -> None:
    for loop, here in list(_all.items()):
        if isinstance(here, _AsyncioHere) and loop.is_closed():
            pool = here.end()
            if pool is not None:
                pool.close(CloseMode.KILL)


def here() -> Here:
    """What belongs to the loop that runs in this thread."""
    loop = _loops.running_asyncio_loop()
    trio = None if loop is not None else _loops.running_trio()
    key: Any = loop if trio is None else trio.lowlevel.current_trio_token()
    if key is None:
        raise RuntimeError("neither asyncio nor trio is running here: use a procpool.Pool")
    found = _all.get(key)
    if found is None:
        _forget_closed_loops()
        found = _all[key] = _AsyncioHere(loop) if trio is None else _TrioHere(key, trio)
    return found
