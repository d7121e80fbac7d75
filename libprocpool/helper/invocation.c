/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/invocation-private.h"

#include <math.h>

#include "base/error.h"

/**
 * ProcInvocation:
 *
 * One task, as the helper process sees it.
 *
 * A function gets it with its arguments. It tells what was asked for, takes reports on the way
 * (proc_invocation_progress(), proc_invocation_output()) and, for an async function, the reply: exactly
 * one of proc_invocation_return_value() and proc_invocation_return_error(). If the last reference goes
 * without a reply, the task fails with %PROC_POOL_ERROR_NO_REPLY.
 *
 * All its methods may be called from any thread.
 *
 * Since: 1.0
 */

/* States: open until one of the return functions, or dispose, makes @replied true; from then on progress
 * and output are ignored and @owner is released.
 */
struct _ProcInvocation
{
  GObject parent_instance;

  ProcConnection *connection;
  ProcInFlight in_flight;
  char *function;
  GVariant *arguments;
  GUnixFDList *fds;
  gboolean each; /* @arguments are an array, for each element of which the function is meant */

  /* Atomic: who makes it true replies. True from the start for one that isn't made by the helper. */
  gint replied;
  ProcInvocationReply reply;
  gpointer owner;
  GDestroyNotify release_owner;

  /* All arrays that proc_invocation_get_cores() has returned, which stay valid; the current one last. */
  GMutex cores_mutex;
  GPtrArray *cores;
};

G_DEFINE_FINAL_TYPE (ProcInvocation, proc_invocation, G_TYPE_OBJECT)

/* FALSE if there is a reply already. */
static gboolean
claim_reply (ProcInvocation *self)
{
  return g_atomic_int_compare_and_exchange (&self->replied, FALSE, TRUE);
}

static void
let_owner_go (ProcInvocation *self)
{
  if (self->release_owner != NULL)
    g_clear_pointer (&self->owner, self->release_owner);
}

/* By whom claim_reply() returned TRUE to. */
static void
finish_reply (ProcInvocation *self, GVariant *value, const GError *error, GVariant *details)
{
  self->reply (self, value, error, details, self->owner);
  let_owner_go (self);
}

static void
proc_invocation_dispose (GObject *object)
{
  ProcInvocation *self = PROC_INVOCATION (object);

  /* In a fork of the helper process that is cleaning up, this is somebody else's invocation. */
  if (!g_atomic_int_get (&self->replied) && proc_connection_is_own (self->connection) && claim_reply (self))
    {
      g_autoptr (GError) error =
          g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_NO_REPLY,
                       "the function “%s” dropped its invocation without a reply; an async function has to "
                       "return a value or an error",
                       self->function);

      finish_reply (self, NULL, error, NULL);
    }

  G_OBJECT_CLASS (proc_invocation_parent_class)->dispose (object);
}

static void
proc_invocation_finalize (GObject *object)
{
  ProcInvocation *self = PROC_INVOCATION (object);

  if (self->connection != NULL)
    proc_connection_remove_task (self->connection, &self->in_flight);
  let_owner_go (self);
  g_clear_pointer (&self->connection, proc_connection_unref);
  g_clear_pointer (&self->function, g_free);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_object (&self->fds);
  g_clear_object (&self->in_flight.cancellable);
  g_clear_pointer (&self->cores, g_ptr_array_unref);
  g_mutex_clear (&self->cores_mutex);

  G_OBJECT_CLASS (proc_invocation_parent_class)->finalize (object);
}

static void
proc_invocation_class_init (ProcInvocationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = proc_invocation_dispose;
  object_class->finalize = proc_invocation_finalize;
}

static void
proc_invocation_init (ProcInvocation *self)
{
  self->replied = TRUE;
  g_mutex_init (&self->cores_mutex);
}

ProcInvocation *
proc_invocation_new (ProcConnection *connection,
                     guint64 task_id,
                     const char *function,
                     GVariant *arguments,
                     GUnixFDList *fds,
                     ProcInvocationReply reply,
                     gpointer owner,
                     GDestroyNotify release_owner)
{
  ProcInvocation *self = g_object_new (PROC_TYPE_INVOCATION, NULL);

  self->connection = proc_connection_ref (connection);
  self->in_flight.id = task_id;
  self->function = g_strdup (function);
  self->arguments = g_variant_ref_sink (arguments != NULL ? arguments : g_variant_new_tuple (NULL, 0));
  g_set_object (&self->fds, fds);
  self->reply = reply;
  self->owner = owner;
  self->release_owner = release_owner;
  self->replied = FALSE;

  return self;
}

ProcInvocation *
proc_invocation_new_item (ProcInvocation *parent, GVariant *arguments, ProcInvocationReply reply, gpointer owner)
{
  ProcInvocation *self = proc_invocation_new (parent->connection, parent->in_flight.id, parent->function, arguments, parent->fds, reply, owner, NULL);

  self->in_flight.cancellable = g_object_ref (proc_invocation_get_cancellable (parent));

  return self;
}

void
proc_invocation_set_each (ProcInvocation *self)
{
  self->each = TRUE;
}

gboolean
proc_invocation_is_each (ProcInvocation *self)
{
  return self->each;
}

void
proc_invocation_set_arguments (ProcInvocation *self, GVariant *arguments)
{
  g_variant_unref (self->arguments);
  self->arguments = g_variant_ref (arguments);
}

ProcInFlight *
proc_invocation_get_in_flight (ProcInvocation *self)
{
  return &self->in_flight;
}

guint64
proc_invocation_get_task_id (ProcInvocation *self)
{
  return self->in_flight.id;
}

/**
 * proc_invocation_get_function:
 * @self: a #ProcInvocation
 *
 * Gets the name of the task's function.
 *
 * Returns: the name of the function that was asked for, which a fallback
 *   (proc_helper_set_fallback()) needs to know
 *
 * Since: 1.0
 */
const char *
proc_invocation_get_function (ProcInvocation *self)
{
  g_return_val_if_fail (PROC_IS_INVOCATION (self), NULL);

  return self->function;
}

/**
 * proc_invocation_get_arguments:
 * @self: a #ProcInvocation
 *
 * Gets the task's arguments.
 *
 * Returns: (transfer none): the task's arguments; `()` for a task without any
 *
 * Since: 1.0
 */
GVariant *
proc_invocation_get_arguments (ProcInvocation *self)
{
  g_return_val_if_fail (PROC_IS_INVOCATION (self), NULL);

  return self->arguments;
}

/**
 * proc_invocation_get_cancellable:
 * @self: a #ProcInvocation
 *
 * Cancelled when the task is cancelled, or times out, or its host is gone. The function should come to
 * an end then, with whatever result or error: nobody waits for it. The helper process is ended if it
 * takes longer than #ProcPool:cancel-grace.
 *
 * While a function keeps the main thread busy, it is another thread that cancels: a handler of
 * #GCancellable::cancelled runs in that thread, some 20 ms after the host's wish. A handler that must
 * not run in another thread (one in JavaScript, say) isn't fit for a sync function, which had rather ask
 * g_cancellable_is_cancelled() now and then.
 *
 * Returns: (transfer none): the cancellable, always the same
 *
 * Since: 1.0
 */
GCancellable *
proc_invocation_get_cancellable (ProcInvocation *self)
{
  g_return_val_if_fail (PROC_IS_INVOCATION (self), NULL);

  return proc_connection_get_cancellable (self->connection, &self->in_flight);
}

/**
 * proc_invocation_get_fds:
 * @self: a #ProcInvocation
 *
 * The descriptors belong to the invocation and are closed with it; duplicate one
 * (g_unix_fd_list_get()) or take them all (g_unix_fd_list_steal_fds()) to keep it longer.
 *
 * Returns: (transfer none) (nullable): the descriptors that came with the task (#ProcTask:fds), %NULL for
 *   none
 *
 * Since: 1.0
 */
GUnixFDList *
proc_invocation_get_fds (ProcInvocation *self)
{
  g_return_val_if_fail (PROC_IS_INVOCATION (self), NULL);

  return self->fds;
}

/* Returns what is to stay valid as long as @self. Takes @cores. */
static GBytes *
keep_cores (ProcInvocation *self, GBytes *cores)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->cores_mutex);
  GBytes *last = NULL;

  if (self->cores == NULL)
    self->cores = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  if (self->cores->len > 0)
    last = g_ptr_array_index (self->cores, self->cores->len - 1);

  if (last == cores)
    g_bytes_unref (cores);
  else
    g_ptr_array_add (self->cores, cores);

  return cores;
}

/**
 * proc_invocation_get_cores:
 * @self: a #ProcInvocation
 * @n_cores: (out): the number of cores
 *
 * The cores that the helper process is pinned to at this moment: as many threads are worth using. For a
 * worker with one task at a time they don't change while it runs.
 *
 * Returns: (transfer none) (array length=n_cores) (nullable): the ids of the cores, valid as long as
 *   @self; %NULL if the process isn't pinned
 *
 * Since: 1.0
 */
const int *
proc_invocation_get_cores (ProcInvocation *self, gsize *n_cores)
{
  GBytes *cores;
  gsize size;
  const int *ids;

  g_return_val_if_fail (PROC_IS_INVOCATION (self), NULL);
  g_return_val_if_fail (n_cores != NULL, NULL);

  *n_cores = 0;
  cores = self->connection != NULL ? proc_connection_dup_cores (self->connection) : NULL;
  if (cores == NULL)
    return NULL;

  ids = g_bytes_get_data (keep_cores (self, cores), &size);
  *n_cores = size / sizeof *ids;
  return ids;
}

static gboolean
is_listened_to (ProcInvocation *self)
{
  return self->in_flight.id != 0 && !g_atomic_int_get (&self->replied);
}

/**
 * proc_invocation_progress:
 * @self: a #ProcInvocation
 * @fraction: how much is done, from 0 to 1; what is beyond is cut
 * @text: (nullable): what is being done, for people to read
 *
 * Reports on the way: #ProcTask:progress and #ProcTask:progress-text in the host. Ignored after the
 * reply.
 *
 * Waits while the host reads slower than the helper reports.
 *
 * Since: 1.0
 */
void
proc_invocation_progress (ProcInvocation *self, double fraction, const char *text)
{
  g_autoptr (ProcMessage) message = NULL;
  g_autofree char *valid = NULL;

  g_return_if_fail (PROC_IS_INVOCATION (self));
  g_return_if_fail (!isnan (fraction));

  if (!is_listened_to (self))
    return;

  valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  message = proc_message_new (PROC_MESSAGE_PROGRESS, self->in_flight.id,
                              g_variant_new ("(ds)", CLAMP (fraction, 0.0, 1.0), valid), NULL);

  /* Too long a text is the one failure that isn't the host's end. */
  if (!proc_connection_send (self->connection, message, NULL))
    g_debug ("progress of “%s” not sent", self->function);
}

/**
 * proc_invocation_output:
 * @self: a #ProcInvocation
 * @value: a part of the result; consumed if it is floating
 *
 * Hands a partial value to the host before the result is there: #ProcTask::output. Ignored after the
 * reply.
 *
 * Waits while the host reads slower than the helper writes. A value above the limit on one message is
 * dropped with a warning.
 *
 * Since: 1.0
 */
void
proc_invocation_output (ProcInvocation *self, GVariant *value)
{
  g_autoptr (GVariant) sunk = NULL;
  g_autoptr (ProcMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (PROC_IS_INVOCATION (self));
  g_return_if_fail (value != NULL);

  sunk = g_variant_ref_sink (value);
  if (!is_listened_to (self))
    return;

  message = proc_message_new (PROC_MESSAGE_OUTPUT, self->in_flight.id, NULL, sunk);
  if (!proc_connection_send (self->connection, message, &error) &&
      !g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
    g_warning ("a partial value of “%s” is dropped: %s", self->function, error->message);
}

/**
 * proc_invocation_return_value:
 * @self: a #ProcInvocation
 * @value: (nullable): the result, consumed if it is floating; %NULL for a function without a result
 *
 * Replies to the task. Waits until the reply is written to the channel.
 *
 * A second reply is a programmer's error, and the first one counts.
 *
 * Since: 1.0
 */
void
proc_invocation_return_value (ProcInvocation *self, GVariant *value)
{
  g_autoptr (GVariant) sunk = NULL;

  g_return_if_fail (PROC_IS_INVOCATION (self));

  if (value != NULL)
    sunk = g_variant_ref_sink (value);

  if (claim_reply (self))
    finish_reply (self, sunk, NULL, NULL);
  else
    g_critical ("the function “%s” has replied already: its further value is dropped", self->function);
}

/**
 * proc_invocation_return_error:
 * @self: a #ProcInvocation
 * @error: why the task fails
 *
 * Replies to the task with an error: the host gets its domain, code and message, or
 * %PROC_POOL_ERROR_REMOTE for a domain that the host doesn't know.
 *
 * A second reply is a programmer's error, and the first one counts.
 *
 * Since: 1.0
 */
void
proc_invocation_return_error (ProcInvocation *self, const GError *error)
{
  proc_invocation_return_error_with_details (self, error, NULL);
}

/**
 * proc_invocation_return_error_with_details:
 * @self: a #ProcInvocation
 * @error: why the task fails
 * @details: (nullable): an `a{sv}` with what a #GError has no room for, as a traceback; consumed if it is
 *   floating
 *
 * As proc_invocation_return_error(); @details are what #ProcTask:error-details tells in the host.
 *
 * Since: 1.0
 */
void
proc_invocation_return_error_with_details (ProcInvocation *self, const GError *error, GVariant *details)
{
  g_autoptr (GVariant) sunk = NULL;

  g_return_if_fail (PROC_IS_INVOCATION (self));
  g_return_if_fail (error != NULL);
  g_return_if_fail (details == NULL || g_variant_is_of_type (details, G_VARIANT_TYPE_VARDICT));

  if (details != NULL)
    sunk = g_variant_ref_sink (details);

  if (claim_reply (self))
    finish_reply (self, NULL, error, sunk);
  else
    g_critical ("the function “%s” has replied already: its further error is dropped", self->function);
}
