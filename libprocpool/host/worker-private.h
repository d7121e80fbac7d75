/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gunixfdlist.h>

#include "base/awake.h"
#include "host/reactor.h"
#include "host/template.h"
#include "host/worker.h"
#include "launch/launcher.h"
#include "wire/frame.h"

/* The pool's side of a worker. By the thread that owns the pool's main context.
 *
 * A worker knows no task: what it runs is for it an id and a pointer of its owner's, and it reports upward
 * through this table. None of these is called from within a call into the worker.
 */
typedef struct
{
  /* Started and initialized. */
  void (*ready) (ProcWorker *worker, gpointer user_data);
  /* The end of @run, with a value (NULL for a function without a result) or an error. */
  void (*replied) (ProcWorker *worker, gpointer run, GVariant *value, const GError *error, GVariant *details, gboolean retire, gpointer user_data);
  void (*progress) (ProcWorker *worker, gpointer run, double fraction, const char *text, gpointer user_data);
  /* @value: NULL if it was lost, since this process has no room for descriptors. */
  void (*output) (ProcWorker *worker, gpointer run, GVariant *value, gpointer user_data);
  /* @run was recalled and isn't begun: it is the owner's again. FALSE if it wasn't recalled. */
  gboolean (*returned) (ProcWorker *worker, gpointer run, gpointer user_data);
  /* @run: NULL if the record belongs to no task. */
  void (*log) (ProcWorker *worker, gpointer run, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields, gpointer user_data);
  /* Its process is gone, with all it had to say; runs without a reply are lost. @error: why, NULL if it
   * was asked to finish and did. The last call.
   */
  void (*ended) (ProcWorker *worker, const GError *error, gpointer user_data);
} ProcWorkerCallbacks;

typedef struct
{
  ProcTemplate *template; /* which forks it; NULL: the launcher's program is started */
  guint startup_timeout; /* milliseconds; 0: none; for the finalizer too */
  guint cancel_grace;    /* milliseconds, between SIGTERM and SIGKILL */
  guint frame_timeout;   /* milliseconds, from a frame's first byte to its last; 0: none */
  guint64 max_message;   /* bytes of one payload */
  guint max_fds;         /* of one message of the helper's */
  guint max_log_rate;    /* records a second; 0: any number */
  const char *initializer;
  GVariant *initializer_arguments;
  const char *finalizer;
} ProcWorkerOptions;

/* A worker whose process is being started. Fails at once only where the host has no descriptors, or the
 * launcher doesn't know what to run. It holds a reference to itself until its process is gone.
 */
ProcWorker *proc_worker_start (ProcReactor *reactor, ProcLauncher *launcher, const ProcWorkerOptions *options, const ProcWorkerCallbacks *callbacks, gpointer user_data, GError **error);

/* Calls nothing back any more; the process is asked to finish. */
void proc_worker_detach (ProcWorker *self);

/* FALSE as soon as it was found to be ending or broken; its end is told later. */
gboolean proc_worker_takes_tasks (ProcWorker *self);

/* While @paused it isn't listened to, and what it says waits in its socket, and then in it. Once its process or its
 * channel has ended that is of no effect any more: what is left is limited then.
 */
void proc_worker_set_paused (ProcWorker *self, gboolean paused);

/* Sends a task, to one that takes them. @id is unique for this worker. Fails where the arguments can't be sent, and then the
 * worker is none the worse.
 *
 * With PROC_FRAME_AHEAD it is begun when all those before it have been replied to, and not sent before proc_worker_flush();
 * for small arguments.
 */
gboolean proc_worker_run (ProcWorker *self, guint64 id, gpointer run, const char *function, GVariant *arguments, GUnixFDList *fds, ProcFrameFlags flags, GError **error);
void proc_worker_flush (ProcWorker *self);

/* Whether arguments of tasks that it was given are still being written: what is sent ahead would come before these. */
gboolean proc_worker_has_unsent (ProcWorker *self);

/* Whether there is a processor that it may keep while it waits for what it is sent next. */
void proc_worker_set_spare (ProcWorker *self, gboolean spare);

/* Receives what it says in the next moment; whether it said something. */
gboolean proc_worker_wait_awake (ProcWorker *self, ProcAwake *awake);

/* Asks for a task back that was sent ahead. It comes back, or is replied to as if nothing had been said. */
void proc_worker_recall (ProcWorker *self, guint64 id);

/* Tells the function to stop. FALSE: it was not sent yet, and now won't be: there is no reply to wait for.
 * Otherwise it is replied to all the same, sooner or later.
 */
gboolean proc_worker_cancel (ProcWorker *self, guint64 id);

/* Whether the helper tells which tasks it has begun. */
gboolean proc_worker_tells_begun (ProcWorker *self);

/* When it is gone: whether run @id may have been begun, or is what the helper broke under. TRUE where nobody can tell.
 */
gboolean proc_worker_may_have_begun (ProcWorker *self, guint64 id);

/* Pins the helper to @ids from its next task on; none: to where it was at its start. */
void proc_worker_pin (ProcWorker *self, const int *ids, gsize n_ids);

/* No more tasks: lets those in flight finish, runs the finalizer, and goes. */
void proc_worker_finish (ProcWorker *self);

/* SIGTERM to its process group, and SIGKILL after the grace. */
void proc_worker_end (ProcWorker *self);

/* SIGKILL to its process group. */
void proc_worker_end_now (ProcWorker *self);
