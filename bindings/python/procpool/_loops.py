# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Who turns a pool's context, and who waits for a result: asyncio, trio, GLib's main loop, or a thread.

A driver turns the context. A sink waits for one outcome: it has done(), set_result() and set_exception(), as futures
have, and is told by the thread of the driver.
"""

from __future__ import annotations

import concurrent.futures
import select
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from ._native import Context, Outcome, Run

if TYPE_CHECKING:
    import asyncio

    from .pool import Pool

_T = TypeVar("_T")

RUNNING = 2  # of TaskState


def running_asyncio_loop() -> Optional["asyncio.AbstractEventLoop"]:
    """The asyncio loop that runs in this thread, if any; without importing asyncio for it."""
    asyncio = sys.modules.get("asyncio")
    return asyncio._get_running_loop() if asyncio is not None else None


def running_trio() -> Any:
    """The trio module if trio runs in this thread."""
    trio = sys.modules.get("trio")
    if trio is None:
        return None
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return None
    return trio


# ---- Drivers ----

class AsyncioDriver:
    """Turns a context from an asyncio loop, which waits for the context's one descriptor."""

    def __init__(self, context: Context, loop: "asyncio.AbstractEventLoop") -> None:
        self.context = context
        self.loop = loop
        self.thread = threading.get_ident()
        self._timer: Optional["asyncio.TimerHandle"] = None
        loop.add_reader(context.fileno(), context.turn)
        context.attach(self._schedule)
        context.begin(self._set_timer)

    def _schedule(self) -> None:
        self.loop.call_soon(self.context.turn)

    def _set_timer(self, milliseconds: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(milliseconds / 1000, self.context.on_time)

    @property
    def alive(self) -> bool:
        return self.loop.is_running()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.loop.is_closed():
            self.loop.remove_reader(self.context.fileno())
        self.context.attach(None)


class TrioDriver:
    """Turns a context from a system task of trio."""

    loop = None

    def __init__(self, context: Context, trio: Any) -> None:
        self.context = context
        self.trio = trio
        self.token = trio.lowlevel.current_trio_token()
        self.thread = threading.get_ident()
        self._scope = trio.CancelScope()
        self._over = False
        context.attach(context.wakeup)
        trio.lowlevel.spawn_system_task(self._serve)

    async def _serve(self) -> None:
        trio = self.trio
        try:
            with self._scope:
                while not self._over:
                    with trio.CancelScope() as scope:
                        await self._turn_until_time(scope)
        finally:
            self._over = True

    async def _turn_until_time(self, scope: Any) -> None:
        """Until the scope's deadline, which may come too early, so that those that move on cost nothing."""
        descriptor = self.context.fileno()
        while not self._over:
            timeout = self.context.dispatch()
            if timeout >= 0:
                scope.deadline = min(scope.deadline, self.trio.current_time() + timeout / 1000)
            await self.trio.lowlevel.wait_readable(descriptor)

    @property
    def alive(self) -> bool:
        return not self._over

    def stop(self) -> None:
        self._over = True
        self._scope.cancel()
        self.context.attach(None)


class ThreadDriver:
    """Turns a context in a thread of its own, for programs without an event loop."""

    loop = None

    def __init__(self, context: Context) -> None:
        self.context = context
        context.attach(None)
        self._thread = threading.Thread(target=context.serve, name="procpool", daemon=True)
        self._thread.start()
        self.thread = self._thread.ident

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self.context.stop()
        if self._thread is not threading.current_thread():
            self._thread.join()


class GLibDriver:
    """For a context that a main loop of GLib's turns."""

    loop = None
    alive = True

    def __init__(self, context: Context) -> None:
        self.context = context
        self.thread = threading.get_ident()

    def stop(self) -> None:
        pass


# ---- Sinks ----

class CrossThreadSink:
    """For an asyncio future of another thread than the driver's."""

    __slots__ = ("_future", "_loop")

    def __init__(self, future: "asyncio.Future[Any]", loop: "asyncio.AbstractEventLoop") -> None:
        self._future = future
        self._loop = loop

    def done(self) -> bool:
        return self._loop.is_closed()

    def set_result(self, value: Any) -> None:
        self._loop.call_soon_threadsafe(self._set, self._future.set_result, value)

    def set_exception(self, exception: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._set, self._future.set_exception, exception)

    def _set(self, setter: Callable[[Any], None], value: Any) -> None:
        if not self._future.done():
            setter(value)


class TrioSink:
    """What one task of trio waits for; may be done before anybody does."""

    __slots__ = ("_trio", "_token", "_task", "_done", "_value", "_exception")

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._task: Any = None
        self._done = False
        self._value: Any = None
        self._exception: Optional[BaseException] = None

    def done(self) -> bool:
        return self._done

    def set_result(self, value: Any) -> None:
        self._tell(value, None)

    def set_exception(self, exception: BaseException) -> None:
        self._tell(None, exception)

    def _tell(self, value: Any, exception: Optional[BaseException]) -> None:
        self._value, self._exception, self._done = value, exception, True
        if running_trio() is not None:
            self._wake()
        else:
            self._token.run_sync_soon(self._wake)

    def _wake(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            self._trio.lowlevel.reschedule(task)

    async def wait(self, cancel: Optional[Callable[[], Any]] = None) -> Any:
        """The outcome. When the waiting is cancelled, cancel() is called."""
        if not self._done:
            def abort(raise_cancel: Any) -> Any:
                self._task = None
                if cancel is not None:
                    cancel()
                return self._trio.lowlevel.Abort.SUCCEEDED

            self._task = self._trio.lowlevel.current_task()
            await self._trio.lowlevel.wait_task_rescheduled(abort)
        if self._exception is not None:
            raise self._exception
        return self._value


class Future(concurrent.futures.Future[_T]):
    """The outcome of Pool.submit(): a concurrent.futures.Future that can be cancelled while its task runs, too."""

    def __init__(self, driver: Any) -> None:
        super().__init__()
        self._procpool_driver = driver
        #: The task behind it.
        self.run: Optional[Run] = None

    def cancel(self) -> bool:
        """Cancel the task, whether it waits or runs. Returns False if it is done already."""
        if not super().cancel():
            return False
        self.set_running_or_notify_cancel()
        if self.run is not None:
            self.run.cancel()
        return True

    def running(self) -> bool:
        """Whether the task is in a helper process just now."""
        return not self.done() and self.run is not None and self.run.state == RUNNING

    def set_result(self, result: Any) -> None:
        """For the pool alone."""
        try:
            super().set_result(result)
        except concurrent.futures.InvalidStateError:
            pass  # cancelled by another thread just now

    def set_exception(self, exception: Optional[BaseException]) -> None:
        """For the pool alone."""
        try:
            super().set_exception(exception)
        except concurrent.futures.InvalidStateError:
            pass

    def result(self, timeout: Optional[float] = None) -> _T:
        """The result; waits for it. Raises what the function has raised."""
        drive_until_done(self, self._procpool_driver, timeout)
        return super().result(timeout)

    def exception(self, timeout: Optional[float] = None) -> Optional[BaseException]:
        """What the function has raised, or None; waits for it."""
        drive_until_done(self, self._procpool_driver, timeout)
        return super().exception(timeout)

    def __await__(self) -> Any:
        """For coroutines: those that asyncio runs, and those that procpool.glib.start() has started."""
        if running_asyncio_loop() is not None:
            import asyncio
            return (yield from asyncio.wrap_future(self).__await__())
        if not self.done():
            yield self
        return super().result(0)


class Waiter:
    """One outcome to be awaited, in whatever loop runs here. It may come before anybody awaits it."""

    __slots__ = ("sink", "run", "_loop", "_future")

    def __init__(self, pool: "Pool") -> None:
        self.run: Optional[Run] = None
        self._loop = running_asyncio_loop()
        self._future: Any
        self.sink: Any
        driver = pool._ensure_driver(self._loop)
        if self._loop is not None:
            if driver.loop is self._loop:
                self._future = self.sink = Outcome(self._loop)
            else:
                self._future = self._loop.create_future()
                self.sink = CrossThreadSink(self._future, self._loop)
            return
        trio = running_trio()
        self._future = self.sink = TrioSink(trio) if trio is not None else Future(driver)

    def cancel(self) -> None:
        if self.run is not None:
            self.run.cancel()
        if self._loop is not None:
            self._future.cancel()

    def __await__(self) -> Any:
        return self.wait().__await__()

    async def wait(self) -> Any:
        """The outcome. If the waiting is cancelled, so is what is waited for."""
        try:
            return await (self._future.wait() if isinstance(self._future, TrioSink) else self._future)
        except BaseException:
            self.cancel()
            raise


def drive_until_done(future: Any, driver: Any, timeout: Optional[float]) -> None:
    """Turn the context here if nobody else can: this is the thread that does so, and it is about to block."""
    if future.done() or driver is None or driver.thread != threading.get_ident():
        return
    if isinstance(driver, GLibDriver):
        raise RuntimeError("this would block the main loop that does the pool's work: use add_done_callback()")
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        due = driver.context.dispatch()
        if future.done() or end is not None and time.monotonic() >= end:
            return
        waits = [wait for wait in (due / 1000 if due >= 0 else None,
                                   max(0.0, end - time.monotonic()) if end is not None else None) if wait is not None]
        select.select([driver.context.fileno()], [], [], min(waits, default=None))
