# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The pool: functions run in helper processes."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from . import _launch, _loops, _native
from ._calls import MAX_OUTPUTS, Calls
from ._dumping import flat, flat_function
from ._pickling import _dumps, qualified_name
from .kinds import CloseMode, Isolation, Scheduling, Worker, WorkerState

_T = TypeVar("_T")

_STDIO = {"inherit": 0, "discard": 1, "log": 2}


def _milliseconds(seconds: Optional[float], name: str) -> int:
    if seconds is None:
        return 0
    if seconds < 0 or seconds != seconds:
        raise ValueError(f"{name} is a number of seconds, not {seconds}")
    if seconds > 4294967:
        return 4294967295
    return max(1, round(seconds * 1000)) if seconds else 0


class Options(Calls):
    """A pool with options for the tasks that are run by it; see Pool.options()."""

    def __init__(self, pool: "Pool", options: Tuple[Any, ...], max_outputs: int) -> None:
        self._pool = pool
        self._options = options
        self._max_outputs = max_outputs


class Pool(Calls):
    """A pool of helper processes that run functions.

    To be used in an "async with" or "with" statement, or closed by aclose() or close(). Durations are seconds.

    :param max_workers: How many helper processes there may be at once. By default what the environment variable
        PROCPOOL_MAX_WORKERS says, or else the number of cores that this process may use.
    :param min_workers: How many are started ahead of need, and kept when idle.
    :param tasks_per_worker: How many tasks one may run at once; more than 1 is for async functions.
    :param max_tasks_per_worker: After how many tasks one is replaced; None for never.
    :param max_worker_memory: Resident memory, in bytes, above which one is replaced; None for any.
    :param idle_timeout: After how long with nothing to do one is ended; None for never.
    :param startup_timeout: How long one may take to start and to run the initializer; None for any time.
    :param cancel_grace: How long a function that was told to stop may take before its process is ended.
    :param frame_timeout: How long one may take over one message before it is taken for hung; None for any time.
    :param max_queued: How many tasks may wait before QueueFull is raised; None for any number.
    :param max_message: The most bytes that arguments or a result may have.
    :param max_fds: How many file descriptors a message of one may have: one for the shared memory of a large result;
        with 0 results of any size come through the socket.
    :param wait_awake: Whether both sides may wait for one another without sleeping while tasks of some microseconds go
        one after the other.
    :param max_log_rate: How many log records of one are passed on in a second; None for all.
    :param scheduling: Which of the idle ones takes the next task.
    :param cores: What tasks that ask for cores draw them from: a Proc.CoreResource.
    :param initializer: A function that each helper process runs first, with the arguments initargs.
    :param finalizer: A function that each runs when it ends in good order.
    :param error_handler: A function that each calls with an exception that a task has raised.
    :param loop_factory: What makes the event loop for async functions, as uvloop.new_event_loop.
    :param start_method: "spawn" starts an interpreter for each helper process; "fork-server" starts one, which is then
        forked, so that the next ones are there at once and share its memory.
    :param preload: The names of modules that are imported before that.
    :param memory_limit: How many bytes of address space one may have; None for any number.
    :param executable: The Python that runs the helper processes.
    :param launcher: What runs instead: a Proc.Launcher, or the command of a helper program as a list of str. Such a
        helper has functions of its own, for call().
    :param environment: Variables for the helper processes, a dict; by default this process's own.
    :param cwd: Their folder.
    :param stdin: "inherit" or "discard" (the default).
    :param stdout: "inherit" (the default), "discard", or "log": each line printed is a log record.
    :param stderr: "log" (the default), "inherit" or "discard".
    :param logging: Whether log records of the helper processes are given to this process's logging.
    :param glib: Whether a GLib main loop that this thread runs is to do the pool's work.
    """

    def __init__(self, max_workers: Optional[int] = None, *,
                 min_workers: int = 0,
                 tasks_per_worker: int = 1,
                 max_tasks_per_worker: Optional[int] = None,
                 max_worker_memory: Optional[int] = None,
                 idle_timeout: Optional[float] = 60.0,
                 startup_timeout: Optional[float] = 30.0,
                 cancel_grace: float = 2.0,
                 frame_timeout: Optional[float] = 30.0,
                 max_queued: Optional[int] = None,
                 max_message: int = 1 << 30,
                 max_fds: int = 1,
                 wait_awake: bool = True,
                 max_log_rate: Optional[int] = 1000,
                 scheduling: Scheduling = Scheduling.LIFO,
                 cores: Any = None,
                 initializer: Optional[Callable[..., Any]] = None,
                 initargs: Iterable[Any] = (),
                 finalizer: Optional[Callable[[], Any]] = None,
                 error_handler: Optional[Callable[[BaseException], Any]] = None,
                 loop_factory: Optional[Callable[[], Any]] = None,
                 start_method: str = "spawn",
                 preload: Iterable[str] = (),
                 memory_limit: Optional[int] = None,
                 executable: Optional[str] = None,
                 launcher: Union[Sequence[str], Any, None] = None,
                 environment: Optional[Mapping[str, str]] = None,
                 cwd: Optional[Union[str, "os.PathLike[str]"]] = None,
                 stdin: str = "discard",
                 stdout: str = "inherit",
                 stderr: str = "log",
                 logging: bool = True,
                 glib: bool = False) -> None:
        loading = getattr(sys.modules.get("__main__"), "_procpool_loading", None)
        if loading is not None:
            raise RuntimeError(f"a pool is made by what gives {loading} its value, which a function in a helper process "
                               "refers to: hand the function what it needs as an argument")
        self._driver: Any = None
        self._lock = threading.Lock()
        script = _launch.main_script()
        self._has_script = script is not None
        self._glib = glib
        self._context = _native.Context(glib=glib)

        settings: Dict[str, Any] = {}
        if environment is not None:
            settings["environment"] = [f"{key}={value}" for key, value in environment.items()]
        if cwd is not None:
            settings["cwd"] = os.fspath(cwd)
        for name, value in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            if value not in _STDIO or (name, value) == ("stdin", "log"):
                raise ValueError(f"{name} is one of {', '.join(_STDIO)}, not {value!r}")
            settings[name] = _STDIO[value]
        if start_method not in ("spawn", "fork-server"):
            raise ValueError(f"start_method is spawn or fork-server, not {start_method!r}")
        if start_method == "fork-server":
            settings["fork-server"] = True
        if memory_limit is not None:
            settings["memory-limit"] = memory_limit
        own = launcher is None
        command = _launch.command(executable, tuple(preload)) if own else list(launcher) if isinstance(launcher, (list, tuple)) else launcher
        self._native = _native.Pool(self._context, command, settings)

        numbers = {
            "min-workers": min_workers, "tasks-per-worker": tasks_per_worker,
            "max-tasks-per-worker": max_tasks_per_worker or 0, "max-worker-memory": max_worker_memory or 0,
            "idle-timeout": _milliseconds(idle_timeout, "idle_timeout"),
            "startup-timeout": _milliseconds(startup_timeout, "startup_timeout"),
            "cancel-grace": _milliseconds(cancel_grace, "cancel_grace"),
            "frame-timeout": _milliseconds(frame_timeout, "frame_timeout"),
            "max-queued": max_queued or 0, "max-message": max_message, "max-fds": max_fds, "wait-awake": wait_awake,
            "max-log-rate": max_log_rate or 0, "scheduling": int(scheduling),
        }
        if max_workers is not None:
            numbers["max-workers"] = max_workers
        for name, number in numbers.items():
            self._native.set(name, number)
        if cores is not None:
            self._native.set("cores", cores)
        if own:
            self._configure(script, initializer, tuple(initargs), finalizer, error_handler, loop_factory,
                            logging, stdout == "log")
        elif initializer or finalizer or error_handler or loop_factory:
            raise ValueError("initializer, finalizer, error_handler and loop_factory are for helper processes in Python "
                             "that the pool starts itself")
        if logging:
            from . import _logs
            self._native.set_on_log(_logs.pass_on)
        self._finalizer = weakref.finalize(self, _abandon, self._native, self._context)

    def _configure(self, script: Any, initializer: Any, initargs: Tuple[Any, ...], finalizer: Any, error_handler: Any,
                   loop_factory: Any, logging: bool, prints: bool) -> None:
        """What each helper process is told first."""
        from .helper import start
        config: Dict[str, Any] = {"path": _launch.search_path(), "main": script}
        name = "procpool.helper:start()"
        if initializer is not None:
            name = qualified_name(initializer) + "()"
            config["initializer"] = name, flat(initializer, initargs, self._has_script)
        for key, function in (("finalizer", finalizer), ("error_handler", error_handler), ("loop_factory", loop_factory)):
            if function is not None:
                config[key] = qualified_name(function) + "()", flat_function(function, self._has_script)
        if logging:
            import logging as module
            config["log_level"] = module.getLogger().level or module.WARNING
            config["prints"] = prints
        self._native.set_initializer(name, _dumps((start, (config,), {}), 5))
        self._native.set("finalizer", "procpool.helper:finish")

    # Not an attribute, lest the pool keep itself.
    @property
    def _pool(self) -> "Pool":  # type: ignore[override]
        return self

    # ---- who does the work ----

    def _ensure_driver(self, loop: Any) -> Any:
        driver = self._driver
        if driver is not None and (driver.loop is loop and loop is not None or driver.alive):
            return driver
        if self._context.is_foreign():
            self._context.enter(_ignore)  # raises WrongProcess
        with self._lock:
            if self._driver is None or not self._driver.alive:
                if self._driver is not None:
                    self._driver.stop()
                self._driver = self._make_driver(loop)
            return self._driver

    def _make_driver(self, loop: Any) -> Any:
        if self._glib:
            return _loops.GLibDriver(self._context)
        if loop is not None:
            return _loops.AsyncioDriver(self._context, loop)
        trio = _loops.running_trio()
        if trio is not None:
            return _loops.TrioDriver(self._context, trio)
        return _loops.ThreadDriver(self._context)

    def _in_context(self, function: Callable[[], _T]) -> _T:
        """Call a function where the pool's context is turned."""
        self._ensure_driver(_loops.running_asyncio_loop())
        done = threading.Event()
        outcome: List[Any] = []

        def call() -> None:
            try:
                outcome.append(function())
            except BaseException as error:
                outcome.extend([None, error])
            done.set()

        self._context.enter(call)
        done.wait()
        if len(outcome) > 1:
            raise outcome[1]
        return outcome[0]  # type: ignore[no-any-return]

    # ---- options and settings ----

    def options(self, *, name: Optional[str] = None, cores: Optional[int] = None, priority: Optional[int] = None,
                timeout: Optional[float] = None, max_attempts: Optional[int] = None,
                isolation: Optional[Isolation] = None, max_outputs: int = MAX_OUTPUTS, fds: Optional[Sequence[Any]] = None,
                progress: Optional[Callable[[float, str], Any]] = None,
                output: Optional[Callable[[Any], Any]] = None) -> Options:
        """The same pool with options for the tasks that are run by it: pool.options(timeout=3).run(function).

        :param name: A name for people, which is told in errors.
        :param cores: How many cores each task gets for itself.
        :param priority: Tasks of a higher one are run first; 0 by default.
        :param timeout: After how many seconds of running a task fails with TimedOut.
        :param max_attempts: How often a task is tried that is lost to a crash; 1 by default.
        :param isolation: What a task shares its helper process with.
        :param max_outputs: How many partial values of stream() may wait to be taken before the function is held up.
        :param fds: File descriptors for the function, which finds them in current().fds.
        :param progress: Called with what the function tells by current().progress(): a fraction and a text.
        :param output: Called with each partial value.
        """
        if max_outputs < 1:
            raise ValueError(f"max_outputs is a number of values, not {max_outputs}")
        return Options(self, (name, cores, priority, None if timeout is None else _milliseconds(timeout, "timeout"),
                              max_attempts, None if isolation is None else int(isolation), None, fds, progress, output),
                       max_outputs)

    def _get(self, name: str) -> Any:
        return self._in_context(lambda: self._native.get(name))

    @property
    def max_workers(self) -> int:
        """How many helper processes there may be at once. May be set at any time."""
        return self._get("max-workers")  # type: ignore[no-any-return]

    @max_workers.setter
    def max_workers(self, value: int) -> None:
        self._in_context(lambda: self._native.set("max-workers", value))

    @property
    def min_workers(self) -> int:
        """How many helper processes are kept when idle. May be set at any time."""
        return self._get("min-workers")  # type: ignore[no-any-return]

    @min_workers.setter
    def min_workers(self, value: int) -> None:
        self._in_context(lambda: self._native.set("min-workers", value))

    @property
    def n_workers(self) -> int:
        """How many helper processes there are."""
        return self._get("n-workers")  # type: ignore[no-any-return]

    @property
    def n_idle(self) -> int:
        """How many of them have nothing to do."""
        return self._get("n-idle")  # type: ignore[no-any-return]

    @property
    def n_queued(self) -> int:
        """How many tasks wait."""
        return self._get("n-queued")  # type: ignore[no-any-return]

    @property
    def n_running(self) -> int:
        """How many tasks run."""
        return self._get("n-running")  # type: ignore[no-any-return]

    @property
    def closed(self) -> bool:
        """Whether it is closed, or being closed."""
        return self._get("closed")  # type: ignore[no-any-return]

    def workers(self) -> List[Worker]:
        """What there is to know of the helper processes at this moment."""
        described = self._in_context(self._native.workers)
        return [Worker(pid, WorkerState(state), tasks_done, memory, cores, build_id)
                for pid, state, tasks_done, memory, cores, build_id in described]

    @property
    def proc(self) -> Any:
        """The Proc.Pool behind it, for what GObject introspection can do with it."""
        import gi
        gi.require_version("Proc", "1")
        from gi.repository import Proc  # noqa: F401  the class of what follows
        return self._native.wrap()

    async def prepare(self, n_workers: Optional[int] = None) -> None:
        """Start helper processes ahead of need, and return when so many are ready; by default as many as there may be."""
        await self._wait("prepare", n_workers or self._native.get("max-workers"))

    async def wait_for_room(self) -> None:
        """Return when fewer tasks are waiting than max_queued allows."""
        await self._wait("room", 0)

    async def _wait(self, what: str, number: int) -> None:
        waiter = _loops.Waiter(self)
        self._native.wait(what, number, waiter.sink)
        await waiter.wait()

    def watch_signal(self, number: int, mode: CloseMode = CloseMode.CANCEL) -> None:
        """Have the pool close when SIGTERM, SIGINT or SIGHUP comes to this process, and let the signal have its effect
        only then. If it comes again, the pool is killed.
        """
        self._in_context(lambda: self._native.watch_signal(number, int(mode)))

    # ---- the end ----

    def _start_closing(self, mode: CloseMode, done: Callable[..., Any]) -> None:
        self._ensure_driver(_loops.running_asyncio_loop())
        self._native.close(int(mode), done)

    def _stop_driver(self) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.stop()
        self._finalizer.detach()

    def close(self, mode: CloseMode = CloseMode.DRAIN) -> None:
        """Close the pool, and wait until the last helper process is gone. Does nothing in a fork of this process."""
        if not self._finalizer.alive or self._context.is_foreign():
            return
        future = _loops.Future(None)
        self._start_closing(mode, lambda *error: future.set_result(None))
        future._procpool_driver = self._driver
        future.result()
        self._stop_driver()

    async def aclose(self, mode: CloseMode = CloseMode.DRAIN) -> None:
        """Close the pool, and return when the last helper process is gone. Does nothing in a fork of this process.

        If the waiting is cancelled while tasks are being done, they are cancelled, too.
        """
        if not self._finalizer.alive or self._context.is_foreign():
            return
        loop = _loops.running_asyncio_loop()
        trio = None if loop is not None else _loops.running_trio()
        if loop is not None:
            await self._aclose_asyncio(loop, mode)
        elif trio is not None:
            await self._aclose_trio(trio, mode)
        else:
            future = _loops.Future(None)
            self._start_closing(mode, lambda *error: future.set_result(None))
            await future
        self._stop_driver()

    async def _aclose_asyncio(self, loop: Any, mode: CloseMode) -> None:
        import asyncio
        closed = loop.create_future()
        sink: Any = closed if self._ensure_driver(loop).loop is loop else _loops.CrossThreadSink(closed, loop)
        self._start_closing(mode, lambda *error: sink.done() or sink.set_result(None))
        cancelled = None
        while not closed.done():
            try:
                await asyncio.shield(closed)
            except asyncio.CancelledError as error:
                cancelled = error
                self._native.close(int(CloseMode.CANCEL), _ignore)
        if cancelled is not None:
            raise cancelled

    async def _aclose_trio(self, trio: Any, mode: CloseMode) -> None:
        sink = _loops.TrioSink(trio)
        self._start_closing(mode, lambda *error: sink.set_result(None))
        try:
            await sink.wait()
        finally:
            if not sink.done():
                self._native.close(int(CloseMode.CANCEL), _ignore)
                with trio.CancelScope(shield=True):
                    await sink.wait()

    def __enter__(self) -> "Pool":
        self._ensure_driver(_loops.running_asyncio_loop())
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.close(_mode_after(error))

    async def __aenter__(self) -> "Pool":
        self._ensure_driver(_loops.running_asyncio_loop())
        return self

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> None:
        await self.aclose(_mode_after(error))


def _mode_after(error: Optional[BaseException]) -> CloseMode:
    if error is None:
        return CloseMode.DRAIN
    return CloseMode.KILL if isinstance(error, (KeyboardInterrupt, SystemExit)) else CloseMode.CANCEL


def _ignore(*arguments: Any) -> None:
    pass


def _abandon(native: Any, context: Any) -> None:
    """A pool was dropped, or the program ends."""
    if context.is_foreign():
        return
    native.close(int(CloseMode.KILL), lambda *error: context.stop())
