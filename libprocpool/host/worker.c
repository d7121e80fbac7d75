/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "worker.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/enum-types.h"
#include "base/error.h"
#include "host/worker-parts.h"

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

/* The object: its properties, when changes of them are told, and its public face. worker-parts.h tells its states. */

/**
 * ProcWorker:
 *
 * The host's object for one helper process.
 */

G_DEFINE_FINAL_TYPE (ProcWorker, proc_worker, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

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

void
proc_worker_note_change (ProcWorker *self, guint property)
{
  self->changes |= 1 << property;
  if (!self->notifying.func)
    proc_reactor_emit (self->reactor, &self->notifying, notify_changes, g_object_ref (self));
}

void
proc_worker_set_state (ProcWorker *self, ProcWorkerState state)
{
  if (self->state == state)
    return;

  self->state = state;
  proc_worker_note_change (self, PROP_STATE);
}

static void
proc_worker_finalize (GObject *object)
{
  ProcWorker *self = PROC_WORKER (object);

  proc_worker_close_channel (self);
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
