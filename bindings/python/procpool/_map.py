# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One function for many items: Map, in their order, and Completed, in the order in which they are done."""

from __future__ import annotations

import collections
import itertools
import operator
import time
from typing import (TYPE_CHECKING, Any, AsyncIterator, Callable, Deque, Dict, Generator, Generic, Iterable, Iterator, List,
                    Optional, Tuple, TypeVar)

from . import _loops
from ._chunks import Chunk, run_chunk
from ._dumping import dump_call, prepare_function
from ._mailbox import Mailbox
from ._pickling import qualified_name
from .errors import PicklingError, PoolError, _from_details

if TYPE_CHECKING:
    from ._calls import Calls

_T = TypeVar("_T")

# How long a chunk of small items should take, in seconds: long beside what a task costs.
CHUNK_TIME = 0.004
MAX_CHUNK = 1024


def length_hint(iterables: Tuple[Iterable[Any], ...]) -> int:
    """How many items there are, as far as that is known; 0 if it isn't."""
    return min((operator.length_hint(iterable, 0) for iterable in iterables), default=0)


class _Source:
    """The items, cut into chunks of a size that is learnt on the way.

    Where the size is said, it is learnt instead how many chunks have to be under way. Chunks of one item are calls of
    their own, and what is told of them is the result.
    """

    def __init__(self, calls: "Calls", function: Callable[..., Any], items: Iterable[Any], chunk_size: Optional[int],
                 look_ahead: Optional[int], n_items: int) -> None:
        if look_ahead is not None and look_ahead < 1:
            raise ValueError(f"look_ahead is a number of chunks, not {look_ahead}")
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size is a number of items, not {chunk_size}")
        pool = calls._pool
        workers = pool._native.get("max-workers")
        self.named = function
        self.name = qualified_name(function) + "()"
        self.function = prepare_function(function, pool._has_script)
        self.items = iter(items)
        self.is_single = chunk_size == 1
        self._learns_size = chunk_size is None
        self._size = chunk_size or 1
        # So that each worker has several, where their number is known.
        self._max_size = max(1, n_items // (4 * workers)) if n_items else MAX_CHUNK
        self._learns_look_ahead = look_ahead is None and chunk_size is not None
        self._least = 2 * workers * pool._native.get("tasks-per-worker")
        self.look_ahead = look_ahead or self._least
        self._begun = time.perf_counter()
        self._n_done = 0

    def learn(self, outcome: Any) -> None:
        """A chunk is done."""
        if self._learns_look_ahead:
            self._n_done += 1
            if self._n_done >= self.look_ahead:
                self._learn_look_ahead()
        elif self._learns_size and outcome.results:
            wanted = CHUNK_TIME / max(outcome.seconds / len(outcome.results), 1e-7)
            self._size = max(1, min(int(wanted), 4 * self._size, self._max_size, MAX_CHUNK))

    def _learn_look_ahead(self) -> None:
        now = time.perf_counter()
        wanted = 2 * CHUNK_TIME * self._n_done / max(now - self._begun, 1e-7)
        self.look_ahead = max(self._least, min(int(wanted), 4 * self.look_ahead, MAX_CHUNK))
        self._begun, self._n_done = now, 0

    def next(self) -> Optional[Tuple[int, Callable[..., Any], Tuple[Any, ...]]]:
        """How many items the next chunk has, and the call that it is; None at the end."""
        if self.is_single:
            for item in self.items:
                return 1, self.function, item
            return None
        chunk = list(itertools.islice(self.items, self._size))
        return (len(chunk), run_chunk, (self.function, chunk)) if chunk else None

    def explain(self, function: Callable[..., Any], args: Tuple[Any, ...]) -> None:
        """Raise for the item of a chunk that can't be sent."""
        for item in args[1] if function is run_chunk else ():
            dump_call(self.named, item, {}, True)

    def unpack(self, outcome: Any) -> Iterable[Any]:
        """The results of a chunk's items."""
        return (outcome,) if self.is_single else unpack(outcome)


def _blame(error: BaseException, position: int, n_items: int) -> BaseException:
    """Which items a chunk had that was lost."""
    if isinstance(error, PoolError):
        error.items = range(position, position + n_items)
    return error


def unpack(chunk: Chunk) -> Iterator[Any]:
    yield from chunk.results
    if chunk.failure is not None:
        raise _from_details(chunk.failure["message"], chunk.failure)


class Map(Generic[_T]):
    """The results of Pool.map(), in the order of the items: to be awaited, or iterated by async for or by for.

    If a call fails, its exception is raised in its place, and the rest is dropped. If a helper process crashes, the
    exception tells in its attribute items which items were under way in it.
    """

    def __init__(self, calls: "Calls", function: Callable[..., Any], items: Iterable[Any], chunk_size: Optional[int],
                 look_ahead: Optional[int], n_items: int = 0) -> None:
        self._calls = calls
        self._source = _Source(calls, function, items, chunk_size, look_ahead, n_items)
        # How many items, and what is awaited; and how many items were before these.
        self._window: Deque[Tuple[int, Any]] = collections.deque()
        self._position = 0

    def _fill(self, begin: Callable[..., Any]) -> None:
        while len(self._window) < self._source.look_ahead:
            following = self._source.next()
            if following is None:
                return
            n_items, function, args = following
            try:
                self._window.append((n_items, begin(function, args, {}, self._source.name)))
            except PicklingError:
                self._source.explain(function, args)
                raise

    def cancel(self) -> None:
        """Cancel the calls that are under way."""
        while self._window:
            self._window.popleft()[1].cancel()

    def __iter__(self) -> Iterator[_T]:
        try:
            self._fill(self._calls._submit)
            while self._window:
                n_items, future = self._window.popleft()
                try:
                    outcome = future.result()
                except BaseException as error:
                    future.cancel()
                    raise _blame(error, self._position, n_items)
                self._position += n_items
                self._source.learn(outcome)
                self._fill(self._calls._submit)
                yield from self._source.unpack(outcome)
        finally:
            self.cancel()

    async def _iterate(self) -> AsyncIterator[_T]:
        try:
            self._fill(self._calls._begin)
            while self._window:
                n_items, awaitable = self._window.popleft()
                try:
                    outcome = await awaitable
                except PoolError as error:
                    raise _blame(error, self._position, n_items)
                self._position += n_items
                self._source.learn(outcome)
                self._fill(self._calls._begin)
                for value in self._source.unpack(outcome):
                    yield value
        finally:
            self.cancel()

    def __aiter__(self) -> AsyncIterator[_T]:
        return self._iterate()

    async def _collect(self) -> List[Any]:
        return [value async for value in self._iterate()]

    def __await__(self) -> Generator[Any, None, List[_T]]:
        return self._collect().__await__()


class Completed:
    """The results of Pool.as_completed(), each as soon as it is there: to be iterated by async for or by for.

    If a call fails, its exception is raised, and the rest is dropped.
    """

    def __init__(self, calls: "Calls", function: Callable[..., Any], items: Iterable[Any], look_ahead: Optional[int]) -> None:
        self._calls = calls
        self._source = _Source(calls, function, items, 1, look_ahead, 0)
        self._mailbox = Mailbox(calls._pool)
        # By the position of the item.
        self._runs: Dict[int, Any] = {}
        self._position = 0

    def _fill(self) -> None:
        while len(self._runs) < self._source.look_ahead:
            following = self._source.next()
            if following is None:
                return
            _, function, args = following
            sink = self._mailbox.sink(self._position)
            self._calls._pool._ensure_driver(_loops.running_asyncio_loop())
            self._runs[self._position] = self._calls._start_function(function, args, {}, sink, self._source.name)
            self._position += 1

    def _take(self, mail: Tuple[int, Any, Optional[BaseException]]) -> Any:
        position, result, error = mail
        del self._runs[position]
        if error is not None:
            raise _blame(error, position, 1)
        self._source.learn(result)
        self._fill()
        return result

    def cancel(self) -> None:
        """Cancel the calls that are under way."""
        for run in self._runs.values():
            run.cancel()
        self._runs.clear()

    def __iter__(self) -> Iterator[Any]:
        try:
            self._fill()
            while self._runs:
                yield self._take(self._mailbox.get_blocking())
        finally:
            self.cancel()

    async def _iterate(self) -> AsyncIterator[Any]:
        try:
            self._fill()
            while self._runs:
                yield self._take(await self._mailbox.get())
        finally:
            self.cancel()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()
