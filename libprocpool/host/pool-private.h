/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/dispatcher.h"
#include "host/pool.h"

/* Shared by pool.c, which does the work, and pool-settings.c, which holds what it goes by. */
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
  GQueue close_tasks;    /* of GTask, owned: who waits for it */
};

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
  PROP_MAX_LOG_RATE,
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
