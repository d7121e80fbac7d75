/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel-env.h"
#include "base/enum-types.h"
#include "base/error.h"
#include "base/fd.h"
#include "host/payload-filler.h"
#include "host/process.h"
#include "host/rate-limit.h"
#include "host/stdio-capture.h"
#include "host/worker-private.h"
#include "wire/channel.h"
#include "wire/mark.h"
#include "wire/remote-error.h"

/**
 * SECTION:worker
 * @Title: ProcWorker
 * @Short_description: a helper process, seen from the host
 *
 * A #ProcWorker stands for one helper process. The pool makes and ends its workers by itself;
 * proc_pool_get_workers() lists them and #ProcTask:worker is the one that runs a task. They are there to be
 * observed, and for what the pool doesn't do: sending a signal of one's own.
 *
 * A worker belongs to the main context of its pool. It may be kept after its process is gone, and then
 * tells how it ended.
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

/**
 * ProcWorker:
 *
 * The host's object for one helper process.
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

  ProcRateLimit log_limit;  /* on records and on lines of the captured outputs */
  ProcTimer *log_timer;     /* until the dropped ones are told, while there are any */

  guint changes;         /* bits 1 << property, not yet notified */
  ProcDelivery notifying; /* their notification */
};

G_DEFINE_FINAL_TYPE (ProcWorker, proc_worker, G_TYPE_OBJECT)

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

static GParamSpec *properties[N_PROPS];

/* How many messages of one worker are handled before others have their turn. */
#define MAX_MESSAGES 128

/* How many of these turns there are for what a process leaves behind. */
#define MAX_DRAIN_TURNS 1024

/* Between the end of a channel and the end of its process, after which the process is taken to live on. */
#define LAST_BREATH 1000

static void
notify_changes (gpointer user_data)
{
  g_autoptr (ProcWorker) self = user_data;
  guint changes = self->changes;

  self->changes = 0;
  for (guint i = 1; i < N_PROPS; i++)
    {
      if (changes & (1 << i))
        g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
    }
}

/* Told when the caller's code may run. */
static void
note_change (ProcWorker *self, guint property)
{
  self->changes |= 1 << property;
  if (!self->notifying.func)
    proc_reactor_emit (self->reactor, &self->notifying, notify_changes, g_object_ref (self));
}

static void
set_state (ProcWorker *self, ProcWorkerState state)
{
  if (self->state == state)
    return;

  self->state = state;
  note_change (self, PROP_STATE);
}

static void
fail (ProcWorker *self, GError *error)
{
  if (self->state < PROC_WORKER_STATE_STOPPING)
    set_state (self, PROC_WORKER_STATE_STOPPING);

  if (self->failure)
    g_error_free (error);
  else
    self->failure = error;
}

/* Its end is as its owner wants it, and nothing is lost by it. */
static gboolean
is_asked (ProcWorker *self)
{
  return self->asked && g_hash_table_size (self->runs) == 0;
}

static void
on_grace_over (gpointer user_data)
{
  proc_process_signal_group (PROC_WORKER (user_data)->process, SIGKILL);
}

void
proc_worker_end_now (ProcWorker *self)
{
  self->asked = TRUE;
  if (self->state == PROC_WORKER_STATE_GONE)
    return;

  set_state (self, PROC_WORKER_STATE_STOPPING);
  proc_process_signal_group (self->process, SIGKILL);
}

void
proc_worker_end (ProcWorker *self)
{
  if (self->cancel_grace == 0)
    {
      proc_worker_end_now (self);
      return;
    }

  if (self->state == PROC_WORKER_STATE_GONE)
    return;

  self->asked = TRUE;
  set_state (self, PROC_WORKER_STATE_STOPPING);
  proc_process_signal_group (self->process, SIGTERM);
  proc_reactor_add_timer (self->reactor, self->cancel_grace, &self->grace_timer, on_grace_over, self);
}

/* What it says isn't to be believed any more. */
static void
break_off (ProcWorker *self, GError *error)
{
  fail (self, error);
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->frame_timer);
  proc_worker_end_now (self);
}

static void
refuse_message (ProcWorker *self, ProcMessage *message, const char *why)
{
  break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                                "Helper process %d sent %s for task %" G_GUINT64_FORMAT ": %s",
                                self->pid, proc_message_type_to_string (message->type), message->task_id, why));
}

/* A helper may be faster than the thread that started it: what it says waits until its number is known. */
static GIOCondition
get_reading (ProcWorker *self)
{
  return self->spawned && !self->paused ? G_IO_IN : 0;
}

static void
flush (ProcWorker *self)
{
  g_autoptr (GError) error = NULL;
  ProcChannelStatus status;

  if (!self->watch)
    return;

  status = proc_channel_flush (self->channel, &error);
  if (self->mark)
    proc_mark_note_sent (self->mark);

  switch (status)
    {
    case PROC_CHANNEL_AGAIN:
      proc_watch_set_condition (self->watch, get_reading (self) | G_IO_OUT);
      break;
    case PROC_CHANNEL_OK:
      proc_watch_set_condition (self->watch, get_reading (self));
      break;
    case PROC_CHANNEL_END:
    case PROC_CHANNEL_ERROR:
    default:
      /* The reading side will find the end, after all that was sent before it. */
      proc_watch_set_condition (self->watch, get_reading (self));
      break;
    }
}

static gboolean
queue_message (ProcWorker *self, ProcMessage *message, GError **error)
{
  if (!proc_channel_queue (self->channel, message, -1, error))
    return FALSE;

  flush (self);
  return TRUE;
}

static gboolean
send_message (ProcWorker *self, ProcMessageType type, guint64 id, GVariant *head, GError **error)
{
  g_autoptr (ProcMessage) message = proc_message_new (type, id, head, NULL);

  return queue_message (self, message, error);
}

/* Handshake */

static void
handle_hello (ProcWorker *self, ProcMessage *message)
{
  g_autoptr (GVariant) options = NULL;
  guint32 version;
  guint32 pid;

  if (self->shaken)
    {
      refuse_message (self, message, "it did so before");
      return;
    }

  g_variant_get (message->head, "(uu@a{sv})", &version, &pid, &options);
  if (version != PROC_PROTOCOL_VERSION)
    {
      break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_VERSION,
                                    "The helper speaks version %u of the protocol and this program version %u: "
                                    "build both against the same libprocpool",
                                    version, PROC_PROTOCOL_VERSION));
      return;
    }

  self->shaken = TRUE;
  if (g_variant_lookup (options, "build-id", "s", &self->build_id))
    note_change (self, PROP_BUILD_ID);
}

static void
handle_ready (ProcWorker *self, ProcMessage *message)
{
  if (!self->shaken || self->state != PROC_WORKER_STATE_STARTING)
    {
      /* Asked to finish while it was starting: that it is ready is of no interest then. */
      if (self->state != PROC_WORKER_STATE_STOPPING)
        refuse_message (self, message, "it wasn't asked whether it is ready");
      return;
    }

  proc_timer_clear (&self->startup_timer);
  self->readied = TRUE;
  set_state (self, PROC_WORKER_STATE_IDLE);
  if (!self->detached)
    self->callbacks.ready (self, self->user_data);
}

static void
handle_start_error (ProcWorker *self, ProcMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (self->state != PROC_WORKER_STATE_STARTING)
    {
      refuse_message (self, message, "it had started");
      return;
    }

  error = proc_remote_error_from_head (message->head, NULL);
  /* Without an initializer it is the program that refuses to serve. */
  if (self->initializer && (error->domain != PROC_POOL_ERROR || error->code == PROC_POOL_ERROR_REMOTE))
    {
      g_autoptr (GError) cause = g_steal_pointer (&error);

      error = g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_INITIALIZER_FAILED,
                           "The initializer “%s” failed: %s", self->initializer, cause->message);
    }

  fail (self, g_steal_pointer (&error));
  /* It is about to exit by itself, and its exit code may say that another try is pointless. */
  proc_reactor_add_timer (self->reactor, LAST_BREATH, &self->grace_timer, on_grace_over, self);
}

static void
on_startup_timeout (gpointer user_data)
{
  ProcWorker *self = user_data;
  g_autofree char *tail = proc_worker_dup_stderr_tail (self);
  g_autofree char *who = self->spawned ? g_strdup_printf ("Helper process %d", self->pid) : g_strdup ("A helper process that was to be started");
  const char *what = self->shaken ? "initialize" : "shake hands";

  if (self->state != PROC_WORKER_STATE_STARTING)
    {
      proc_worker_end (self);
      return;
    }

  break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED,
                                "%s didn't %s within %u ms%s%s", who, what, self->startup_timeout,
                                tail ? "; it wrote: " : "", tail ? tail : ""));
}

/* Runs */

static void
take_run (ProcWorker *self, guint64 id)
{
  g_hash_table_remove (self->runs, GSIZE_TO_POINTER ((gsize) id));
  self->tasks_done++;
  note_change (self, PROP_TASKS_DONE);

  if (self->state == PROC_WORKER_STATE_BUSY && g_hash_table_size (self->runs) == 0)
    set_state (self, PROC_WORKER_STATE_IDLE);
}

static void
handle_reply (ProcWorker *self, ProcMessage *message, gpointer run)
{
  gboolean retire = (message->flags & PROC_FRAME_RETIRE) != 0;
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GError) error = NULL;

  if (message->type == PROC_MESSAGE_ERROR)
    error = proc_remote_error_from_head (message->head, &details);
  else if (message->fds_lost)
    error = g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_DESCRIPTORS,
                         "The result came in a descriptor for which this process had no room: close some, or raise RLIMIT_NOFILE");

  take_run (self, message->task_id);
  if (!self->detached)
    self->callbacks.replied (self, run, error ? NULL : message->payload, error, details, retire, self->user_data);
}

static void
handle_returned (ProcWorker *self, ProcMessage *message, gpointer run)
{
  gpointer id = GSIZE_TO_POINTER ((gsize) message->task_id);

  g_hash_table_remove (self->runs, id);
  if (self->state == PROC_WORKER_STATE_BUSY && g_hash_table_size (self->runs) == 0)
    set_state (self, PROC_WORKER_STATE_IDLE);

  if (self->callbacks.returned (self, run, self->user_data))
    return;

  g_hash_table_insert (self->runs, id, run);
  refuse_message (self, message, "it wasn't recalled");
}

static void
handle_progress (ProcWorker *self, ProcMessage *message, gpointer run)
{
  double fraction;
  const char *text;

  g_variant_get (message->head, "(d&s)", &fraction, &text);
  if (fraction != fraction)
    fraction = 0.0; /* not a number */

  self->callbacks.progress (self, run, fraction, *text ? text : NULL, self->user_data);
}

static void
tell_dropped_logs (ProcWorker *self)
{
  guint64 n_dropped = proc_rate_limit_take_dropped (&self->log_limit);
  g_autofree char *number = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GVariant) fields = NULL;

  proc_timer_clear (&self->log_timer);
  if (n_dropped == 0 || self->detached)
    return;

  number = g_strdup_printf ("%" G_GUINT64_FORMAT, n_dropped);
  text = g_strdup_printf ("Helper process %d logged more than %u records a second: %s were dropped", self->pid, self->log_limit.max_rate, number);
  fields = g_variant_ref_sink (g_variant_new_parsed ("{'PROC_DROPPED': %s}", number));
  self->callbacks.log (self, NULL, G_LOG_LEVEL_WARNING, G_LOG_DOMAIN, text, fields, self->user_data);
}

static void
on_log_second_over (gpointer user_data)
{
  tell_dropped_logs (user_data);
}

static gboolean
may_log (ProcWorker *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->detached)
    return FALSE;

  if (proc_rate_limit_pass (&self->log_limit, now))
    {
      tell_dropped_logs (self);
      return TRUE;
    }

  if (!self->log_timer)
    proc_reactor_add_timer (self->reactor, proc_rate_limit_get_rest (&self->log_limit, now), &self->log_timer, on_log_second_over, self);
  return FALSE;
}

static void
handle_log (ProcWorker *self, ProcMessage *message, gpointer run)
{
  guint32 level;
  const char *domain;
  const char *text;
  g_autoptr (GVariant) fields = NULL;

  if (!may_log (self))
    return;

  g_variant_get (message->head, "(u&s&s@a{ss})", &level, &domain, &text, &fields);

  /* What is fatal to the helper isn't to the host. */
  level &= G_LOG_LEVEL_MASK & ~G_LOG_LEVEL_ERROR;
  if (level == 0)
    level = G_LOG_LEVEL_CRITICAL;

  self->callbacks.log (self, run, level, *domain ? domain : NULL, text, fields, self->user_data);
}

static void
handle_task_message (ProcWorker *self, ProcMessage *message)
{
  gpointer run = g_hash_table_lookup (self->runs, GSIZE_TO_POINTER ((gsize) message->task_id));
  gboolean unsent = g_hash_table_contains (self->fillers, GSIZE_TO_POINTER ((gsize) message->task_id));

  if (message->type == PROC_MESSAGE_LOG)
    {
      handle_log (self, message, run);
      return;
    }

  if (!run || unsent)
    {
      refuse_message (self, message, "it has no such task");
      return;
    }

  if (message->type == PROC_MESSAGE_RESULT || message->type == PROC_MESSAGE_ERROR)
    handle_reply (self, message, run);
  else if (self->detached)
    return;
  else if (message->type == PROC_MESSAGE_PROGRESS)
    handle_progress (self, message, run);
  else if (message->type == PROC_MESSAGE_RETURNED)
    handle_returned (self, message, run);
  else
    self->callbacks.output (self, run, message->payload, self->user_data);
}

static void
handle_message (ProcWorker *self, ProcMessage *message)
{
  if (!self->shaken && message->type != PROC_MESSAGE_HELLO)
    {
      refuse_message (self, message, "it didn't say hello first");
      return;
    }

  switch (message->type)
    {
    case PROC_MESSAGE_HELLO:
      handle_hello (self, message);
      break;
    case PROC_MESSAGE_READY:
      handle_ready (self, message);
      break;
    case PROC_MESSAGE_ERROR:
      if (message->task_id == 0)
        {
          handle_start_error (self, message);
          break;
        }
      G_GNUC_FALLTHROUGH;
    case PROC_MESSAGE_RESULT:
    case PROC_MESSAGE_PROGRESS:
    case PROC_MESSAGE_OUTPUT:
    case PROC_MESSAGE_LOG:
    case PROC_MESSAGE_RETURNED:
      handle_task_message (self, message);
      break;
    case PROC_MESSAGE_SETUP:
    case PROC_MESSAGE_RUN:
    case PROC_MESSAGE_CANCEL:
    case PROC_MESSAGE_PIN:
    case PROC_MESSAGE_FINISH:
    case PROC_MESSAGE_RECALL:
    default:
      refuse_message (self, message, "that is the host's part");
      break;
    }
}

/* Channel */

static void
on_slow_frame (gpointer user_data)
{
  ProcWorker *self = user_data;

  break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                                "Helper process %d began a message and didn't end it within %u ms", self->pid, self->frame_timeout));
}

static void
watch_frame (ProcWorker *self)
{
  if (self->frame_timeout > 0 && !self->frame_timer && proc_channel_is_mid_frame (self->channel))
    proc_reactor_add_timer (self->reactor, self->frame_timeout, &self->frame_timer, on_slow_frame, self);
}

/* Who was asked to finish may take its time with what a process does at its end. */
static void
on_last_breath (gpointer user_data)
{
  ProcWorker *self = user_data;

  if (!is_asked (self))
    fail (self, g_error_new (PROC_POOL_ERROR, self->readied ? PROC_POOL_ERROR_CRASHED : PROC_POOL_ERROR_START_FAILED,
                             "helper process %d closed its channel and lived on", self->pid));

  on_grace_over (self);
}

static void
on_channel_end (ProcWorker *self, GError *error)
{
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->frame_timer);

  /* Its process's end comes in a moment and says more. If it doesn't come, the helper has given up its
   * channel and lives on.
   */
  if (error && !g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
    {
      break_off (self, g_steal_pointer (&error));
      return;
    }

  g_clear_error (&error);
  set_state (self, PROC_WORKER_STATE_STOPPING);
  if (!self->grace_timer)
    proc_reactor_add_timer (self->reactor, LAST_BREATH, &self->grace_timer, on_last_breath, self);
}

/* TRUE if there may be more at once. */
static gboolean
receive (ProcWorker *self)
{
  for (guint i = 0; i < MAX_MESSAGES; i++)
    {
      g_autoptr (ProcMessage) message = NULL;
      g_autoptr (GError) error = NULL;

      switch (proc_channel_receive (self->channel, &message, &error))
        {
        case PROC_CHANNEL_OK:
          proc_timer_clear (&self->frame_timer);
          handle_message (self, message);
          break;
        case PROC_CHANNEL_AGAIN:
          watch_frame (self);
          return FALSE;
        case PROC_CHANNEL_END:
        case PROC_CHANNEL_ERROR:
        default:
          on_channel_end (self, g_steal_pointer (&error));
          return FALSE;
        }

      /* Found broken by what it said, or to be too much of it. */
      if (!self->watch || self->paused)
        return FALSE;
    }

  return TRUE;
}

static void receive_turn (ProcWorker *self);

static void
on_more (gpointer user_data)
{
  g_autoptr (ProcWorker) self = g_object_ref (user_data);

  if (self->watch)
    receive_turn (self);
}

/* Others have their turn before the rest is taken, which may lie in the channel's buffer, where no
 * descriptor tells of it.
 */
static void
receive_turn (ProcWorker *self)
{
  if (receive (self))
    proc_reactor_add_timer (self->reactor, 0, &self->more_timer, on_more, self);
}

void
proc_worker_set_paused (ProcWorker *self, gboolean paused)
{
  if (self->paused == paused || self->hung_up || !self->watch)
    return;

  self->paused = paused;
  proc_timer_clear (&self->more_timer);
  proc_timer_clear (&self->frame_timer);
  flush (self);

  /* There may be whole messages in the channel's buffer, and a part of one. */
  if (!paused)
    proc_reactor_add_timer (self->reactor, 0, &self->more_timer, on_more, self);
}

static void
hear_out (ProcWorker *self)
{
  proc_worker_set_paused (self, FALSE);
  self->hung_up = TRUE;
}

static void
on_channel (GIOCondition condition, gpointer user_data)
{
  g_autoptr (ProcWorker) self = g_object_ref (user_data);

  if (condition & G_IO_OUT)
    flush (self);

  /* Told as long as it isn't read to its end. */
  if (condition & (G_IO_HUP | G_IO_ERR))
    hear_out (self);

  /* The end of a channel is told whether asked for or not. */
  if (self->watch && self->spawned && (condition & ~G_IO_OUT))
    receive_turn (self);
}

/* Process */

static void
on_spawned (ProcProcess *process, gpointer user_data)
{
  ProcWorker *self = user_data;

  self->spawned = TRUE;
  self->pid = proc_process_get_pid (process);
  note_change (self, PROP_PID);
  proc_stdio_capture_start (&self->stdio);
  flush (self);

  /* It was to end before it was there: the signals went nowhere. */
  if (self->state == PROC_WORKER_STATE_STOPPING)
    proc_process_signal_group (process, SIGKILL);
}

static void
close_channel (ProcWorker *self)
{
  proc_watch_clear (&self->watch);
  proc_timer_clear (&self->startup_timer);
  proc_timer_clear (&self->grace_timer);
  proc_timer_clear (&self->frame_timer);
  proc_timer_clear (&self->more_timer);
  proc_timer_clear (&self->log_timer);
  g_clear_pointer (&self->channel, proc_channel_free);
  g_hash_table_remove_all (self->fillers);
}

/* The one that would have been begun next. If it came in part it may be what the helper broke under. */
static guint64
find_next_run (ProcWorker *self)
{
  guint64 begun = proc_mark_get (self->mark);
  guint64 next = 0;
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      guint64 id = GPOINTER_TO_SIZE (key);

      if (id > begun && (next == 0 || id < next))
        next = id;
    }

  return next;
}

static void
become_gone (ProcWorker *self)
{
  tell_dropped_logs (self);
  if (self->mark && proc_channel_is_cut (self->channel))
    self->cut_run = find_next_run (self);
  close_channel (self);
  /* Closed, but the last lines stay to be asked for. */
  proc_stdio_capture_close_fds (&self->stdio);
  proc_stdio_capture_finish (&self->stdio);
  set_state (self, PROC_WORKER_STATE_GONE);

  if (!self->detached)
    self->callbacks.ended (self, self->failure, self->user_data);

  g_hash_table_remove_all (self->runs);
  if (self->self_held)
    {
      self->self_held = FALSE;
      g_object_unref (self);
    }
}

static void
note_end (ProcWorker *self)
{
  int code;

  if (!self->tells_end)
    return;

  switch (proc_process_get_end (self->process, &code))
    {
    case PROC_PROCESS_EXITED:
      self->exit_status = code;
      note_change (self, PROP_EXIT_STATUS);
      break;
    case PROC_PROCESS_SIGNALED:
      self->term_signal = code;
      note_change (self, PROP_TERM_SIGNAL);
      break;
    case PROC_PROCESS_UNKNOWN:
    default:
      break;
    }
}

static void
on_spawn_failed (ProcProcess *process, const GError *error, gpointer user_data)
{
  ProcWorker *self = user_data;

  /* The end of the template, if that is why. */
  note_end (self);
  fail (self, g_error_copy (error));
  become_gone (self);
}

/* What it said before it ended is still in the socket: no more than the kernel's buffer holds, unless a
 * descendant that has left its process group goes on writing.
 */
static void
drain (ProcWorker *self)
{
  for (guint i = 0; i < MAX_DRAIN_TURNS && self->watch; i++)
    {
      /* A read that took all there was is followed by AGAIN without a look at what has come since: hence
       * once more.
       */
      if (!receive (self) && self->watch && !receive (self))
        return;
    }
}

static void
on_ended (ProcProcess *process, gpointer user_data)
{
  ProcWorker *self = user_data;
  gboolean asked = is_asked (self);

  hear_out (self);
  drain (self);

  proc_stdio_capture_finish (&self->stdio);

  note_end (self);

  if (!self->failure && !asked)
    {
      g_autofree char *how = self->tells_end ? proc_process_describe_end (process) : g_strdup ("ended");
      g_autofree char *tail = proc_worker_dup_stderr_tail (self);

      fail (self, g_error_new (PROC_POOL_ERROR, self->readied ? PROC_POOL_ERROR_CRASHED : PROC_POOL_ERROR_START_FAILED,
                               "helper process %d %s%s%s%s", self->pid, how, self->readied ? "" : " before it was ready",
                               tail ? "; it wrote: " : "", tail ? tail : ""));
    }

  become_gone (self);
}

/* Start */

static void
log_line (ProcWorker *self, const char *stream, const char *line)
{
  g_autoptr (GVariant) fields = NULL;
  GVariantBuilder builder;

  if (!may_log (self))
    return;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", "PROC_STREAM", stream);
  fields = g_variant_ref_sink (g_variant_builder_end (&builder));
  self->callbacks.log (self, NULL, G_LOG_LEVEL_MESSAGE, NULL, line, fields, self->user_data);
}

static void
on_stdout_line (const char *line, gpointer user_data)
{
  log_line (user_data, "stdout", line);
}

static void
on_stderr_line (const char *line, gpointer user_data)
{
  log_line (user_data, "stderr", line);
}

static void
on_template_line (ProcProcess *process, const char *stream, const char *line, gpointer user_data)
{
  log_line (user_data, stream, line);
}

static const ProcProcessCallbacks process_callbacks = {
  .spawned = on_spawned,
  .failed = on_spawn_failed,
  .ended = on_ended,
  .line = on_template_line,
};

/* @helper_end: the helper's end of it. */
static gboolean
open_channel (ProcWorker *self, int *helper_end, gboolean passes_fds, guint64 max_message, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      int saved_errno = errno;

      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "There is no socket for the channel to a helper process: %s", g_strerror (saved_errno));
      return FALSE;
    }

  *helper_end = fds[1];
  self->channel = proc_channel_new (fds[0], passes_fds, max_message);
  self->watch = proc_reactor_add_watch (self->reactor, fds[0], get_reading (self), on_channel, self, error);
  return self->watch != NULL;
}

/* Along with @message. FALSE if there are no descriptors for it: it works without, too. */
static gboolean
send_mark (ProcWorker *self, ProcMessage *message)
{
  int fd;

  if (!proc_channel_passes_fds (self->channel))
    return FALSE;

  self->mark = proc_mark_new (&fd);
  if (!self->mark)
    return FALSE;

  message->fds = g_unix_fd_list_new_from_array (&fd, 1);
  if (queue_message (self, message, NULL))
    return TRUE;

  g_clear_object (&message->fds);
  g_clear_pointer (&self->mark, proc_mark_free);
  return FALSE;
}

static gboolean
send_setup (ProcWorker *self, ProcLauncher *launcher, const ProcWorkerOptions *options, GError **error)
{
  GVariantBuilder builder;
  g_autoptr (ProcMessage) message = NULL;
  const char *cwd = proc_launcher_get_cwd (launcher);
  guint64 memory_limit = proc_launcher_get_memory_limit (launcher);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (cwd)
    g_variant_builder_add (&builder, "{sv}", "cwd", g_variant_new_bytestring (cwd));
  if (memory_limit > 0)
    g_variant_builder_add (&builder, "{sv}", "memory-limit", g_variant_new_uint64 (memory_limit));
  if (options->initializer)
    g_variant_builder_add (&builder, "{sv}", "initializer", g_variant_new_string (options->initializer));
  if (options->initializer_arguments)
    g_variant_builder_add (&builder, "{sv}", "initializer-arguments", g_variant_new_variant (options->initializer_arguments));
  if (options->finalizer)
    g_variant_builder_add (&builder, "{sv}", "finalizer", g_variant_new_string (options->finalizer));
  g_variant_builder_add (&builder, "{sv}", "cancel-grace", g_variant_new_uint32 (options->cancel_grace));
  g_variant_builder_add (&builder, "{sv}", "max-payload", g_variant_new_uint64 (options->max_message));

  message = proc_message_new (PROC_MESSAGE_SETUP, 0, g_variant_new ("(u@a{sv})", PROC_PROTOCOL_VERSION, g_variant_builder_end (&builder)), NULL);
  if (send_mark (self, message))
    return TRUE;

  return queue_message (self, message, error);
}

/* By the launcher's program, which gets the helper's end of the channel. */
static gboolean
spawn (ProcWorker *self, ProcLauncher *launcher, int *helper_end, GError **error)
{
  GSubprocessLauncher *subprocess_launcher = proc_stdio_capture_prepare (&self->stdio, launcher);
  char **argv = proc_launcher_prepare (launcher, subprocess_launcher, error);

  if (!argv)
    {
      g_object_unref (subprocess_launcher);
      return FALSE;
    }

  g_subprocess_launcher_take_fd (subprocess_launcher, proc_fd_steal (helper_end), PROC_CHANNEL_FD);
  g_subprocess_launcher_setenv (subprocess_launcher, PROC_CHANNEL_VARIABLE, G_STRINGIFY (PROC_CHANNEL_FD), TRUE);
  self->process = proc_process_spawn (self->reactor, subprocess_launcher, argv, &process_callbacks, self);
  return TRUE;
}

ProcWorker *
proc_worker_start (ProcReactor *reactor, ProcLauncher *launcher, const ProcWorkerOptions *options, const ProcWorkerCallbacks *callbacks, gpointer user_data, GError **error)
{
  g_autoptr (ProcWorker) self = g_object_new (PROC_TYPE_WORKER, NULL);
  g_auto (ProcFd) helper_end = -1;
  ProcLauncherFlags flags = proc_launcher_get_flags (launcher);

  self->reactor = proc_reactor_ref (reactor);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->startup_timeout = options->startup_timeout;
  self->cancel_grace = options->cancel_grace;
  self->frame_timeout = options->frame_timeout;
  proc_rate_limit_init (&self->log_limit, options->max_log_rate);
  self->has_finalizer = options->finalizer != NULL;
  self->initializer = g_strdup (options->initializer);
  self->same_host = (flags & PROC_LAUNCHER_SAME_HOST) != 0;
  self->tells_end = (flags & PROC_LAUNCHER_EXIT_STATUS) != 0;

  if (!proc_stdio_capture_open (&self->stdio, reactor, launcher, on_stdout_line, on_stderr_line, self, error))
    return NULL;

  if (!open_channel (self, &helper_end, (flags & PROC_LAUNCHER_PASSES_FDS) != 0, options->max_message, error))
    return NULL;

  if (!send_setup (self, launcher, options, error))
    return NULL;

  if (options->template)
    self->process = proc_template_fork (options->template, proc_fd_steal (&helper_end), proc_fd_steal (&self->stdio.stdout_fd),
                                        proc_fd_steal (&self->stdio.stderr_fd), &process_callbacks, self);
  else if (!spawn (self, launcher, &helper_end, error))
    return NULL;

  if (self->startup_timeout > 0)
    proc_reactor_add_timer (reactor, self->startup_timeout, &self->startup_timer, on_startup_timeout, self);

  self->self_held = TRUE;
  g_object_ref (self);
  return g_steal_pointer (&self);
}

/* Tasks */

/* A run whose arguments are being written to shared memory. */
typedef struct
{
  ProcWorker *worker;
  guint64 id;
  ProcMessage *message;
} PendingRun;

static void
pending_run_free (gpointer user_data)
{
  PendingRun *pending = user_data;

  g_clear_pointer (&pending->message, proc_message_free);
  g_free (pending);
}

static gboolean
queue_run (ProcWorker *self, ProcMessage *message, int memfd, GError **error)
{
  if (!proc_channel_queue (self->channel, message, memfd, error))
    return FALSE;

  if (!(message->flags & PROC_FRAME_AHEAD))
    flush (self);
  return TRUE;
}

static void
on_filled (int memfd, const GError *fill_error, gpointer user_data)
{
  PendingRun *pending = user_data;
  ProcWorker *self = pending->worker;
  guint64 id = pending->id;
  g_autoptr (ProcMessage) message = g_steal_pointer (&pending->message);
  g_autoptr (GError) error = NULL;

  /* Frees @pending. */
  g_hash_table_remove (self->fillers, GSIZE_TO_POINTER ((gsize) id));

  /* Without a memfd the channel sends it inline. */
  if (!queue_run (self, message, memfd, &error))
    {
      gpointer run = g_hash_table_lookup (self->runs, GSIZE_TO_POINTER ((gsize) id));

      take_run (self, id);
      if (!self->detached)
        self->callbacks.replied (self, run, NULL, error, NULL, FALSE, self->user_data);
    }
}

static void
fill_and_queue_run (ProcWorker *self, guint64 id, ProcMessage *message)
{
  PendingRun *pending = g_new0 (PendingRun, 1);

  pending->worker = self;
  pending->id = id;
  pending->message = message;
  g_hash_table_insert (self->fillers, GSIZE_TO_POINTER ((gsize) id),
                       proc_payload_filler_new (self->reactor, message->payload, on_filled, pending, pending_run_free));
}

gboolean
proc_worker_takes_tasks (ProcWorker *self)
{
  return self->state == PROC_WORKER_STATE_IDLE || self->state == PROC_WORKER_STATE_BUSY;
}

gboolean
proc_worker_run (ProcWorker *self, guint64 id, gpointer run, const char *function, GVariant *arguments, GUnixFDList *fds, ProcFrameFlags flags, GError **error)
{
  g_autoptr (ProcMessage) message = proc_message_new (PROC_MESSAGE_RUN, id, g_variant_new_string (function), arguments);
  gsize size = arguments ? g_variant_get_size (arguments) : 0;

  g_return_val_if_fail (proc_worker_takes_tasks (self), FALSE);

  if (fds)
    message->fds = g_object_ref (fds);
  message->flags = flags;

  if (size >= PROC_PAYLOAD_FILLER_THRESHOLD && proc_channel_uses_memfd (self->channel, size))
    fill_and_queue_run (self, id, g_steal_pointer (&message));
  else if (!queue_run (self, message, -1, error))
    return FALSE;

  g_hash_table_insert (self->runs, GSIZE_TO_POINTER ((gsize) id), run);
  set_state (self, PROC_WORKER_STATE_BUSY);

  return TRUE;
}

gboolean
proc_worker_has_unsent (ProcWorker *self)
{
  return g_hash_table_size (self->fillers) > 0;
}

void
proc_worker_flush (ProcWorker *self)
{
  flush (self);
}

void
proc_worker_recall (ProcWorker *self, guint64 id)
{
  if (self->watch)
    send_message (self, PROC_MESSAGE_RECALL, id, NULL, NULL);
}

gboolean
proc_worker_cancel (ProcWorker *self, guint64 id)
{
  if (g_hash_table_remove (self->fillers, GSIZE_TO_POINTER ((gsize) id)))
    {
      take_run (self, id);
      return FALSE;
    }

  if (self->watch)
    send_message (self, PROC_MESSAGE_CANCEL, id, NULL, NULL);

  return TRUE;
}

gboolean
proc_worker_tells_begun (ProcWorker *self)
{
  return self->mark && proc_mark_get (self->mark) != PROC_MARK_UNSET;
}

gboolean
proc_worker_may_have_begun (ProcWorker *self, guint64 id)
{
  return !self->mark || id <= proc_mark_get (self->mark) || id == self->cut_run;
}

static gboolean
same_cores (ProcWorker *self, const int *ids, gsize n_ids)
{
  return self->cores->len == n_ids && (n_ids == 0 || memcmp (self->cores->data, ids, n_ids * sizeof *ids) == 0);
}

void
proc_worker_pin (ProcWorker *self, const int *ids, gsize n_ids)
{
  if (!self->same_host || same_cores (self, ids, n_ids))
    return;

  g_array_set_size (self->cores, 0);
  g_array_append_vals (self->cores, ids, (guint) n_ids);
  send_message (self, PROC_MESSAGE_PIN, 0, g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, ids, n_ids, sizeof *ids), NULL);
}

void
proc_worker_finish (ProcWorker *self)
{
  guint patience = self->has_finalizer ? self->startup_timeout : self->cancel_grace;

  if (self->state >= PROC_WORKER_STATE_STOPPING)
    return;

  /* Not ready yet: there is nothing to finalize. */
  if (self->state == PROC_WORKER_STATE_STARTING)
    {
      proc_worker_end (self);
      return;
    }

  self->asked = TRUE;
  set_state (self, PROC_WORKER_STATE_STOPPING);
  send_message (self, PROC_MESSAGE_FINISH, 0, NULL, NULL);

  /* Tasks in flight have their own deadlines. */
  if (g_hash_table_size (self->runs) > 0)
    return;
  if (patience > 0)
    proc_reactor_add_timer (self->reactor, patience, &self->startup_timer, on_startup_timeout, self);
}

void
proc_worker_detach (ProcWorker *self)
{
  self->detached = TRUE;
  proc_worker_finish (self);
}

/* Object */

static void
proc_worker_finalize (GObject *object)
{
  ProcWorker *self = PROC_WORKER (object);

  close_channel (self);
  proc_stdio_capture_clear (&self->stdio);
  g_clear_pointer (&self->process, proc_process_unref);
  g_clear_pointer (&self->runs, g_hash_table_unref);
  g_clear_pointer (&self->fillers, g_hash_table_unref);
  g_clear_pointer (&self->mark, proc_mark_free);
  g_clear_pointer (&self->cores, g_array_unref);
  g_clear_error (&self->failure);
  g_free (self->initializer);
  g_free (self->build_id);
  g_clear_pointer (&self->reactor, proc_reactor_unref);

  G_OBJECT_CLASS (proc_worker_parent_class)->finalize (object);
}

static void
proc_worker_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcWorker *self = PROC_WORKER (object);

  switch (property_id)
    {
    case PROP_PID:
      g_value_set_int (value, self->pid);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_TASKS_DONE:
      g_value_set_uint64 (value, self->tasks_done);
      break;
    case PROP_MEMORY:
      g_value_set_uint64 (value, proc_worker_get_memory (self));
      break;
    case PROP_EXIT_STATUS:
      g_value_set_int (value, self->exit_status);
      break;
    case PROP_TERM_SIGNAL:
      g_value_set_int (value, self->term_signal);
      break;
    case PROP_BUILD_ID:
      g_value_set_string (value, self->build_id);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_worker_class_init (ProcWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = proc_worker_finalize;
  object_class->get_property = proc_worker_get_property;

  /**
   * ProcWorker:pid:
   *
   * The process id of the helper process; 0 until it is started. It is kept when the process is gone, and
   * may be another's then.
   */
  properties[PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, read_only);

  /**
   * ProcWorker:state:
   *
   * What the worker is doing.
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, PROC_TYPE_WORKER_STATE, PROC_WORKER_STATE_STARTING, read_only);

  /**
   * ProcWorker:tasks-done:
   *
   * How many tasks it has replied to, with a result or an error.
   */
  properties[PROP_TASKS_DONE] = g_param_spec_uint64 ("tasks-done", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /**
   * ProcWorker:memory:
   *
   * The resident memory of the helper process in bytes, read when asked for and never notified; 0 if
   * it isn't known.
   */
  properties[PROP_MEMORY] = g_param_spec_uint64 ("memory", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /**
   * ProcWorker:exit-status:
   *
   * The exit code of the helper process; -1 while it runs, if a signal ended it, or if the
   * application took the status away.
   */
  properties[PROP_EXIT_STATUS] = g_param_spec_int ("exit-status", NULL, NULL, -1, G_MAXINT, -1, read_only);

  /**
   * ProcWorker:term-signal:
   *
   * The signal that ended the helper process; 0 if none did.
   */
  properties[PROP_TERM_SIGNAL] = g_param_spec_int ("term-signal", NULL, NULL, 0, G_MAXINT, 0, read_only);

  /**
   * ProcWorker:build-id:
   *
   * What the helper said of its build, #ProcHelper:build-id; %NULL until it has, or if it says nothing of it.
   *
   * When one worker tells another build than those started before it, its program was replaced meanwhile: the pool
   * gives these no more tasks, ends each when it has done those that it has, and starts others in their place as they
   * are needed.
   */
  properties[PROP_BUILD_ID] = g_param_spec_string ("build-id", NULL, NULL, NULL, read_only);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_worker_init (ProcWorker *self)
{
  self->exit_status = -1;
  self->stdio = (ProcStdioCapture) PROC_STDIO_CAPTURE_INIT;
  self->runs = g_hash_table_new (NULL, NULL);
  self->fillers = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) proc_payload_filler_free);
  self->cores = g_array_new (FALSE, FALSE, sizeof (int));
}

/**
 * proc_worker_get_pid:
 * @self: a worker
 *
 * Gets #ProcWorker:pid.
 *
 * Returns: see #ProcWorker:pid
 *
 * Since: 1.0
 */
int
proc_worker_get_pid (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), 0);

  return self->pid;
}

/**
 * proc_worker_get_state:
 * @self: a worker
 *
 * Gets #ProcWorker:state.
 *
 * Returns: see #ProcWorker:state
 *
 * Since: 1.0
 */
ProcWorkerState
proc_worker_get_state (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), PROC_WORKER_STATE_GONE);

  return self->state;
}

/**
 * proc_worker_get_cores:
 * @self: a worker
 * @n_cores: (out): their number
 *
 * The cores that the helper process is pinned to.
 *
 * Returns: (array length=n_cores) (transfer none) (nullable): their ids; %NULL if it isn't pinned
 *
 * Since: 1.0
 */
const int *
proc_worker_get_cores (ProcWorker *self, gsize *n_cores)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), NULL);
  g_return_val_if_fail (n_cores != NULL, NULL);

  *n_cores = self->cores->len;

  return self->cores->len > 0 ? (const int *) (gconstpointer) self->cores->data : NULL;
}

/**
 * proc_worker_get_tasks_done:
 * @self: a worker
 *
 * Gets #ProcWorker:tasks-done.
 *
 * Returns: see #ProcWorker:tasks-done
 *
 * Since: 1.0
 */
guint64
proc_worker_get_tasks_done (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), 0);

  return self->tasks_done;
}

/**
 * proc_worker_get_memory:
 * @self: a worker
 *
 * Reads how much memory the helper process has in RAM, from `/proc`.
 *
 * Returns: bytes; 0 if it isn't known
 *
 * Since: 1.0
 */
guint64
proc_worker_get_memory (ProcWorker *self)
{
  char path[64];
  g_autofree char *contents = NULL;
  const char *resident;

  g_return_val_if_fail (PROC_IS_WORKER (self), 0);

  if (self->pid == 0 || self->state == PROC_WORKER_STATE_GONE)
    return 0;

  g_snprintf (path, sizeof path, "/proc/%d/statm", self->pid);
  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0;

  /* The second number, in pages; see proc(5). */
  resident = strchr (contents, ' ');
  if (!resident)
    return 0;

  return g_ascii_strtoull (resident, NULL, 10) * (guint64) sysconf (_SC_PAGESIZE);
}

/**
 * proc_worker_get_exit_status:
 * @self: a worker
 *
 * Gets #ProcWorker:exit-status.
 *
 * Returns: see #ProcWorker:exit-status
 *
 * Since: 1.0
 */
int
proc_worker_get_exit_status (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), -1);

  return self->exit_status;
}

/**
 * proc_worker_get_term_signal:
 * @self: a worker
 *
 * Gets #ProcWorker:term-signal.
 *
 * Returns: see #ProcWorker:term-signal
 *
 * Since: 1.0
 */
int
proc_worker_get_term_signal (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), 0);

  return self->term_signal;
}

/**
 * proc_worker_get_build_id:
 * @self: a worker
 *
 * Gets #ProcWorker:build-id.
 *
 * Returns: (nullable): see #ProcWorker:build-id
 *
 * Since: 1.0
 */
const char *
proc_worker_get_build_id (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), NULL);

  return self->build_id;
}

/**
 * proc_worker_send_signal:
 * @self: a worker
 * @signum: a signal
 * @error: return location for an error
 *
 * Sends a signal to the helper process, and to it alone. It never reaches another process that was given
 * the same number.
 *
 * Returns: %FALSE with %PROC_POOL_ERROR_FAILED if the process isn't there, or no signal of that number, and with
 *   %PROC_POOL_ERROR_WRONG_PROCESS in a fork of the program that has the pool
 *
 * Since: 1.0
 */
gboolean
proc_worker_send_signal (ProcWorker *self, int signum, GError **error)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), FALSE);

  if (proc_reactor_is_copy (self->reactor))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS,
                   "Signal %d isn't sent to helper process %d: it belongs to a process of which this is a fork", signum, self->pid);
      return FALSE;
    }

  if (self->state != PROC_WORKER_STATE_GONE && proc_process_signal (self->process, signum))
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED,
               "Signal %d can't be sent to helper process %d: %s", signum, self->pid,
               self->pid == 0 ? "it isn't started yet" : self->state == PROC_WORKER_STATE_GONE ? "it has ended" : "it has just ended, or there is no such signal");
  return FALSE;
}

/**
 * proc_worker_terminate:
 * @self: a worker
 * @error: return location for an error
 *
 * Asks the helper process to end, by SIGTERM. Its tasks fail with %PROC_POOL_ERROR_CRASHED.
 *
 * Returns: %FALSE with %PROC_POOL_ERROR_FAILED if the process isn't there
 *
 * Since: 1.0
 */
gboolean
proc_worker_terminate (ProcWorker *self, GError **error)
{
  return proc_worker_send_signal (self, SIGTERM, error);
}

/**
 * proc_worker_dup_stderr_tail:
 * @self: a worker
 *
 * The last lines that the helper process has written to its standard error, up to 2 KiB of them: what an error tells
 * of a crash, and to be had after the process is gone. To be called in the main context of the pool.
 *
 * Returns: (transfer full) (nullable): the lines; %NULL if it wrote none, or if its launcher lets it write elsewhere:
 *   see #ProcLauncher:stderr
 *
 * Since: 1.0
 */
char *
proc_worker_dup_stderr_tail (ProcWorker *self)
{
  g_return_val_if_fail (PROC_IS_WORKER (self), NULL);

  return self->stdio.stderr_reader ? proc_line_reader_dup_tail (self->stdio.stderr_reader) : NULL;
}

/**
 * proc_worker_kill:
 * @self: a worker
 * @error: return location for an error
 *
 * Ends the helper process, by SIGKILL. Its tasks fail with %PROC_POOL_ERROR_CRASHED.
 *
 * Returns: %FALSE with %PROC_POOL_ERROR_FAILED if the process isn't there
 *
 * Since: 1.0
 */
gboolean
proc_worker_kill (ProcWorker *self, GError **error)
{
  return proc_worker_send_signal (self, SIGKILL, error);
}
