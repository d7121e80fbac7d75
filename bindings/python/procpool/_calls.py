# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What can be done with a pool's functions."""

from __future__ import annotations

from typing import (TYPE_CHECKING, Any, Callable, Coroutine, Dict, Iterable, Optional, ParamSpec, Sequence, Tuple, TypeVar,
                    Union, overload)

from . import _loops, _native
from ._dumping import dump_call
from ._pickling import qualified_name

if TYPE_CHECKING:
    import os
    import subprocess

    from ._map import Completed, Map
    from ._streams import Stream
    from .pool import Pool

_P = ParamSpec("_P")
_T = TypeVar("_T")

# How a task's arguments and result are written.
PICKLE = 0
PLAIN = 1

# How many partial values wait to be taken, if nobody says otherwise.
MAX_OUTPUTS = 16


def _tuples(iterables: Tuple[Iterable[Any], ...]) -> Iterable[Tuple[Any, ...]]:
    """The arguments of one call after the other."""
    return zip(*iterables)


class Calls:
    """What can be done with a pool's functions, with certain options."""

    _pool: "Pool"
    _options: Optional[Tuple[Any, ...]] = None
    _max_outputs = MAX_OUTPUTS

    # ---- one call ----

    @overload
    async def run(self, function: Callable[_P, Coroutine[Any, Any, _T]], /,
                  *args: _P.args, **kwargs: _P.kwargs) -> _T: ...

    @overload
    async def run(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...

    async def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a function in a helper process, and return its result.

        The function may be async. Raises what the function raises, or a PoolError. Cancelling the task that awaits
        this cancels the function.
        """
        return await self._begin(function, args, kwargs)

    def _begin(self, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any],
               name: Optional[str] = None) -> Any:
        """Start a call. Returns what is to be awaited, and may be cancelled."""
        pool = self._pool
        loop = _loops.running_asyncio_loop()
        if loop is not None and pool._has_script and pool._ensure_driver(loop).loop is loop:
            outcome = pool._native.call(loop, None, function, args, kwargs, self._options)
            if outcome is not None:
                return outcome
        waiter = _loops.Waiter(pool)
        waiter.run = self._start_function(function, args, kwargs, waiter.sink, name)
        return waiter

    async def call(self, name: str, /, *args: Any) -> Any:
        """Call a function of the helper by its name, whatever language the helper is written in.

        Arguments and result are plain values: None, bool, int, float, str, bytes, list, tuple, dict with str keys,
        and GLib.Variant; and a Buffer among the arguments, which arrives as bytes.
        """
        waiter = _loops.Waiter(self._pool)
        waiter.run = self._start(name, args, PLAIN, waiter.sink)
        return await waiter.wait()

    def _start_function(self, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any], sink: Any,
                        name: Optional[str] = None) -> _native.Run:
        """Start a call of a function; the sink gets its outcome. The pool has a driver."""
        pool = self._pool
        run = pool._native.call(None, sink, function, args, kwargs, self._options) if pool._has_script else None
        if run is None:
            payload = dump_call(function, args, kwargs, pool._has_script)
            run = pool._native.run(name or qualified_name(function) + "()", payload, PICKLE, sink, self._options)
        return run  # type: ignore[no-any-return]

    def _start(self, name: str, payload: Any, codec: int, sink: Any) -> _native.Run:
        """Start a task; the sink gets its outcome."""
        self._pool._ensure_driver(_loops.running_asyncio_loop())
        run = self._pool._native.run(name, payload, codec, sink, self._options)
        if isinstance(sink, _loops.Future):
            sink.run = run
        return run

    @overload
    def submit(self, function: Callable[_P, Coroutine[Any, Any, _T]], /,
               *args: _P.args, **kwargs: _P.kwargs) -> "_loops.Future[_T]": ...

    @overload
    def submit(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "_loops.Future[_T]": ...

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "_loops.Future[Any]":
        """Run a function in a helper process, and return a concurrent.futures.Future at once.

        Without an event loop, the pool's work is done in a thread of its own, where the callbacks of the future are
        called too.
        """
        return self._submit(function, args, kwargs)

    def submit_call(self, name: str, /, *args: Any) -> "_loops.Future[Any]":
        """Call a function of the helper by its name, as call() does, and return a future at once."""
        future: _loops.Future[Any] = _loops.Future(self._pool._ensure_driver(_loops.running_asyncio_loop()))
        self._start(name, args, PLAIN, future)
        return future

    async def command(self, command: Sequence[Union[str, "os.PathLike[str]"]], /, *,
                      input: Any = None) -> "subprocess.CompletedProcess[bytes]":
        """Run an external program in a helper process, and return what came of it: returncode, stdout and stderr.

        All that holds for other tasks holds for it: it waits its turn, may have a timeout and cores, and is ended with its
        helper process. A returncode that isn't 0 raises nothing; see CompletedProcess.check_returncode().

        :param command: The program, looked for in PATH unless it has a slash, and its arguments.
        :param input: Bytes for its standard input, which is empty otherwise.
        """
        from subprocess import CompletedProcess
        waiter = _loops.Waiter(self._pool)
        waiter.run = self._pool._native.command(command, input, waiter.sink, self._options)
        status, signal, stdout, stderr = await waiter.wait()
        return CompletedProcess(command, -signal if signal else status, stdout, stderr)

    def _submit(self, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any],
                name: Optional[str] = None) -> "_loops.Future[Any]":
        future: _loops.Future[Any] = _loops.Future(self._pool._ensure_driver(_loops.running_asyncio_loop()))
        future.run = self._start_function(function, args, kwargs, future, name)
        return future

    # ---- many calls ----

    @overload
    def map(self, function: Callable[..., Coroutine[Any, Any, _T]], /,
            *iterables: Iterable[Any], chunk_size: Optional[int] = None, look_ahead: Optional[int] = None) -> "Map[_T]": ...

    @overload
    def map(self, function: Callable[..., _T], /, *iterables: Iterable[Any], chunk_size: Optional[int] = None,
            look_ahead: Optional[int] = None) -> "Map[_T]": ...

    def map(self, function: Callable[..., Any], /, *iterables: Iterable[Any], chunk_size: Optional[int] = None,
            look_ahead: Optional[int] = None) -> "Map[Any]":
        """Call a function for each item, as the built-in map() does; with several iterables, for each tuple of them.

        Awaited it gives a list of the results. Iterated, by async for or by for, it gives one after the other, in the
        order of the items, with only a few under way: look_ahead chunks. Small items go several at a time: chunk_size
        of them, by default as many as take some milliseconds. With a chunk_size, look_ahead is by default as many chunks
        as are done in some milliseconds; chunks of 1 are calls of their own.
        """
        from ._map import Map, length_hint
        return Map(self, function, _tuples(iterables), chunk_size, look_ahead, length_hint(iterables))

    def starmap(self, function: Callable[..., Any], iterable: Iterable[Iterable[Any]], /, *,
                chunk_size: Optional[int] = None, look_ahead: Optional[int] = None) -> "Map[Any]":
        """As map(), for items that are the arguments already: function(*item)."""
        from ._map import Map, length_hint
        return Map(self, function, map(tuple, iterable), chunk_size, look_ahead, length_hint((iterable,)))

    def as_completed(self, function: Callable[..., Any], /, *iterables: Iterable[Any],
                     look_ahead: Optional[int] = None) -> "Completed":
        """As map(), iterated in the order in which the calls are done, each item by itself."""
        from ._map import Completed
        return Completed(self, function, _tuples(iterables), look_ahead)

    def stream(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Stream":
        """Run a function that has several values to give, and iterate them as they come, by async for or by for.

        They are what a generator yields, sync or async, or what a function hands out by current().output(). What the
        function returns is in the stream's result attribute at the end.

        A function that is faster than who iterates is held up: see max_outputs of options(). It has its helper process
        for itself.
        """
        from ._streams import Stream
        return Stream(self, function, args, kwargs)
