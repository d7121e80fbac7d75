/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/worker-parts.h"
#include "wire/remote-error.h"

/* What the helper says: in which state a message is welcome, and what it means. */

static void
refuse_message (ProcWorker *self, ProcMessage *message, const char *why)
{
  proc_worker_break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                                            "Helper process %d sent %s for task %" G_GUINT64_FORMAT ": %s",
                                            self->pid, proc_message_type_to_string (message->type), message->task_id, why));
}

/* Handshake */

static void
handle_hello (ProcWorker *self, ProcMessage *message)
{
  g_autoptr (GVariant) options = NULL;
  guint32 version;
  guint32 pid;
  gboolean borrows;

  if (self->shaken)
    {
      refuse_message (self, message, "it did so before");
      return;
    }

  g_variant_get (message->head, "(uu@a{sv})", &version, &pid, &options);
  if (version != PROC_PROTOCOL_VERSION)
    {
      proc_worker_break_off (self, g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_VERSION,
                                                "The helper speaks version %u of the protocol and this program version %u: "
                                                "build both against the same libprocpool",
                                                version, PROC_PROTOCOL_VERSION));
      return;
    }

  self->shaken = TRUE;
  if (g_variant_lookup (options, "borrows", "b", &borrows) && borrows)
    proc_channel_lend (self->channel);
  if (g_variant_lookup (options, "build-id", "s", &self->build_id))
    proc_worker_note_change (self, PROP_BUILD_ID);
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
  proc_worker_set_state (self, PROC_WORKER_STATE_IDLE);
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

  proc_worker_fail (self, g_steal_pointer (&error));
  /* It is about to exit by itself, and its exit code may say that another try is pointless. */
  proc_worker_await_end (self);
}

/* Runs */

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

  proc_worker_take_run (self, message->task_id);
  if (!self->detached)
    self->callbacks.replied (self, run, error ? NULL : message->payload, error, details, retire, self->user_data);
}

static void
handle_returned (ProcWorker *self, ProcMessage *message, gpointer run)
{
  gpointer id = GSIZE_TO_POINTER ((gsize) message->task_id);

  g_hash_table_remove (self->runs, id);
  if (self->state == PROC_WORKER_STATE_BUSY && g_hash_table_size (self->runs) == 0)
    proc_worker_set_state (self, PROC_WORKER_STATE_IDLE);

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
handle_task_message (ProcWorker *self, ProcMessage *message)
{
  gpointer run = g_hash_table_lookup (self->runs, GSIZE_TO_POINTER ((gsize) message->task_id));
  gboolean unsent = g_hash_table_contains (self->fillers, GSIZE_TO_POINTER ((gsize) message->task_id));

  if (message->type == PROC_MESSAGE_LOG)
    {
      proc_worker_handle_log (self, message, run);
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

void
proc_worker_handle_message (ProcWorker *self, ProcMessage *message)
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
