/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "macros.h"

G_BEGIN_DECLS

/**
 * ProcScheduling:
 * @PROC_SCHEDULING_LIFO: the worker that was busy last: its caches are warm, and the workers that
 *   aren't needed stay idle and end. The default.
 * @PROC_SCHEDULING_ROUND_ROBIN: the worker that has rested longest.
 *
 * Which of the idle workers takes the next task.
 */
typedef enum
{
  PROC_SCHEDULING_LIFO,
  PROC_SCHEDULING_ROUND_ROBIN,
} ProcScheduling;

/**
 * ProcCloseMode:
 * @PROC_CLOSE_DRAIN: every task, queued and running, is done first.
 * @PROC_CLOSE_CANCEL: queued tasks fail with %PROC_POOL_ERROR_CLOSED, running ones are cancelled
 *   and have #ProcPool:cancel-grace to end.
 * @PROC_CLOSE_KILL: all tasks fail with %PROC_POOL_ERROR_CLOSED and the helper processes are killed.
 *
 * What becomes of the tasks of a pool that is being closed.
 */
typedef enum
{
  PROC_CLOSE_DRAIN,
  PROC_CLOSE_CANCEL,
  PROC_CLOSE_KILL,
} ProcCloseMode;

/**
 * ProcIsolation:
 * @PROC_ISOLATION_SHARED: any worker with room for one more task. The default.
 * @PROC_ISOLATION_EXCLUSIVE: a worker that runs nothing else meanwhile, even where
 *   #ProcPool:tasks-per-worker allows more.
 * @PROC_ISOLATION_DEDICATED: a fresh helper process for this task alone, which ends with it.
 *
 * What a task shares its helper process with.
 */
typedef enum
{
  PROC_ISOLATION_SHARED,
  PROC_ISOLATION_EXCLUSIVE,
  PROC_ISOLATION_DEDICATED,
} ProcIsolation;

/**
 * ProcTaskState:
 * @PROC_TASK_STATE_NEW: not yet given to a pool.
 * @PROC_TASK_STATE_QUEUED: waiting for a worker.
 * @PROC_TASK_STATE_RUNNING: in a helper process.
 * @PROC_TASK_STATE_SUCCEEDED: done, with a result.
 * @PROC_TASK_STATE_FAILED: done, with an error.
 * @PROC_TASK_STATE_CANCELLED: done, cancelled by its caller.
 *
 * The states of a #ProcTask. It moves forward only, but for one way back: a running task that is
 * lost to a crash and has attempts left (#ProcTask:max-attempts) is queued again, as is one whose
 * helper process turns out to have ended before the task got there.
 */
typedef enum
{
  PROC_TASK_STATE_NEW,
  PROC_TASK_STATE_QUEUED,
  PROC_TASK_STATE_RUNNING,
  PROC_TASK_STATE_SUCCEEDED,
  PROC_TASK_STATE_FAILED,
  PROC_TASK_STATE_CANCELLED,
} ProcTaskState;

/**
 * ProcWorkerState:
 * @PROC_WORKER_STATE_STARTING: its process is being started, shakes hands or runs the initializer.
 * @PROC_WORKER_STATE_IDLE: ready, with nothing to do.
 * @PROC_WORKER_STATE_BUSY: running at least one task.
 * @PROC_WORKER_STATE_STOPPING: takes no more tasks and will end.
 * @PROC_WORKER_STATE_GONE: its process has ended.
 *
 * The states of a #ProcWorker.
 */
typedef enum
{
  PROC_WORKER_STATE_STARTING,
  PROC_WORKER_STATE_IDLE,
  PROC_WORKER_STATE_BUSY,
  PROC_WORKER_STATE_STOPPING,
  PROC_WORKER_STATE_GONE,
} ProcWorkerState;

/**
 * ProcStdio:
 * @PROC_STDIO_INHERIT: the host's own.
 * @PROC_STDIO_DISCARD: `/dev/null`.
 * @PROC_STDIO_CAPTURE: read by the host, line by line: each line is a #ProcPool::log record, and the
 *   last lines of standard error are told in the error of a crash. Not for standard input.
 *
 * What a helper process has as its standard input, output or error.
 */
typedef enum
{
  PROC_STDIO_INHERIT,
  PROC_STDIO_DISCARD,
  PROC_STDIO_CAPTURE,
} ProcStdio;

/**
 * ProcLauncherFlags:
 * @PROC_LAUNCHER_NONE: none of these.
 * @PROC_LAUNCHER_PASSES_FDS: the channel carries file descriptors, and with them shared memory.
 * @PROC_LAUNCHER_SAME_HOST: helpers run on this machine: a core's number means the same there.
 * @PROC_LAUNCHER_EXIT_STATUS: the started process's exit status is the helper's own.
 *
 * What a #ProcLauncher's helper processes can be counted on for.
 */
typedef enum
{
  PROC_LAUNCHER_NONE = 0,
  PROC_LAUNCHER_PASSES_FDS = 1 << 0,
  PROC_LAUNCHER_SAME_HOST = 1 << 1,
  PROC_LAUNCHER_EXIT_STATUS = 1 << 2,
} ProcLauncherFlags;

G_END_DECLS
