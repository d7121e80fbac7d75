# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One function for many items: Map, in their order, and Completed, in the order in which they are done."""

from __future__ import annotations

import collections
import itertools
import operator
from typing import (TYPE_CHECKING, Any, AsyncIterator, Callable, Deque, Dict, Generator, Generic, Iterable, Iterator, List,
                    Optional, Tuple, TypeVar)

from . import _loops
from ._chunks import Chunk, run_chunk
from ._dumping import dump_call, prepare_function
from ._mailbox import Mailbox
from ._pickling import qualified_name
from .errors import PoolError, _from_details

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
    """The items, cut into chunks of a size that is learnt on the way."""

    def __init__(self, calls: "Calls", function: Callable[..., Any], items: Iterable[Any], chunk_size: Optional[int],
                 look_ahead: Optional[int], n_items: int) -> None:
        pool = calls._pool
        workers = pool._native.get("max-workers")
        self._calls = calls
        self._name = qualified_name(function) + "()"
        self._function = prepare_function(function, pool._has_script)
        self._items = iter(items)
        self._fixed = chunk_size
        self._size = chunk_size or 1
        self._position = 0
        # So that each worker has several, where their number is known.
        self._max = max(1, n_items // (4 * workers)) if n_items else MAX_CHUNK
        if look_ahead is not None and look_ahead < 1:
            raise ValueError(f"look_ahead is a number of chunks, not {look_ahead}")
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size is a number of items, not {chunk_size}")
        self.look_ahead = look_ahead or 2 * workers * pool._native.get("tasks-per-worker")

    def learn(self, chunk: Chunk) -> None:
        if self._fixed is None and chunk.results:
            wanted = CHUNK_TIME / max(chunk.seconds / len(chunk.results), 1e-7)
            self._size = max(1, min(int(wanted), 4 * self._size, self._max, MAX_CHUNK))

    def start(self, begin: Callable[[str, Any], Any]) -> Optional[Tuple[range, Any]]:
        """Start the call of the next chunk. Returns the positions of its items, or None at the end."""
        items = list(itertools.islice(self._items, self._size))
        if not items:
            return None
        positions = range(self._position, self._position + len(items))
        self._position = positions.stop
        payload = dump_call(run_chunk, (self._function, items), {}, True)
        return positions, begin(self._name, payload)


def _blame(error: BaseException, positions: range) -> BaseException:
    """Which items a chunk had that was lost."""
    if isinstance(error, PoolError):
        error.items = positions
    return error


def _unpack(chunk: Chunk) -> Iterator[Any]:
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
        self._window: Deque[Tuple[range, Any]] = collections.deque()

    def _fill(self, begin: Callable[[str, Any], Any]) -> None:
        while len(self._window) < self._source.look_ahead:
            started = self._source.start(begin)
            if started is None:
                return
            self._window.append(started)

    def cancel(self) -> None:
        """Cancel the calls that are under way."""
        while self._window:
            self._window.popleft()[1].cancel()

    def __iter__(self) -> Iterator[_T]:
        def begin(name: str, payload: Any) -> Any:
            return self._calls._submit(name, payload, 0)

        try:
            self._fill(begin)
            while self._window:
                positions, future = self._window.popleft()
                try:
                    chunk = future.result()
                except BaseException as error:
                    future.cancel()
                    raise _blame(error, positions)
                self._source.learn(chunk)
                self._fill(begin)
                yield from _unpack(chunk)
        finally:
            self.cancel()

    async def _iterate(self) -> AsyncIterator[_T]:
        def begin(name: str, payload: Any) -> Any:
            return _loops.Waiter(self._calls._pool).start(self._calls, name, payload)

        try:
            self._fill(begin)
            while self._window:
                positions, waiter = self._window.popleft()
                try:
                    chunk = await waiter.wait()
                except PoolError as error:
                    raise _blame(error, positions)
                self._source.learn(chunk)
                self._fill(begin)
                for value in _unpack(chunk):
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
        self._runs: Dict[int, Any] = {}

    def _begin(self, name: str, payload: Any) -> Any:
        number = self._source._position
        sink = self._mailbox.sink(number)
        self._runs[number] = self._calls._start(name, payload, 0, sink)

    def _fill(self) -> None:
        while len(self._runs) < self._source.look_ahead:
            if self._source.start(self._begin) is None:
                return

    def _take(self, mail: Tuple[int, Any, Optional[BaseException]]) -> Any:
        number, chunk, error = mail
        del self._runs[number]
        if error is not None:
            raise _blame(error, range(number - 1, number))
        self._fill()
        return next(_unpack(chunk))

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
