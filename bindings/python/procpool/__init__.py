# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Functions in helper processes, for asyncio, trio, GLib and plain threads.

    import asyncio
    import procpool

    def work(n):
        return sum(i * i for i in range(n))

    async def main():
        async with procpool.Pool() as pool:
            print(await pool.run(work, 10_000))

    asyncio.run(main())

    Pool                                helper processes that are used again and again
    Executor                            the same as a concurrent.futures.Executor
    run_in_process, open_in_process     one function in a process of its own
    pool_scope, subprocify, run_sync    pools that needn't be named
    Buffer                              shared memory for large values, which aren't copied on their way
    current, retire                     for functions in a helper process
    PoolError and those below it        what can go wrong
    procpool.glib                       coroutines on a main loop of GLib's
    procpool.helper                     the program of a helper process
"""

# What there is is loaded when it is first used: a helper process needs little of it.

# The module typing is none of a helper process's business. This is how a type checker knows it, too.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._launch import launcher as launcher
    from ._loops import Future as Future
    from ._map import Completed as Completed
    from ._map import Map as Map
    from ._native import Buffer as Buffer
    from ._streams import Stream as Stream
    from .errors import *
    from .executor import BrokenExecutor as BrokenExecutor
    from .executor import Executor as Executor
    from .helper import Invocation as Invocation
    from .helper import current as current
    from .helper import retire as retire
    from .kinds import CloseMode as CloseMode
    from .kinds import Isolation as Isolation
    from .kinds import Scheduling as Scheduling
    from .kinds import TaskState as TaskState
    from .kinds import Worker as Worker
    from .kinds import WorkerState as WorkerState
    from .pool import Options as Options
    from .pool import Pool as Pool
    from .processes import Process as Process
    from .processes import open_in_process as open_in_process
    from .processes import run_in_process as run_in_process
    from .scopes import Cores as Cores
    from .scopes import pool_scope as pool_scope
    from .scopes import run_sync as run_sync
    from .scopes import Subprocified as Subprocified
    from .scopes import subprocify as subprocify

_HOMES = {
    "Options": "pool", "Pool": "pool",
    "CloseMode": "kinds", "Isolation": "kinds", "Scheduling": "kinds", "TaskState": "kinds", "Worker": "kinds",
    "WorkerState": "kinds",
    "BrokenExecutor": "executor", "Executor": "executor",
    "Process": "processes", "open_in_process": "processes", "run_in_process": "processes",
    "Cores": "scopes", "Subprocified": "scopes", "pool_scope": "scopes", "run_sync": "scopes", "subprocify": "scopes",
    "Invocation": "helper", "current": "helper", "retire": "helper",
    "Buffer": "_native", "Completed": "_map", "Future": "_loops", "Map": "_map", "Stream": "_streams", "launcher": "_launch",
}
_HOMES.update(dict.fromkeys("""
    Cancelled Closed CrashLoop Crashed DescriptorsLost InitializerFailed InvalidArguments InvalidCores
    InvalidModule NoReply NotEnoughCores PicklingError PoolError ProtocolError QueueFull RemoteError
    RemoteTraceback SpawnFailed StartFailed TimedOut TooLarge UnknownFunction VersionMismatch
    WrongProcess
""".split(), "errors"))

__all__ = list(_HOMES)


def __dir__() -> "list[str]":
    return [*globals(), *_HOMES]


def __getattr__(name: str) -> "Any":
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module
    value = globals()[name] = getattr(import_module("." + home, __name__), name)
    return value
