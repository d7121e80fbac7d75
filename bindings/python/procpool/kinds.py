# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The kinds of things: what a pool and its tasks can be told, and what they tell."""

from __future__ import annotations

import enum
from typing import NamedTuple, Optional, Tuple


class Isolation(enum.IntEnum):
    """What a task shares its helper process with."""

    #: Any worker with room for one more task.
    SHARED = 0
    #: A worker that runs nothing else meanwhile.
    EXCLUSIVE = 1
    #: A fresh helper process for this task alone, which ends with it.
    DEDICATED = 2


class Scheduling(enum.IntEnum):
    """Which of the idle workers takes the next task."""

    #: The one that was busy last.
    LIFO = 0
    #: The one that has rested longest.
    ROUND_ROBIN = 1


class CloseMode(enum.IntEnum):
    """What becomes of the tasks of a pool that is being closed."""

    #: Every task, waiting and running, is done first.
    DRAIN = 0
    #: Tasks that wait fail with Closed, those that run are cancelled.
    CANCEL = 1
    #: All tasks fail with Closed, and the helper processes are killed.
    KILL = 2


class TaskState(enum.IntEnum):
    """How far a task is."""

    NEW = 0
    QUEUED = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4
    CANCELLED = 5


class WorkerState(enum.IntEnum):
    """What a worker is doing."""

    STARTING = 0
    IDLE = 1
    BUSY = 2
    STOPPING = 3
    GONE = 4


class Worker(NamedTuple):
    """A helper process, as it was when Pool.workers() was called."""

    #: Its process id.
    pid: int
    state: WorkerState
    #: How many tasks it has done.
    tasks_done: int
    #: Its resident memory, in bytes.
    memory: int
    #: The ids of the cores that it is pinned to; empty if it isn't.
    cores: Tuple[int, ...]
    #: What tells its program from earlier builds of it, if anything; see procpool.helper.main().
    build_id: Optional[str]
