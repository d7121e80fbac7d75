# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Values that come one by one from the thread of the driver, for one reader in any loop or in none."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Deque

from . import _loops

if TYPE_CHECKING:
    from .pool import Pool


class _Slot:
    """A sink that puts its outcome into a mailbox, with a key."""

    __slots__ = ("_mailbox", "_key", "_done")

    def __init__(self, mailbox: "Mailbox", key: Any) -> None:
        self._mailbox = mailbox
        self._key = key
        self._done = False

    def done(self) -> bool:
        return self._done

    def set_result(self, value: Any) -> None:
        self._done = True
        self._mailbox.put((self._key, value, None))

    def set_exception(self, exception: BaseException) -> None:
        self._done = True
        self._mailbox.put((self._key, None, exception))


class Mailbox:
    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._items: Deque[Any] = collections.deque()
        self._waiter: Any = None

    def sink(self, key: Any) -> _Slot:
        return _Slot(self, key)

    def put(self, item: Any) -> None:
        self._items.append(item)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def get(self) -> Any:
        while not self._items:
            waiter = _loops.Waiter(self._pool)
            self._waiter = waiter.sink
            # Put there by another thread just before.
            if not self._items:
                await waiter.wait()
        return self._items.popleft()

    def get_blocking(self) -> Any:
        while not self._items:
            future: _loops.Future[None] = _loops.Future(self._pool._ensure_driver(_loops.running_asyncio_loop()))
            self._waiter = future
            if not self._items:
                future.result()
        return self._items.popleft()
