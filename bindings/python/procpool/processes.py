# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One function in a process of its own, waited for or in the background, under asyncio or trio."""

from __future__ import annotations

import signal
from typing import (TYPE_CHECKING, Any, AsyncContextManager, Callable, Coroutine, Generic, List, Optional, ParamSpec, Tuple,
                    TypeVar, overload)

from . import _interrupts
from .errors import PicklingError
from .kinds import CloseMode, Isolation, TaskState

if TYPE_CHECKING:
    from types import TracebackType

    from ._native import Run

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Process(Generic[_T]):
    """A process that runs one function; see open_in_process()."""

    # How it comes about: the pool has just this one process, so that it is gone when the pool is closed. This object
    # is the sink of the pool's only task: it is told in the loop that has made it.

    def __init__(self, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Any, new_event: Callable[[], Any]) -> None:
        from ._dumping import _explain, dump_call
        from ._pickling import qualified_name
        from .pool import Pool
        self._new_event = new_event
        # Set, and replaced, whenever something has changed.
        self._changed = new_event()
        self._states: List[TaskState] = [TaskState.QUEUED]
        self._value: Any = None
        self._error: Optional[BaseException] = None
        self._is_closing = False
        self._is_gone = False
        self._pid: Optional[int] = None
        self._pool = Pool(max_workers=1)
        try:
            payload = dump_call(_interrupts.run, (function, args, kwargs), {}, self._pool._has_script)
        except PicklingError as error:
            raise _explain(function, args, kwargs, error) from error
        alone = self._pool.options(isolation=Isolation.DEDICATED, progress=self._on_begun)
        self._run: "Run" = alone._start(qualified_name(function) + "()", payload, 0, self)

    # ---- what happens ----

    def _enter(self, state: Optional[TaskState]) -> None:
        if state is not None:
            self._states.append(state)
        changed, self._changed = self._changed, self._new_event()
        changed.set()

    def _on_begun(self, fraction: float, text: str) -> None:
        # Progress that the function itself tells may take the place of the first.
        if self.state < TaskState.RUNNING:
            self._pid = self._run.pid
            self._enter(TaskState.RUNNING)

    def done(self) -> bool:
        """Whether the function has returned or failed, or its process has died."""
        return self.state > TaskState.RUNNING

    def set_result(self, value: _T) -> None:
        """For the pool alone."""
        self._value = value
        self._enter(TaskState.SUCCEEDED)

    def set_exception(self, error: BaseException) -> None:
        """For the pool alone."""
        self._error = error
        self._enter(TaskState.FAILED)

    # ---- what there is to know ----

    @property
    def pid(self) -> int:
        """The process id."""
        if self._pid is None:
            raise RuntimeError("the process hasn't been started")
        return self._pid

    @property
    def state(self) -> TaskState:
        """How far the function is: QUEUED, RUNNING, and in the end SUCCEEDED or FAILED."""
        return self._states[-1]

    @property
    def states(self) -> Tuple[TaskState, ...]:
        """The states it has been in, in their order."""
        return tuple(self._states)

    @property
    def returncode(self) -> Optional[int]:
        """The exit code of the process once it is gone; the negative of the signal if one has ended it; None before."""
        status = self._run.exit_status if self._is_gone else None
        if status is None:
            return None
        code, number = status
        return -number if number else code

    @property
    def error(self) -> Optional[BaseException]:
        """What the function has raised, or what has become of its process; None if it returned, or hasn't ended."""
        return self._error

    @property
    def result(self) -> _T:
        """What the function has returned. Raises what it has raised, and RuntimeError if it hasn't ended."""
        if self._error is not None:
            raise self._error
        if not self.done():
            raise RuntimeError(f"the function that runs in process {self._pid} hasn't returned yet: await wait() first")
        return self._value  # type: ignore[no-any-return]

    # ---- waiting ----

    async def wait_for_state(self, state: TaskState) -> TaskState:
        """Return when it has reached that state, or one that comes after it. Returns the state it is in then."""
        while self.state < state:
            await self._changed.wait()
        return self.state

    async def wait(self) -> None:
        """Return when the function has ended and its process is gone. Raises nothing of the function's."""
        await self.wait_for_state(TaskState.SUCCEEDED)
        await self._close(CloseMode.DRAIN)

    async def wait_result(self) -> _T:
        """Return what the function returns, when its process is gone; or raise what it raises."""
        await self.wait()
        return self.result

    async def _close(self, mode: CloseMode) -> None:
        if self._is_closing:
            while not self._is_gone:
                await self._changed.wait()
            return
        self._is_closing = True
        try:
            await self._pool.aclose(mode)
        finally:
            self._is_gone = True
            self._enter(None)

    # ---- signals ----

    def send_signal(self, number: int) -> None:
        """Send a signal to the process. Nothing happens if the function has ended."""
        if not self.done():
            self._run.send_signal(number)

    def interrupt(self) -> None:
        """Send SIGINT: the function is raised a KeyboardInterrupt, wherever it is, which it may handle."""
        self.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __repr__(self) -> str:
        return f"<Process {self._run_name()} pid={self._pid} {self.state.name}>"

    def _run_name(self) -> str:
        return str(self._run.get("function")).removesuffix("()")


class _Opening(Generic[_T]):
    """What open_in_process() returns."""

    def __init__(self, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Any) -> None:
        self._call = (function, args, kwargs)

    async def __aenter__(self) -> Process[_T]:
        from ._here import here
        self._here = here()
        await self._here.slots.acquire()
        try:
            self._process: Process[_T] = Process(*self._call, self._here.new_event)
            try:
                await self._process.wait_for_state(TaskState.RUNNING)
            except BaseException:
                await self._process._close(CloseMode.CANCEL)
                raise
            if TaskState.RUNNING not in self._process.states:
                await self._process.wait()
                raise self._process.error or RuntimeError("the function never began")
        except BaseException:
            self._here.slots.release()
            raise
        return self._process

    async def __aexit__(self, kind: Any, error: Optional[BaseException], traceback: "Optional[TracebackType]") -> None:
        process = self._process
        try:
            if error is None:
                try:
                    await process.wait()
                except BaseException:
                    await process._close(CloseMode.CANCEL)
                    raise
            else:
                await process._close(CloseMode.CANCEL)
        finally:
            self._here.slots.release()


@overload
def open_in_process(function: Callable[_P, Coroutine[Any, Any, _T]], /,
                    *args: _P.args, **kwargs: _P.kwargs) -> AsyncContextManager[Process[_T]]: ...


@overload
def open_in_process(function: Callable[_P, _T], /,
                    *args: _P.args, **kwargs: _P.kwargs) -> AsyncContextManager[Process[_T]]: ...


def open_in_process(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncContextManager[Process[Any]]:
    """Run a function, which may be async, in the background, in a process of its own.

        async with open_in_process(fib, 10) as process:
            print(process.pid)
        print(process.result)

    Entering returns when the function has begun. Leaving waits until it has ended and its process is gone; what it
    has raised is raised by process.result. If the block is left by an exception, the function is cancelled as any
    task is.

    There are as many such processes at once, in one event loop, as the environment variable PROCPOOL_MAX_WORKERS says,
    or else 16; more wait for one to end. asyncio or trio must be running.
    """
    return _Opening(function, args, kwargs)


@overload
async def run_in_process(function: Callable[_P, Coroutine[Any, Any, _T]], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...


@overload
async def run_in_process(function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...


async def run_in_process(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Run a function, which may be async, in a process of its own, and return its result.

    As open_in_process(), for those who have nothing to do meanwhile. Returns when the process is gone.
    """
    async with open_in_process(function, *args, **kwargs) as process:
        pass
    return process.result
