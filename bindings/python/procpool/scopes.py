# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Pools that needn't be named: one for a scope, or the one that a loop has by default."""

from __future__ import annotations

import functools
import operator
import signal
import sys
import types
from contextvars import ContextVar, Token
from typing import (TYPE_CHECKING, Any, AsyncContextManager, Callable, Coroutine, Generic, Iterable, List, Optional,
                    ParamSpec, TypeVar, Union, overload)


from . import _loops
from ._calls import PICKLE
from ._dumping import _explain, dump_call
from ._pickling import qualified_name
from .errors import PicklingError
from .kinds import Isolation, TaskState

if TYPE_CHECKING:
    from .pool import Pool

_P = ParamSpec("_P")
_T = TypeVar("_T")

_scope: "ContextVar[Pool]" = ContextVar("procpool_scope")


class Cores:
    """CPU cores: so many of them, or those with certain ids.

    As a request it says how many a call gets for itself: (function @ Cores(1))(argument). As the resource of a scope it
    says what such calls draw from: pool_scope(Cores([0, 1])).
    """

    def __init__(self, cores: Union[int, Iterable[int]]) -> None:
        self._ids: Optional[List[int]] = None
        if isinstance(cores, int):
            if cores < 1:
                raise ValueError(f"a number of cores is 1 or greater, not {cores}")
            self._number = cores
            return
        self._ids = sorted(cores)
        if not self._ids or self._ids[0] < 0 or len(set(self._ids)) < len(self._ids):
            raise ValueError(f"the ids of cores are different numbers from 0 on, and at least one, not {self._ids}")
        self._number = len(self._ids)

    def __len__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"Cores({self._number if self._ids is None else self._ids})"

    def _request(self) -> int:
        if self._ids is not None:
            raise ValueError(f"a call asks for a number of cores, not for certain ones as {self!r} does")
        return self._number

    def _resource(self) -> Any:
        import gi
        gi.require_version("Proc", "1")
        from gi.repository import Proc
        return Proc.CoreResource.new(self._number) if self._ids is None else Proc.CoreResource.new_for_ids(self._ids)


def _current_pool() -> "Pool":
    pool = _scope.get(None)
    if pool is not None:
        return pool
    from ._here import here
    return here().default_pool()


# ---- Scopes ----

class _Scope:
    """What pool_scope() returns."""

    def __init__(self, options: Any) -> None:
        self._options = options

    async def __aenter__(self) -> "Pool":
        from .pool import Pool
        self._pool = await Pool(**self._options).__aenter__()
        self._token: "Token[Pool]" = _scope.set(self._pool)
        return self._pool

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> None:
        _scope.reset(self._token)
        await self._pool.__aexit__(kind, error, traceback)


def pool_scope(cores: Optional[Cores] = None, /, **options: Any) -> AsyncContextManager["Pool"]:
    """A pool for what is called within: for subprocify()'s functions and run_sync(), and to be used by itself.

        async with pool_scope(Cores([0, 1])) as pool:
            await (function @ Cores(1))(argument)

    Scopes may be nested: the innermost counts, in the task that has entered it and in those that this one starts. At
    its end, what was called within is done, as at the end of "async with Pool()".

    :param cores: What requests for cores draw from; by default all that this process may use.
    :param options: The pool's options, as Pool takes them.
    """
    if cores is not None:
        options["cores"] = cores._resource()
    return _Scope(options)


# ---- Functions ----

class Subprocified(Generic[_P, _T]):
    """A function that runs in a helper process when it is called; see subprocify()."""

    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], cores: Optional[int] = None) -> None:
        functools.update_wrapper(self, function)
        self._cores = cores

    def __matmul__(self, cores: Cores) -> "Subprocified[_P, _T]":
        """The same function for calls that ask for so many cores."""
        if not isinstance(cores, Cores):
            return NotImplemented
        return Subprocified(self.__wrapped__, cores._request())

    async def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call it in the pool of the scope, or in the loop's default one."""
        pool = _current_pool()
        calls = pool if self._cores is None else pool.options(cores=self._cores)
        wanted = _by_name(self) if pool._has_script or self.__module__ != "__main__" else self.__wrapped__
        try:
            payload = dump_call(_call_wrapped, (wanted, args, kwargs), {}, pool._has_script)
        except PicklingError as error:
            raise _explain(wanted, args, kwargs, error) from error
        waiter = _loops.Waiter(pool)
        waiter.run = calls._start(qualified_name(self.__wrapped__) + "()", payload, PICKLE, waiter.sink)
        return await waiter.wait()  # type: ignore[no-any-return]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        found = _by_name(self)
        if found is self:
            return self.__qualname__
        if isinstance(found, Subprocified) and self._cores is not None:
            return operator.matmul, (found, Cores(self._cores))
        return Subprocified, (self.__wrapped__, self._cores)


def _by_name(function: Subprocified[Any, Any]) -> Any:
    """What of the function can be found by its name where it is called: itself, by which it is decorated, or what it wraps.

    The name of a decorated function is that of the decorated one.
    """
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, Subprocified) and found.__wrapped__ is function.__wrapped__ else function.__wrapped__


def _call_wrapped(function: Any, args: Any, kwargs: Any) -> Any:
    """In the helper process."""
    return (function.__wrapped__ if isinstance(function, Subprocified) else function)(*args, **kwargs)


@overload
def subprocify(function: Callable[_P, Coroutine[Any, Any, _T]], /) -> Subprocified[_P, _T]: ...


@overload
def subprocify(function: Callable[_P, _T], /) -> Subprocified[_P, _T]: ...


def subprocify(function: Callable[..., Any], /) -> Subprocified[Any, Any]:
    """Decorates a function, so that it runs in a helper process when it is called, and its result is awaited.

        @subprocify
        def square(x):
            return x * x

        print(await square(3), await (square @ Cores(1))(4))

    It runs in the pool of the innermost pool_scope(), or in the default pool of the event loop. With @ Cores(n) it has n
    cores for itself, which procpool.current().cores names. What it wraps is its attribute __wrapped__.
    """
    return Subprocified(function)


async def _shielded(outcome: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Await something to its end, even when this is cancelled. asyncio's cancellation comes after that."""
    if _loops.running_asyncio_loop() is None:
        trio = _loops.running_trio()
        if trio is None:
            return await outcome()
        with trio.CancelScope(shield=True):
            return await outcome()
    import asyncio
    task = asyncio.ensure_future(outcome())
    cancelled: Optional[BaseException] = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # which nobody gets to see
        raise cancelled
    return task.result()


class _Killing(_loops.Waiter):
    """Ends the process of the function whose result nobody waits for any more."""

    __slots__ = ()

    def cancel(self) -> None:
        if self.run is not None and self.run.state == TaskState.RUNNING:
            try:
                self.run.send_signal(signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has just ended
        super().cancel()


async def run_sync(function: Callable[..., _T], /, *args: Any, cancellable: bool = False) -> _T:
    """Run a function that isn't async in a helper process, and return its result; as trio.to_thread.run_sync() does it.

    The helper process is one of the innermost pool_scope(), or of the event loop's default pool, and is used again.

    :param cancellable: Whether cancelling ends the function, by killing its process at once. If not, what waits for
        it is cancelled only when the function has ended.
    """
    pool = _current_pool()
    # Whoever may be killed has its process for itself.
    calls: Any = pool.options(isolation=Isolation.EXCLUSIVE) if cancellable else pool
    waiter = (_Killing if cancellable else _loops.Waiter)(pool)
    waiter.run = calls._start_function(function, args, {}, waiter.sink)
    return await (waiter.wait() if cancellable else _shielded(waiter.wait))  # type: ignore[no-any-return]
