/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "macros.h"

G_BEGIN_DECLS

/**
 * PROC_POOL_ERROR:
 *
 * The error domain of the library; its codes are #ProcPoolError.
 */
#define PROC_POOL_ERROR (proc_pool_error_quark ())

/**
 * ProcPoolError:
 * @PROC_POOL_ERROR_FAILED: something went wrong that no other code names.
 * @PROC_POOL_ERROR_CLOSED: the pool is closed, or was closed before the task was done.
 * @PROC_POOL_ERROR_SPAWN_FAILED: the helper's program can't be started: missing, forbidden, not a
 *   program, or the system is out of processes or descriptors.
 * @PROC_POOL_ERROR_START_FAILED: the helper's program started and ended, or stayed silent beyond
 *   #ProcPool:startup-timeout, before it was ready.
 * @PROC_POOL_ERROR_INITIALIZER_FAILED: the helper's initializer returned an error.
 * @PROC_POOL_ERROR_CRASHED: the helper process ended, or dropped its channel, while the task ran.
 * @PROC_POOL_ERROR_CRASH_LOOP: helper processes die again and again without finishing a task; the
 *   pool has stopped replacing them for a while.
 * @PROC_POOL_ERROR_TIMED_OUT: the task ran longer than #ProcTask:timeout.
 * @PROC_POOL_ERROR_PROTOCOL: the helper sent what the protocol doesn't allow.
 * @PROC_POOL_ERROR_VERSION: the helper speaks another version of the protocol.
 * @PROC_POOL_ERROR_UNKNOWN_FUNCTION: the helper has no function of that name.
 * @PROC_POOL_ERROR_INVALID_ARGUMENTS: the function, or the pool, refuses the arguments.
 * @PROC_POOL_ERROR_TOO_LARGE: arguments or a result above the limit on one message.
 * @PROC_POOL_ERROR_QUEUE_FULL: #ProcPool:max-queued tasks are waiting already.
 * @PROC_POOL_ERROR_NOT_ENOUGH_CORES: the task asks for more cores than there are at all, or an
 *   acquisition for more than are free.
 * @PROC_POOL_ERROR_INVALID_CORES: a set of cores that can't be: a core twice, a negative or
 *   unknown one, or one released that wasn't acquired.
 * @PROC_POOL_ERROR_INVALID_MODULE: a loadable module can't be opened or has no
 *   `proc_module_add_functions`.
 * @PROC_POOL_ERROR_REMOTE: the function failed with an error whose domain this process doesn't
 *   know; the message begins with the domain's name.
 * @PROC_POOL_ERROR_NO_REPLY: the function dropped its #ProcInvocation without a reply.
 * @PROC_POOL_ERROR_DESCRIPTORS: file descriptors of a message were lost: too many are open here.
 * @PROC_POOL_ERROR_WRONG_PROCESS: the pool was made by another process, of which this is a fork.
 *
 * What can go wrong with a pool, a task or a helper. A function's own errors keep their domain and
 * code where this process knows the domain.
 */
typedef enum
{
  PROC_POOL_ERROR_FAILED,
  PROC_POOL_ERROR_CLOSED,
  PROC_POOL_ERROR_SPAWN_FAILED,
  PROC_POOL_ERROR_START_FAILED,
  PROC_POOL_ERROR_INITIALIZER_FAILED,
  PROC_POOL_ERROR_CRASHED,
  PROC_POOL_ERROR_CRASH_LOOP,
  PROC_POOL_ERROR_TIMED_OUT,
  PROC_POOL_ERROR_PROTOCOL,
  PROC_POOL_ERROR_VERSION,
  PROC_POOL_ERROR_UNKNOWN_FUNCTION,
  PROC_POOL_ERROR_INVALID_ARGUMENTS,
  PROC_POOL_ERROR_TOO_LARGE,
  PROC_POOL_ERROR_QUEUE_FULL,
  PROC_POOL_ERROR_NOT_ENOUGH_CORES,
  PROC_POOL_ERROR_INVALID_CORES,
  PROC_POOL_ERROR_INVALID_MODULE,
  PROC_POOL_ERROR_REMOTE,
  PROC_POOL_ERROR_NO_REPLY,
  PROC_POOL_ERROR_DESCRIPTORS,
  PROC_POOL_ERROR_WRONG_PROCESS,
} ProcPoolError;

PROC_AVAILABLE_IN_1_0
GQuark proc_pool_error_quark (void);

G_END_DECLS
