/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/dispatcher.h"
#include "host/pool.h"
#include "host/signal-watch.h"
#include "host/waiters.h"

/* Shared by pool.c, which is the object, pool-running.c, which runs tasks, pool-settings.c, which holds what it goes by,
 * pool-counts.c, which tells how full it is, pool-preparing.c, which has workers ready ahead of need, and pool-closing.c,
 * which ends it.
 */
struct _ProcPool
{
  GObject parent_instance;

  pid_t pid;        /* of the process that made it: a fork's copy is of no use */
  guint generation; /* the same, for a quick look */
  ProcReactor *reactor;
  ProcDispatcher *dispatcher;
  ProcSettings settings;

  GListStore *workers;   /* of ProcWorker; changed in emissions only */
  ProcCounts told;       /* the counts as last notified */
  ProcDelivery telling;  /* the notification of the counts */

  gboolean closing;
  ProcDelivery closing_told; /* its notification */
  int closed;            /* atomic: the last helper process is gone */
  ProcWaiters close_waiters; /* who waits for it */
  ProcWaiters room_waiters;  /* who waits for room in the queue */
  ProcWaiters prepare_waiters; /* who waits for workers to be ready */
  GPtrArray *signal_closes;  /* nullable: by which signals it is closed */
};

/* Calls @func with @data by a thread that owns the pool's context: now if that can be this one. */
void proc_pool_enter (ProcPool *self, ProcReactorFunc func, gpointer data);

/* FALSE with %PROC_POOL_ERROR_WRONG_PROCESS in a fork of the process that made the pool. */
gboolean proc_pool_check_process (ProcPool *self, GError **error);

/* In settling: the counts may have changed. */
void proc_pool_counts_changed (ProcPool *self);

/* In settling: workers may have become ready, or never will be. */
void proc_pool_check_prepared (ProcPool *self);

/* Workers that are to be ready won't be. */
void proc_pool_prepare_failed (ProcPool *self, const GError *error);

/* The last helper process is gone. */
void proc_pool_closed (ProcPool *self);

enum
{
  PROP_0,
  PROP_LAUNCHER,
  PROP_CORES,
  PROP_MIN_WORKERS,
  PROP_MAX_WORKERS,
  PROP_TASKS_PER_WORKER,
  PROP_MAX_TASKS_PER_WORKER,
  PROP_MAX_WORKER_MEMORY,
  PROP_IDLE_TIMEOUT,
  PROP_STARTUP_TIMEOUT,
  PROP_CANCEL_GRACE,
  PROP_FRAME_TIMEOUT,
  PROP_MAX_QUEUED,
  PROP_MAX_MESSAGE,
  PROP_MAX_FDS,
  PROP_MAX_LOG_RATE,
  PROP_WAIT_AWAKE,
  PROP_SCHEDULING,
  PROP_INITIALIZER,
  PROP_INITIALIZER_ARGUMENTS,
  PROP_FINALIZER,
  PROP_WORKERS,
  PROP_N_WORKERS,
  PROP_N_IDLE,
  PROP_N_QUEUED,
  PROP_N_RUNNING,
  PROP_CLOSED,
  N_PROPS
};

extern GParamSpec *proc_pool_properties[N_PROPS];
