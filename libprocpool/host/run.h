/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/core-resource.h"
#include "host/reactor.h"
#include "host/task.h"

/* One run of a task: what the caller waits for. Private.
 *
 * It is resolved exactly once, whoever comes first: a reply, a crash, a timeout, a cancellation, the pool's
 * end. When it is resolved while its function still runs, it lives on, abandoned, until the worker is
 * free again.
 */
typedef struct _ProcRun ProcRun;

typedef void (*ProcRunDone) (ProcRun *run, gpointer user_data);

struct _ProcRun
{
  gatomicrefcount ref_count;
  ProcReactor *reactor;
  ProcTask *task;

  /* Who is told: a caller's callback, the library's own code, or neither of them: then a thread that
   * blocks.
   */
  GTask *gtask;
  ProcRunDone done;
  gpointer done_data;

  guint64 id;                /* on the wire; never used twice by a pool */

  GCancellable *cancellable; /* nullable */
  gulong cancelled_handler;

  gboolean queued;
  GList link;                /* in its lane while queued */
  guint64 sequence;          /* its place in the queue, first come first served */
  guint n_bypassed;          /* how many younger runs were let past, for want of cores */

  gpointer slot;             /* what runs it, while it does */
  ProcCoreResource *cores;   /* what it holds of the pool's, while it does */
  ProcTimer *timeout_timer;
  ProcTimer *grace_timer;    /* from telling the function to stop to ending its helper */
  gboolean stopped;          /* the function was told to stop */
  guint n_moved;             /* how often it was taken to another worker, since its own had gone before it was begun */
  gboolean ahead;            /* with a worker, but waits there for another to be done: still queued to the eye */
  gboolean recalled;         /* and is to come back */
  gpointer owner;            /* the dispatcher, once it is submitted */

  int resolved;              /* atomic, for a blocking run's thread; the outcome is the task's */
  ProcDelivery outcome;      /* how it is told */
  ProcDelivery changes;      /* how the task's changes on the way are told */
  gboolean unseen;           /* nobody has the task in hand: its changes needn't be told */
};

ProcRun *proc_run_new (ProcReactor *reactor, ProcTask *task, GCancellable *cancellable);
/* @gtask is taken: it returns the outcome. */
void proc_run_set_gtask (ProcRun *self, GTask *gtask);
/* @done is called once, as an emission, in the reactor's context. */
void proc_run_set_done (ProcRun *self, ProcRunDone done, gpointer user_data);
ProcRun *proc_run_ref (ProcRun *self);
void proc_run_unref (ProcRun *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcRun, proc_run_unref)

/* Takes @error. @value: NULL for a function without a result. Does nothing but free if it is resolved. */
void proc_run_resolve_value (ProcRun *self, GVariant *value);
void proc_run_resolve_error (ProcRun *self, GError *error, GVariant *details);
gboolean proc_run_is_resolved (ProcRun *self);

/* The task has changed: tells so when the caller's code may run. */
void proc_run_note_changes (ProcRun *self);
