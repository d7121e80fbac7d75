# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A concurrent.futures.Executor.

States: open; broken, when an initializer has failed, after which nothing more is done; shut down, when what was
submitted is still done; closed, when the last helper process is gone.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import itertools
import threading
import weakref
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Callable, Coroutine, Iterable, Iterator, List, Optional, ParamSpec, Set, Tuple, TypeVar, overload

from . import _loops
from ._calls import PICKLE
from ._chunks import run_chunk
from ._dumping import dump_call
from ._map import unpack
from ._pickling import qualified_name
from .errors import InitializerFailed, PicklingError
from .kinds import CloseMode
from .pool import Pool

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Those with something to do: dropped, they are kept until it is done, and so is the program.
_busy: Set["Executor"] = set()


class BrokenExecutor(InitializerFailed, BrokenProcessPool):
    """An executor's initializer has failed: what it was to do fails with this, and so does submit().

    The initializer's own exception is the cause, as far as it could be sent.
    """


class _Future(_loops.Future[_T]):
    """One that can't be cancelled once it runs, as those of other executors."""

    def __init__(self, driver: Any, executor: "weakref.ref[Executor]") -> None:
        super().__init__(driver)
        self._executor = executor

    def cancel(self) -> bool:
        """Cancel the call, if it isn't running yet. Returns False if it is, or is done."""
        return not self.running() and super().cancel()

    def set_exception(self, exception: Optional[BaseException]) -> None:
        """For the executor alone."""
        executor = self._executor()
        if executor is not None and isinstance(exception, InitializerFailed):
            exception = executor._break(exception)
        super().set_exception(exception)


def _chunks(iterables: Tuple[Iterable[Any], ...], size: int) -> Iterator[List[Tuple[Any, ...]]]:
    items = zip(*iterables)
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def _check_count(value: Optional[int], name: str) -> None:
    if value is None:
        return
    if not isinstance(value, int):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value <= 0:
        raise ValueError(f"{name} is greater than 0, not {value}")


class Executor(concurrent.futures.Executor):
    """Runs calls in helper processes, as concurrent.futures.ProcessPoolExecutor does.

    It may be used from any thread, with a loop or without: a thread of its own does its work, and calls the callbacks
    of its futures. To be used in a "with" statement, or ended by shutdown().

    A helper process that crashes fails the call that it was running alone, with Crashed, which names the signal or exit
    code; the executor goes on. Functions may be async, and those of a script need no guard.

    :param max_workers: How many helper processes there may be; by default what the environment variable
        PROCPOOL_MAX_WORKERS says, or else the number of cores that this process may use.
    :param mp_context: For programs that had one. Helper processes are always started anew, so that a context that
        forks is refused.
    :param initializer: A function that each helper process runs first, with the arguments initargs. If it raises,
        all calls that wait fail with BrokenExecutor, and so does submit().
    :param max_tasks_per_child: After how many calls a helper process is replaced; None for never.
    :param options: What else Pool takes, by its names.
    """

    def __init__(self, max_workers: Optional[int] = None, mp_context: Any = None,
                 initializer: Optional[Callable[..., Any]] = None, initargs: Iterable[Any] = (), *,
                 max_tasks_per_child: Optional[int] = None, **options: Any) -> None:
        _check_count(max_workers, "max_workers")
        _check_count(max_tasks_per_child, "max_tasks_per_child")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if mp_context is not None and mp_context.get_start_method() == "fork":
            raise ValueError("helper processes aren't forked from this one: leave mp_context out")
        self._pool = Pool(max_workers, initializer=initializer, initargs=initargs,
                          max_tasks_per_worker=max_tasks_per_child, **options)
        self._driver = self._pool._driver = _loops.ThreadDriver(self._pool._context)
        # Held while it is decided whether a call is taken, and while what is below changes.
        self._mutex = threading.RLock()
        self._pending: Set[_Future[Any]] = set()
        self._is_shut_down = False
        self._broken: Optional[BrokenExecutor] = None
        self._closed = threading.Event()
        _watch_exit()

    # ---- calls ----

    @overload
    def submit(self, fn: Callable[_P, Coroutine[Any, Any, _T]], /,
               *args: _P.args, **kwargs: _P.kwargs) -> "_loops.Future[_T]": ...

    @overload
    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "_loops.Future[_T]": ...

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "_loops.Future[Any]":
        """Have a function called in a helper process, and return a future for what comes of it.

        A call that can't be sent fails through its future, with PicklingError.
        """
        return self._submit(lambda future: self._pool._start_function(fn, args, kwargs, future))

    def _submit_chunk(self, function: Any, chunk: List[Tuple[Any, ...]]) -> "_Future[Any]":
        def start(future: "_Future[Any]") -> Any:
            payload = dump_call(run_chunk, (function, chunk), {}, self._pool._has_script)
            return self._pool._start(qualified_name(function) + "()", payload, PICKLE, future)

        return self._submit(start)

    def _submit(self, start: Callable[["_Future[Any]"], Any]) -> "_Future[Any]":
        future: _Future[Any] = _Future(self._driver, weakref.ref(self))
        with self._mutex:
            self._check_open()
            self._pending.add(future)
            _busy.add(self)
            try:
                future.run = start(future)
            except PicklingError as error:
                future.set_exception(error)
            except BaseException:
                self._forget(future)
                raise
        # A future that somebody keeps doesn't keep the executor.
        this = weakref.ref(self)
        future.add_done_callback(lambda future: _forget_in(this, future))
        return future

    def _check_open(self) -> None:
        if self._broken is not None:
            raise BrokenExecutor(str(self._broken)) from self._broken.__cause__
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")

    def _forget(self, future: Any) -> None:
        with self._mutex:
            self._pending.discard(future)
            if not self._pending and (not self._is_shut_down or self._closed.is_set()):
                _busy.discard(self)

    def map(self, fn: Callable[..., _T], *iterables: Iterable[Any], timeout: Optional[float] = None,
            chunksize: int = 1) -> Iterator[_T]:
        """Call a function for each item, or for each tuple of them, and return an iterator of the results in order.

        All items are taken at once; Pool.map() takes them as results are wanted.

        :param timeout: How many seconds after this call a result may still come; after that the iterator raises
            TimeoutError, and what hasn't begun is cancelled.
        :param chunksize: How many items go to a helper process at a time.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout)
        # The inherited map() asks submit() for its futures.
        chunks = concurrent.futures.Executor.map(_Chunked(self), fn, _chunks(iterables, chunksize), timeout=timeout)  # type: ignore[arg-type,var-annotated]
        return _flatten(chunks)

    # ---- the end ----

    def _break(self, error: InitializerFailed) -> BaseException:
        """Nothing more is done. Returns what the calls fail with."""
        with self._mutex:
            first = self._broken is None
            if first:
                self._broken = BrokenExecutor(str(error))
                self._broken.__cause__ = error.__cause__ or error
            broken = self._broken
            pending = list(self._pending) if first else []
        for future in pending:
            if not future.done():
                _loops.Future.set_exception(future, broken)
                if future.run is not None:
                    future.run.cancel()
        assert broken is not None
        return broken

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, and end the helper processes when those that were taken are done.

        :param wait: Whether to return only when all is done. If not, the program still doesn't end before.
        :param cancel_futures: Whether calls that haven't begun are cancelled.
        """
        with self._mutex:
            first, self._is_shut_down = not self._is_shut_down, True
            pending = list(self._pending)
            if not self._closed.is_set():
                _busy.add(self)
        if self._pool._context.is_foreign():
            return
        if cancel_futures:
            for future in pending:
                future.cancel()
        if first:
            self._pool._native.close(int(CloseMode.DRAIN), self._on_closed)
        if wait and threading.get_ident() != self._driver.thread:
            self._closed.wait()
            self._driver.stop()

    def _on_closed(self, *error: Any) -> None:
        self._pool._stop_driver()
        with self._mutex:
            self._closed.set()
            _busy.discard(self)


def _forget_in(this: "weakref.ref[Executor]", future: Any) -> None:
    executor = this()
    if executor is not None:
        executor._forget(future)


class _Chunked:
    """What the inherited map() takes for an executor: its items are chunks."""

    def __init__(self, executor: Executor) -> None:
        self.submit = executor._submit_chunk


def _flatten(chunks: Iterator[Any]) -> Iterator[Any]:
    try:
        for chunk in chunks:
            yield from unpack(chunk)
    finally:
        chunks.close()  # type: ignore[attr-defined]


def _finish_all() -> None:
    for executor in list(_busy):
        executor.shutdown()


def _watch_exit(_done: List[bool] = []) -> None:
    """Have the program wait for what was submitted. Called when there is a pool, so that this comes before its own end."""
    if not _done:
        _done.append(True)
        atexit.register(_finish_all)
