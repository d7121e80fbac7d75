/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/core-resource.h"
#include "host/reactor.h"
#include "host/run.h"
#include "host/worker.h"
#include "launch/launcher.h"

/* Brings queued runs to workers, and starts and ends workers as they are needed. Private: a pool is a
 * public face over one of these.
 *
 * By the thread that owns the reactor's context. It knows no pool: it reports upward through a table, whose
 * functions are emissions (the caller's code may run in them), but for `changed`.
 */
typedef struct _ProcDispatcher ProcDispatcher;

typedef struct
{
  ProcLauncher *launcher;
  ProcCoreResource *cores;
  guint min_workers;
  guint max_workers;
  guint tasks_per_worker;
  guint max_tasks_per_worker; /* 0: any number */
  guint64 max_worker_memory;  /* bytes, 0: any */
  guint idle_timeout;         /* all times in milliseconds, 0: none */
  guint startup_timeout;
  guint cancel_grace;
  guint frame_timeout;
  guint max_queued;           /* 0: any number */
  guint64 max_message;        /* bytes */
  guint max_fds;              /* of one message */
  guint max_log_rate;         /* records a second, 0: any number */
  gboolean wait_awake;
  ProcScheduling scheduling;
  char *initializer;
  GVariant *initializer_arguments;
  char *finalizer;
} ProcSettings;

typedef struct
{
  void (*worker_added) (ProcWorker *worker, gpointer user_data);
  void (*worker_ready) (ProcWorker *worker, gpointer user_data);
  void (*worker_gone) (ProcWorker *worker, gpointer user_data);
  void (*log) (ProcWorker *worker, ProcTask *task, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields, gpointer user_data);
  /* A start has failed, and not for a reason of the moment. Not an emission. */
  void (*start_failed) (const GError *error, gpointer user_data);
  /* The counts may have changed. */
  void (*changed) (gpointer user_data);
  /* After proc_dispatcher_close(): nothing is left. Not an emission. */
  void (*closed) (gpointer user_data);
} ProcDispatcherCallbacks;

typedef struct
{
  guint n_workers;
  guint n_idle;
  guint n_queued;
  guint n_running;
} ProcCounts;

/* The reactor's settle function becomes the dispatcher's. @settings is the caller's, who may change it and
 * then calls proc_reactor_wake().
 */
ProcDispatcher *proc_dispatcher_new (ProcReactor *reactor, ProcSettings *settings, const ProcDispatcherCallbacks *callbacks, gpointer user_data);

/* Ends all workers; nothing is reported any more. No run may be left. */
void proc_dispatcher_free (ProcDispatcher *self);

/* Takes up @run: queues it, starts it, or resolves it with an error. */
void proc_dispatcher_submit (ProcDispatcher *self, ProcRun *run);

/* Resolves @run with @error, which is taken, and stops it wherever it is. */
void proc_dispatcher_stop (ProcDispatcher *self, ProcRun *run, GError *error);

/* No more runs from now on. May be called again with a harsher mode. */
void proc_dispatcher_close (ProcDispatcher *self, ProcCloseMode mode);

ProcCounts proc_dispatcher_count (ProcDispatcher *self);

/* As many workers as that are started, up to max_workers, whether or not there is something to do for them, until
 * another number is set. FALSE if there will be no more workers.
 */
gboolean proc_dispatcher_prepare (ProcDispatcher *self, guint n_workers, GError **error);

/* Those that are ready and stay, busy or idle. */
guint proc_dispatcher_count_ready (ProcDispatcher *self);
