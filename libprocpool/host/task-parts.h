/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/task-private.h"

/* Shared by the files of the task: task.c, which is the object and what it is to do, task-needs.c, which holds what it needs,
 * and task-run.c, which tells how far it is.
 */

struct _ProcTask
{
  GObject parent_instance;

  /* What to do: immutable once claimed. */
  char *function;
  GVariant *arguments; /* owned, nullable */
  GBytes *input;       /* a command's standard input, nullable */

  /* What it needs: immutable once claimed. */
  char *name;
  GUnixFDList *fds;
  guint cores;
  int priority;
  guint timeout; /* milliseconds, 0: none */
  guint max_attempts;
  ProcIsolation isolation;
  guint max_outputs;
  gboolean each; /* the arguments are an array, and the function is called for each element */

  int claimed; /* atomic: a run of it was started */

  /* How far it is: the thread's that owns the pool's context. */
  ProcTaskState state;
  ProcWorker *worker; /* owned; the last one that ran it */
  int pid;
  guint attempts;
  double progress;
  char *progress_text;
  gint64 queued_time;
  gint64 started_time;
  gint64 finished_time;
  GVariant *result;
  GError *error;
  GVariant *error_details;
  ProcOutputs *outputs; /* if there is a limit on them */
  guint changes; /* bits of ProcTaskChange, not yet notified */
};

enum
{
  PROP_0,
  PROP_FUNCTION,
  PROP_ARGUMENTS,
  PROP_NAME,
  PROP_CORES,
  PROP_PRIORITY,
  PROP_TIMEOUT,
  PROP_MAX_ATTEMPTS,
  PROP_ISOLATION,
  PROP_MAX_OUTPUTS,
  PROP_FDS,
  PROP_INPUT,
  PROP_STATE,
  PROP_WORKER,
  PROP_PID,
  PROP_ATTEMPTS,
  PROP_PROGRESS,
  PROP_PROGRESS_TEXT,
  PROP_N_OUTPUTS,
  PROP_QUEUED_TIME,
  PROP_STARTED_TIME,
  PROP_FINISHED_TIME,
  PROP_RESULT,
  PROP_ERROR,
  PROP_ERROR_DETAILS,
  N_PROPS
};

enum
{
  SIGNAL_PROGRESSED,
  SIGNAL_OUTPUT,
  N_SIGNALS
};

extern GParamSpec *proc_task_properties[N_PROPS];
extern guint proc_task_signals[N_SIGNALS];

/* Whether no run of it was started: it may still be changed. */
gboolean proc_task_is_new (ProcTask *self);
