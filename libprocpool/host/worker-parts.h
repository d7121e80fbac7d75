/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/payload-filler.h"
#include "host/process.h"
#include "host/rate-limit.h"
#include "host/stdio-capture.h"
#include "host/worker-private.h"
#include "wire/channel.h"
#include "wire/mark.h"

/* Shared by the files of the worker: worker.c, which is the object and its public face, worker-start.c, which brings
 * its process into being, worker-channel.c, which sends and receives, worker-messages.c, which knows what the messages mean,
 * worker-tasks.c, which gives it tasks, worker-end.c, which ends it, and worker-log.c, which passes on what it logs.
 */

/* States, in this order, each optional but the last:
 *
 *   STARTING  the process is being spawned, shakes hands, runs its initializer
 *   IDLE      ready; no run in flight
 *   BUSY      at least one run in flight
 *   STOPPING  asked to finish, or being ended, or found broken: takes no more runs
 *   GONE      the process has ended and what it left in its socket and pipes was read
 *
 * Whatever goes wrong is noted in `failure` (the first cause wins) and leads to the end of the process; only
 * that end, seen by its pidfd, leads to GONE and to the owner's `ended`. One way out, so nothing is told
 * twice. From start to GONE the worker holds a reference to itself.
 */

struct _ProcWorker
{
  GObject parent_instance;

  ProcReactor *reactor;
  ProcWorkerCallbacks callbacks;
  gpointer user_data;
  gboolean detached;   /* nobody to call back */
  gboolean self_held;

  ProcWorkerState state;
  gboolean shaken;     /* HELLO was received */
  char *build_id;      /* as it said there; NULL: it didn't */
  gboolean readied;    /* READY was received */
  gboolean asked;      /* its owner wants it to end */
  GError *failure;     /* why it is to end, or has; NULL: it wasn't found wanting */

  ProcProcess *process;
  gboolean spawned; /* the thread that starts the process has told so, and its number */
  int pid;
  int exit_status; /* -1: not known, or a signal */
  int term_signal; /* 0: none */

  ProcChannel *channel;
  ProcWatch *watch;
  gboolean paused;     /* not listened to, for its owner's sake */
  gboolean hung_up;    /* nothing more is written to its channel */
  ProcStdioCapture stdio;
  gboolean same_host;
  gboolean tells_end;  /* the process's end is the helper's own, not that of a program between */

  GHashTable *runs;    /* id -> the owner's pointer, for what was given and not yet replied to */
  GHashTable *fillers; /* id -> ProcPayloadFiller, for those of them not yet sent */
  ProcMark *mark;      /* which task the helper has begun; NULL: there is none */
  guint64 n_heard;     /* how often the helper had sent something, by its mark, when it was last received from */
  guint64 cut_run;     /* the one that a helper which is gone had got a part of; 0: none */
  GArray *cores;       /* of int: pinned to; empty: not pinned */
  guint64 tasks_done;

  guint startup_timeout;
  guint cancel_grace;
  guint frame_timeout;
  gboolean has_finalizer;
  char *initializer;
  ProcTimer *startup_timer; /* until READY; then for the finalizer */
  ProcTimer *grace_timer;   /* from SIGTERM, or the channel's end, to SIGKILL */
  ProcTimer *frame_timer;   /* from the first byte of a frame to its last */
  ProcTimer *more_timer;    /* until the next turn, while messages are left */
  ProcTimer *trim_timer;    /* until memory that isn't lent any more is freed, while there is any */
  guint trim_delay;         /* milliseconds of it */

  ProcRateLimit log_limit;  /* on records and on lines of the captured outputs */
  ProcTimer *log_timer;     /* until the dropped ones are told, while there are any */

  guint changes;         /* bits 1 << property, not yet notified */
  ProcDelivery notifying; /* their notification */
};

enum
{
  PROP_0,
  PROP_PID,
  PROP_STATE,
  PROP_TASKS_DONE,
  PROP_MEMORY,
  PROP_EXIT_STATUS,
  PROP_TERM_SIGNAL,
  PROP_BUILD_ID,
  N_PROPS
};

/* worker.c */
/* Told when the caller's code may run. */
void proc_worker_note_change (ProcWorker *self, guint property);
void proc_worker_set_state (ProcWorker *self, ProcWorkerState state);

/* worker-start.c */
/* Until it is ready, or has run its finalizer: milliseconds; 0: for ever. */
void proc_worker_limit_startup (ProcWorker *self, guint timeout);

/* worker-channel.c */
/* @helper_end: the helper's end of it. */
gboolean proc_worker_open_channel (ProcWorker *self, int *helper_end, gboolean passes_fds, const ProcWorkerOptions *options, GError **error);
gboolean proc_worker_queue_message (ProcWorker *self, ProcMessage *message, GError **error);
gboolean proc_worker_send_message (ProcWorker *self, ProcMessageType type, guint64 id, GVariant *head, GError **error);
/* TRUE if there may be more at once. */
gboolean proc_worker_receive (ProcWorker *self);
/* From here on it is listened to, whatever its owner wants. */
void proc_worker_hear_out (ProcWorker *self);
/* With all timers, and what was still to be sent. */
void proc_worker_close_channel (ProcWorker *self);

/* worker-messages.c */
void proc_worker_handle_message (ProcWorker *self, ProcMessage *message);

/* worker-tasks.c */
/* A run is over: one more task is done. */
void proc_worker_take_run (ProcWorker *self, guint64 id);
/* The one that would have been begun next. If it came in part it may be what the helper broke under. */
guint64 proc_worker_find_next_run (ProcWorker *self);

/* worker-end.c */
/* Notes why it is to end, or has; takes @error. */
void proc_worker_fail (ProcWorker *self, GError *error);
/* What it says isn't to be believed any more. Takes @error. */
void proc_worker_break_off (ProcWorker *self, GError *error);
/* It is about to end by itself, or is killed in a moment. */
void proc_worker_await_end (ProcWorker *self);
/* There is nothing more to receive; @error: NULL if it was closed in order. Takes it. */
void proc_worker_end_channel (ProcWorker *self, GError *error);
/* Of ProcProcessCallbacks. */
void proc_worker_on_spawn_failed (ProcProcess *process, const GError *error, gpointer user_data);
void proc_worker_on_ended (ProcProcess *process, gpointer user_data);

/* worker-log.c */
/* @run: NULL if the record belongs to no task. */
void proc_worker_handle_log (ProcWorker *self, ProcMessage *message, gpointer run);
void proc_worker_tell_dropped_logs (ProcWorker *self);
/* Lines of its captured outputs, and of what the template wrote for it. */
void proc_worker_on_stdout_line (const char *line, gpointer user_data);
void proc_worker_on_stderr_line (const char *line, gpointer user_data);
void proc_worker_on_template_line (ProcProcess *process, const char *stream, const char *line, gpointer user_data);
