/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "helper/server.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/exit-code.h"
#include "base/version.h"
#include "helper/affinity.h"
#include "helper/connection-source.h"
#include "helper/log-writer.h"
#include "helper/own-process.h"
#include "helper/sentinel.h"
#include "wire/mark.h"
#include "wire/remote-error.h"

/* The states, moved by the main thread alone, forward only:
 *
 *   GREETING      until SETUP
 *   INITIALIZING  until the initializer has replied; at once without one
 *   SERVING       RUN is welcome
 *   FINISHING     FINISH has come: until the last task in flight has replied
 *   FINALIZING    until the finalizer has replied; at once without one
 *   ENDED         @exit_code is set
 *
 * The host's end leads from SERVING and FINISHING to FINALIZING (its tasks are cancelled and not waited
 * for), from earlier states to ENDED, and so does a failure from any. Between two states the main loop
 * turns, woken by the channel or, for replies from other threads, by wake().
 *
 * The initializer and the finalizer are invocations with task id 0; one at a time, in @step.
 */
typedef enum
{
  GREETING,
  INITIALIZING,
  SERVING,
  FINISHING,
  FINALIZING,
  ENDED,
} ServerState;

/* How long the server takes messages before the main loop turns, in microseconds. A function takes its own time. */
#define MAX_TURN 1000

/* How soon after the last one a task comes where the next may be waited for, in microseconds. */
#define SOON 100

/* The reply of the initializer or finalizer, which may come from any thread. */
typedef struct
{
  /* Atomic: set after @error. */
  gint replied;
  GError *error;
  GVariant *details;
} Step;

struct _ProcServer
{
  const ProcServerCallbacks *callbacks;
  GObject *owner;

  ProcConnection *connection;
  ProcMark *mark;        /* the connection's; NULL: none, or none yet */
  gboolean expects_soon; /* the last task came soon */
  ProcAwake awake;
  gint64 asleep_since;   /* microseconds of the monotonic clock */
  ProcSentinel *sentinel;
  GMainContext *context;

  /* The channel's; gone once there is nothing more to receive. */
  GSource *source;

  /* Atomic: replies from other threads ask it. */
  gint state;
  /* FINISH has come, which before SERVING has to wait. */
  gboolean finish_requested;
  int exit_code;

  char *initializer;
  GVariant *initializer_arguments;
  char *finalizer;
  Step step;
};

static ServerState
get_state (ProcServer *self)
{
  return g_atomic_int_get (&self->state);
}

static void
set_state (ProcServer *self, ServerState state)
{
  g_atomic_int_set (&self->state, state);
}

/* ---- ends ---- */

static void
stop_receiving (ProcServer *self)
{
  if (self->source == NULL)
    return;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

static void
lose_host (ProcServer *self)
{
  stop_receiving (self);
  proc_connection_close (self->connection);
  proc_connection_cancel_all (self->connection);

  /* A helper that was never set up has nothing to finalize. */
  set_state (self, get_state (self) < SERVING ? ENDED : MAX (get_state (self), FINALIZING));
}

static void
fail (ProcServer *self, const char *reason)
{
  g_printerr ("procpool helper %d: %s\n", (int) getpid (), reason);

  stop_receiving (self);
  proc_connection_close (self->connection);
  proc_connection_cancel_all (self->connection);
  self->exit_code = EXIT_FAILURE;
  set_state (self, ENDED);
}

/* The start failed, and the host is told why. */
static void
give_up (ProcServer *self, const GError *error, GVariant *details, int exit_code)
{
  g_autoptr (ProcMessage) message =
      proc_message_new (PROC_MESSAGE_ERROR, 0, proc_remote_error_to_head (error, details), NULL);

  proc_connection_send (self->connection, message, NULL);
  self->exit_code = exit_code;
  set_state (self, ENDED);
}

/* ---- functions ---- */

static void
wake (ProcServer *self)
{
  g_main_context_wakeup (self->context);
}

/* The main thread may be kept busy here. */
static void
run_invocation (ProcServer *self, ProcInvocation *invocation)
{
  guint64 previous = proc_log_writer_set_task (proc_invocation_get_task_id (invocation));

  proc_sentinel_begin (self->sentinel);
  self->callbacks->run (invocation, self->owner);
  proc_sentinel_end (self->sentinel);

  proc_log_writer_set_task (previous);
}

static ProcMessage *
build_reply (guint64 task_id, ProcFrameFlags flags, GVariant *value, const GError *error, GVariant *details)
{
  ProcMessage *message;

  if (error != NULL)
    message = proc_message_new (PROC_MESSAGE_ERROR, task_id, proc_remote_error_to_head (error, details), NULL);
  else
    message = proc_message_new (PROC_MESSAGE_RESULT, task_id, NULL, value);

  message->flags = flags;
  return message;
}

static void
reply_to_task (ProcInvocation *invocation, GVariant *value, const GError *error, GVariant *details, gpointer user_data)
{
  ProcServer *self = user_data;
  guint64 task_id = proc_invocation_get_task_id (invocation);
  ProcFrameFlags flags;
  g_autoptr (ProcMessage) message = NULL;
  g_autoptr (GError) send_error = NULL;

  if (error != NULL)
    self->callbacks->failed (invocation, error, self->owner);

  flags = self->callbacks->is_retiring (self->owner) ? PROC_FRAME_RETIRE : PROC_FRAME_NONE;
  message = build_reply (task_id, flags, value, error, details);

  /* From here on there is nothing to cancel: what the host sends next is for the main thread. */
  proc_connection_begin_reply (self->connection, proc_invocation_get_in_flight (invocation));

  if (!proc_connection_send (self->connection, message, &send_error) &&
      !g_error_matches (send_error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
    {
      g_autoptr (ProcMessage) refusal = NULL;

      g_prefix_error (&send_error, "the result of “%s”: ", proc_invocation_get_function (invocation));
      refusal = build_reply (task_id, flags, NULL, send_error, NULL);
      proc_connection_send (self->connection, refusal, NULL);
    }

  /* For a main thread that only waits for the last task to leave, or for this one, to begin another. */
  if ((proc_connection_end_reply (self->connection) || get_state (self) >= FINISHING) &&
      !g_main_context_is_owner (self->context))
    wake (self);
}

static void
reply_to_step (ProcInvocation *invocation, GVariant *value, const GError *error, GVariant *details, gpointer user_data)
{
  ProcServer *self = user_data;

  if (error != NULL)
    {
      self->callbacks->failed (invocation, error, self->owner);
      self->step.error = g_error_copy (error);
      self->step.details = details != NULL ? g_variant_ref (details) : NULL;
    }

  proc_connection_remove_task (self->connection, proc_invocation_get_in_flight (invocation));
  g_atomic_int_set (&self->step.replied, TRUE);
  wake (self);
}

static void
begin_step (ProcServer *self, const char *function, GVariant *arguments)
{
  g_autoptr (ProcInvocation) invocation =
      proc_invocation_new (self->connection, 0, function, arguments, NULL, reply_to_step,
                           g_atomic_rc_box_acquire (self), (GDestroyNotify) proc_server_unref);

  /* The host's end cancels the initializer as it does tasks; the finalizer may well run after it. */
  if (get_state (self) == INITIALIZING)
    proc_connection_add_task (self->connection, proc_invocation_get_in_flight (invocation));

  run_invocation (self, invocation);
}

static void
end_step (ProcServer *self)
{
  g_atomic_int_set (&self->step.replied, FALSE);
  g_clear_error (&self->step.error);
  g_clear_pointer (&self->step.details, g_variant_unref);
}

/* ---- messages ---- */

/* Without the right, say in a sandbox, work goes on unpinned. */
static void
pin (ProcServer *self, GVariant *cores)
{
  g_autoptr (GError) error = NULL;
  gsize n_cores;
  const int *ids = g_variant_get_fixed_array (cores, &n_cores, sizeof *ids);

  if (!proc_affinity_pin (ids, n_cores, &error))
    {
      g_warning ("%s", error->message);
      n_cores = 0;
    }

  proc_connection_set_cores (self->connection, ids, n_cores);
}

static void
announce_ready (ProcServer *self)
{
  g_autoptr (ProcMessage) message = proc_message_new (PROC_MESSAGE_READY, 0, NULL, NULL);

  proc_connection_send (self->connection, message, NULL);
  set_state (self, self->finish_requested ? FINISHING : SERVING);
}

static void
request_finish (ProcServer *self)
{
  self->finish_requested = TRUE;

  if (get_state (self) == SERVING)
    set_state (self, FINISHING);
}

static gboolean
enter_directory (const char *directory, GError **error)
{
  if (g_chdir (directory) == 0)
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED,
               "can't change to the working directory “%s”: %s", directory, g_strerror (errno));
  return FALSE;
}

/* For good: what the functions start has it too. */
static gboolean
limit_memory (guint64 limit, GError **error)
{
  struct rlimit memory;

  /* Data rather than address space: what the process may fill, but not programs and what is shared with the host. */
  if (getrlimit (RLIMIT_DATA, &memory) == 0)
    {
      memory.rlim_cur = memory.rlim_max = MIN (memory.rlim_max, limit);
      if (setrlimit (RLIMIT_DATA, &memory) == 0)
        return TRUE;
    }

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED,
               "can't limit the memory to %" G_GUINT64_FORMAT " bytes: %s", limit, g_strerror (errno));
  return FALSE;
}

static void
apply_setup (ProcServer *self, GVariant *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) cores = NULL;
  const char *directory;
  guint64 max_payload;
  guint64 memory_limit;
  guint max_fds;
  guint grace;

  if (g_variant_lookup (options, "cancel-grace", "u", &grace))
    proc_sentinel_set_grace (self->sentinel, grace);

  if (g_variant_lookup (options, "max-payload", "t", &max_payload))
    proc_connection_set_max_payload (self->connection, max_payload);

  if (g_variant_lookup (options, "max-fds", "u", &max_fds) && max_fds == 0)
    proc_connection_forbid_memfd (self->connection);

  if (g_variant_lookup (options, "cwd", "^&ay", &directory) && !enter_directory (directory, &error))
    {
      give_up (self, error, NULL, EXIT_FAILURE);
      return;
    }

  if (g_variant_lookup (options, "memory-limit", "t", &memory_limit) && !limit_memory (memory_limit, &error))
    {
      give_up (self, error, NULL, EXIT_FAILURE);
      return;
    }

  cores = g_variant_lookup_value (options, "cores", G_VARIANT_TYPE ("ai"));
  if (cores != NULL && g_variant_n_children (cores) > 0)
    pin (self, cores);

  g_variant_lookup (options, "finalizer", "s", &self->finalizer);
  g_variant_lookup (options, "initializer-arguments", "v", &self->initializer_arguments);

  if (g_variant_lookup (options, "initializer", "s", &self->initializer))
    {
      set_state (self, INITIALIZING);
      begin_step (self, self->initializer, self->initializer_arguments);
      return;
    }

  announce_ready (self);
}

/* So that the host knows, should this process end. */
static void
note_begun (ProcServer *self, guint64 task_id)
{
  /* Tasks with large arguments may come later than others with higher ids. */
  if (self->mark != NULL && (proc_mark_get (self->mark) == PROC_MARK_UNSET || task_id > proc_mark_get (self->mark)))
    proc_mark_set (self->mark, task_id);
}

static void
handle_setup (ProcServer *self, const ProcMessage *message)
{
  g_autoptr (GVariant) options = NULL;
  const int *fds;
  int n_fds = 0;
  guint version;

  g_variant_get (message->head, "(u@a{sv})", &version, &options);

  if (version != PROC_PROTOCOL_VERSION)
    {
      g_autoptr (GError) error =
          g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_VERSION,
                       "the host speaks version %u of the protocol and this helper, of libprocpool %s, version %d; "
                       "run both with the same version of the library",
                       version, PROC_VERSION_STRING, PROC_PROTOCOL_VERSION);

      give_up (self, error, NULL, PROC_HELPER_EXIT_REFUSED);
      return;
    }

  fds = message->fds != NULL ? g_unix_fd_list_peek_fds (message->fds, &n_fds) : NULL;
  if (n_fds > 0 && self->mark == NULL)
    {
      self->mark = proc_mark_map (fds[0]);
      proc_connection_take_mark (self->connection, self->mark);
    }
  note_begun (self, 0);

  apply_setup (self, options);
}

static void
handle_run (ProcServer *self, const ProcMessage *message)
{
  g_autoptr (ProcInvocation) invocation =
      proc_invocation_new (self->connection, message->task_id, message->function,
                           message->payload, message->fds, reply_to_task,
                           g_atomic_rc_box_acquire (self), (GDestroyNotify) proc_server_unref);

  if (!proc_connection_add_task (self->connection, proc_invocation_get_in_flight (invocation)))
    {
      g_autofree char *reason = g_strdup_printf ("task %" G_GUINT64_FORMAT " is already running here", message->task_id);

      fail (self, reason);
      return;
    }

  if (message->fds_lost)
    {
      g_autoptr (GError) error =
          g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_DESCRIPTORS,
                               "file descriptors of the task were lost: too many are open in the helper process");

      proc_invocation_return_error (invocation, error);
      return;
    }

  if (message->flags & PROC_FRAME_EACH)
    proc_invocation_set_each (invocation);

  note_begun (self, message->task_id);
  run_invocation (self, invocation);
}

static void
handle_message (ProcServer *self, const ProcMessage *message)
{
  ServerState state = get_state (self);
  g_autofree char *reason = NULL;

  if (state == GREETING && message->type == PROC_MESSAGE_SETUP)
    handle_setup (self, message);
  else if (state == SERVING && message->type == PROC_MESSAGE_RUN && message->task_id != 0)
    handle_run (self, message);
  else if (state > GREETING && message->type == PROC_MESSAGE_CANCEL)
    proc_connection_cancel_task (self->connection, message->task_id);
  else if (state > GREETING && message->type == PROC_MESSAGE_PIN)
    pin (self, message->head);
  else if (state > GREETING && message->type == PROC_MESSAGE_FINISH)
    request_finish (self);
  else
    {
      reason = g_strdup_printf ("the host sent %s, which has no place here", proc_message_type_to_string (message->type));
      fail (self, reason);
    }
}

/* Between two frames the end is the host's; within one, or after an error, only the socket can tell it
 * from nonsense.
 */
static gboolean
is_hung_up (ProcServer *self)
{
  struct pollfd descriptor = { proc_connection_get_fd (self->connection), POLLRDHUP, 0 };

  return poll (&descriptor, 1, 0) > 0;
}

/* FALSE if there is no more, for now or ever. */
static gboolean
receive_one (ProcServer *self)
{
  g_autoptr (ProcMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  proc_connection_end_fork (self->connection);

  switch (proc_connection_receive (self->connection, &message, &error))
    {
    case PROC_CHANNEL_OK:
      handle_message (self, message);
      return self->source != NULL;

    case PROC_CHANNEL_END:
      lose_host (self);
      return FALSE;

    case PROC_CHANNEL_ERROR:
      if (is_hung_up (self))
        lose_host (self);
      else
        fail (self, error->message);
      return FALSE;

    case PROC_CHANNEL_AGAIN:
    default:
      return FALSE;
    }
}

/* Both sides are awake as long as the host asks for one small task after the other. A helper that has found the next task soon
 * waits for it here before it goes to sleep, if the host says that there is a processor to spare. One that waited in vain
 * doesn't try again until there was a task soon once more, so that one which is idle does nothing at all.
 */
static gboolean
wait_briefly (ProcServer *self, guint64 n_sent)
{
  if (!self->expects_soon || !proc_mark_get_spare (self->mark) || get_state (self) != SERVING || proc_connection_get_n_tasks (self->connection) > 0)
    return FALSE;

  self->expects_soon = proc_mark_wait (self->mark, PROC_MARK_HOST, n_sent, &self->awake);
  return self->expects_soon;
}

/* How often the host has sent something, looked at before what was sent. */
static guint64
get_n_sent (ProcServer *self)
{
  return self->mark != NULL ? proc_mark_get_n_sent (self->mark, PROC_MARK_HOST) : 0;
}

/* What is there, but not for long, so that the main loop's other sources have their turn. */
static gboolean
receive (gpointer user_data)
{
  ProcServer *self = user_data;
  ServerState state = get_state (self);
  gint64 now = g_get_monotonic_time ();
  gint64 end = now + MAX_TURN;
  guint64 n_sent;

  self->expects_soon = self->mark != NULL && now - self->asleep_since < SOON;

  do
    {
      n_sent = get_n_sent (self);
      /* A new state is first seen to by the main loop. */
      while (receive_one (self) && get_state (self) == state && g_get_monotonic_time () < end)
        n_sent = get_n_sent (self);
    }
  while (self->source != NULL && get_state (self) == state && g_get_monotonic_time () < end && wait_briefly (self, n_sent));

  self->asleep_since = g_get_monotonic_time ();
  return G_SOURCE_CONTINUE;
}

/* ---- the main loop ---- */

static void
start_receiving (ProcServer *self)
{
  self->source = proc_connection_source_new (self->connection);
  g_source_set_callback (self->source, receive, self, NULL);
  g_source_attach (self->source, self->context);
}

static void
leave_initializing (ProcServer *self)
{
  if (self->step.error != NULL)
    give_up (self, self->step.error, self->step.details, EXIT_FAILURE);
  else
    announce_ready (self);

  end_step (self);
}

static void
advance (ProcServer *self)
{
  ServerState state = get_state (self);

  if (state == INITIALIZING && g_atomic_int_get (&self->step.replied))
    leave_initializing (self);
  else if (state == FINISHING && proc_connection_get_n_tasks (self->connection) == 0)
    set_state (self, FINALIZING);
}

static void
finalize (ProcServer *self)
{
  if (self->finalizer != NULL)
    {
      begin_step (self, self->finalizer, NULL);
      while (get_state (self) == FINALIZING && !g_atomic_int_get (&self->step.replied))
        g_main_context_iteration (self->context, TRUE);

      if (self->step.error != NULL)
        g_warning ("the finalizer “%s” failed: %s", self->finalizer, self->step.error->message);

      end_step (self);
    }

  set_state (self, ENDED);
}

int
proc_server_serve (ProcServer *self)
{
  /* All along, lest another thread's g_main_context_invoke() takes it between two iterations. */
  if (!g_main_context_acquire (self->context))
    {
      fail (self, "another thread runs the main context that the helper needs");
      return self->exit_code;
    }

  self->sentinel = proc_sentinel_new (self->connection);
  start_receiving (self);

  while (get_state (self) < FINALIZING)
    {
      g_main_context_iteration (self->context, TRUE);
      advance (self);
    }

  if (get_state (self) == FINALIZING)
    finalize (self);

  /* However it came to this: without a host nobody else ends the descendants. The sentinel is still
   * there, should flushing hang.
   */
  if (is_hung_up (self) && proc_own_process_leads_group ())
    {
      fflush (NULL);
      proc_own_process_kill ();
    }

  stop_receiving (self);
  g_clear_pointer (&self->sentinel, proc_sentinel_free);
  proc_connection_close (self->connection);
  g_main_context_release (self->context);

  return self->exit_code;
}

/* ---- making ---- */

ProcServer *
proc_server_new (int fd, const ProcServerCallbacks *callbacks, gpointer owner)
{
  ProcServer *self = g_atomic_rc_box_new0 (ProcServer);

  self->callbacks = callbacks;
  self->owner = g_object_ref (owner);
  self->connection = proc_connection_new (fd);
  self->context = g_main_context_ref_thread_default ();
  self->state = GREETING;
  self->exit_code = EXIT_SUCCESS;

  return self;
}

static void
server_clear (gpointer data)
{
  ProcServer *self = data;

  end_step (self);
  g_clear_pointer (&self->connection, proc_connection_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->initializer, g_free);
  g_clear_pointer (&self->initializer_arguments, g_variant_unref);
  g_clear_pointer (&self->finalizer, g_free);
  g_clear_object (&self->owner);
}

void
proc_server_unref (ProcServer *self)
{
  g_atomic_rc_box_release_full (self, server_clear);
}

ProcConnection *
proc_server_get_connection (ProcServer *self)
{
  return self->connection;
}

gboolean
proc_server_greet (ProcServer *self, const char *build_id)
{
  g_autoptr (ProcMessage) message = NULL;
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "library", g_variant_new_string (PROC_VERSION_STRING));
  g_variant_builder_add (&options, "{sv}", "borrows", g_variant_new_boolean (TRUE));
  if (build_id != NULL)
    g_variant_builder_add (&options, "{sv}", "build-id", g_variant_new_string (build_id));
  message = proc_message_new (PROC_MESSAGE_HELLO, 0,
                              g_variant_new ("(uua{sv})", PROC_PROTOCOL_VERSION, (guint32) getpid (), &options), NULL);

  return proc_connection_send (self->connection, message, NULL);
}

void
proc_server_refuse (ProcServer *self, const GError *error)
{
  give_up (self, error, NULL, PROC_HELPER_EXIT_REFUSED);
}
