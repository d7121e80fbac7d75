/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "task.h"

#include "base/enum-types.h"
#include "host/task-parts.h"
#include "wire/command.h"

/**
 * SECTION:task
 * @Title: ProcTask
 * @Short_description: one piece of work
 *
 * A #ProcTask names a function of the helper and its arguments, says what it needs (cores, a timeout, how
 * often it may be tried), and, once it is run with proc_pool_run_async(), tells how far it is. For a call
 * that needs nothing of this, proc_pool_call_async() makes the task by itself.
 *
 * A task runs once: to run the same work again, make another. Its needs can be set until it runs.
 *
 * # External commands
 *
 * proc_task_new_command() makes a task of an external program: the helper process runs it and replies
 * with its exit status and what it wrote. All that holds for tasks holds for it: it waits its turn, gets
 * cores, is timed out and cancelled, and is gone with its helper. Its result is of type `(iiayay)`: the exit status
 * (-1 if a signal ended it), the signal that ended it (0 if it exited), its standard output and its
 * standard error. A status other than 0 is a result, not an error.
 *
 * # Threads
 *
 * Once a task runs, it belongs to the main context of its pool: its signals and notifications come in
 * that context, and its state is to be read there.
 */

/**
 * ProcTask:
 *
 * One piece of work. See proc_task_new().
 */

G_DEFINE_FINAL_TYPE (ProcTask, proc_task, G_TYPE_OBJECT)

GParamSpec *proc_task_properties[N_PROPS];
guint proc_task_signals[N_SIGNALS];

static void
proc_task_finalize (GObject *object)
{
  ProcTask *self = PROC_TASK (object);

  g_free (self->function);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_pointer (&self->input, g_bytes_unref);
  g_free (self->name);
  g_clear_object (&self->fds);
  g_clear_object (&self->worker);
  g_free (self->progress_text);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->error_details, g_variant_unref);
  g_clear_pointer (&self->outputs, proc_outputs_free);

  G_OBJECT_CLASS (proc_task_parent_class)->finalize (object);
}

static void
proc_task_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcTask *self = PROC_TASK (object);

  switch (property_id)
    {
    case PROP_FUNCTION:
      g_value_set_string (value, self->function);
      break;
    case PROP_ARGUMENTS:
      g_value_set_variant (value, self->arguments);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_CORES:
      g_value_set_uint (value, self->cores);
      break;
    case PROP_PRIORITY:
      g_value_set_int (value, self->priority);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value, self->timeout);
      break;
    case PROP_MAX_ATTEMPTS:
      g_value_set_uint (value, self->max_attempts);
      break;
    case PROP_ISOLATION:
      g_value_set_enum (value, self->isolation);
      break;
    case PROP_MAX_OUTPUTS:
      g_value_set_uint (value, self->max_outputs);
      break;
    case PROP_FDS:
      g_value_set_object (value, self->fds);
      break;
    case PROP_INPUT:
      g_value_set_boxed (value, self->input);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_WORKER:
      g_value_set_object (value, self->worker);
      break;
    case PROP_PID:
      g_value_set_int (value, self->pid);
      break;
    case PROP_ATTEMPTS:
      g_value_set_uint (value, self->attempts);
      break;
    case PROP_PROGRESS:
      g_value_set_double (value, self->progress);
      break;
    case PROP_N_OUTPUTS:
      g_value_set_uint (value, proc_task_get_n_outputs (self));
      break;
    case PROP_PROGRESS_TEXT:
      g_value_set_string (value, self->progress_text);
      break;
    case PROP_QUEUED_TIME:
      g_value_set_int64 (value, self->queued_time);
      break;
    case PROP_STARTED_TIME:
      g_value_set_int64 (value, self->started_time);
      break;
    case PROP_FINISHED_TIME:
      g_value_set_int64 (value, self->finished_time);
      break;
    case PROP_ERROR_DETAILS:
      g_value_set_variant (value, self->error_details);
      break;
    case PROP_RESULT:
      g_value_set_variant (value, self->result);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

gboolean
proc_task_is_new (ProcTask *self)
{
  return !g_atomic_int_get (&self->claimed);
}

/* Not construct-only, which would make each task dearer; they have no setters since who makes a task knows
 * what it is to do.
 */
static void
set_function (ProcTask *self, const char *function)
{
  g_return_if_fail (proc_task_is_new (self));

  if (g_strcmp0 (self->function, function) == 0)
    return;

  g_free (self->function);
  self->function = g_strdup (function);
  g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[PROP_FUNCTION]);
}

static void
set_arguments (ProcTask *self, GVariant *arguments)
{
  g_return_if_fail (proc_task_is_new (self));

  if (self->arguments == arguments)
    return;

  g_clear_pointer (&self->arguments, g_variant_unref);
  self->arguments = arguments ? g_variant_ref_sink (arguments) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[PROP_ARGUMENTS]);
}

static void
proc_task_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcTask *self = PROC_TASK (object);

  switch (property_id)
    {
    case PROP_FUNCTION:
      set_function (self, g_value_get_string (value));
      break;
    case PROP_ARGUMENTS:
      set_arguments (self, g_value_get_variant (value));
      break;
    case PROP_NAME:
      proc_task_set_name (self, g_value_get_string (value));
      break;
    case PROP_CORES:
      proc_task_set_cores (self, g_value_get_uint (value));
      break;
    case PROP_PRIORITY:
      proc_task_set_priority (self, g_value_get_int (value));
      break;
    case PROP_TIMEOUT:
      proc_task_set_timeout (self, g_value_get_uint (value));
      break;
    case PROP_MAX_ATTEMPTS:
      proc_task_set_max_attempts (self, g_value_get_uint (value));
      break;
    case PROP_ISOLATION:
      proc_task_set_isolation (self, g_value_get_enum (value));
      break;
    case PROP_MAX_OUTPUTS:
      proc_task_set_max_outputs (self, g_value_get_uint (value));
      break;
    case PROP_FDS:
      proc_task_set_fds (self, g_value_get_object (value));
      break;
    case PROP_INPUT:
      proc_task_set_input (self, g_value_get_boxed (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_task_class_init (ProcTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags writable = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = proc_task_finalize;
  object_class->get_property = proc_task_get_property;
  object_class->set_property = proc_task_set_property;

  /**
   * ProcTask:function:
   *
   * The name of the function to run in the helper process. As all that says what a task is to do and what it
   * needs, to be set before it runs.
   */
  proc_task_properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, writable);

  /**
   * ProcTask:arguments:
   *
   * The function's arguments, a value of any type; %NULL for none.
   */
  proc_task_properties[PROP_ARGUMENTS] = g_param_spec_variant ("arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, writable);

  /**
   * ProcTask:name:
   *
   * What the task is called in errors, beside its function; say the file that it works on.
   */
  proc_task_properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, writable);

  /**
   * ProcTask:cores:
   *
   * How many cores of #ProcPool:cores the task draws while it runs. Its helper process is pinned to them
   * where the resource names its cores. 0, the default: none; the task is then bounded by
   * #ProcPool:max-workers alone.
   */
  proc_task_properties[PROP_CORES] = g_param_spec_uint ("cores", NULL, NULL, 0, G_MAXINT, 0, writable);

  /**
   * ProcTask:priority:
   *
   * Queued tasks start in the order of their priorities, higher ones first, and within one priority first
   * come, first served. A running task is never interrupted for another.
   */
  proc_task_properties[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, writable);

  /**
   * ProcTask:timeout:
   *
   * How long an attempt may run, in milliseconds from when it is given to a worker; time in the queue
   * doesn't count. After it the run fails with %PROC_POOL_ERROR_TIMED_OUT and the helper is dealt with as
   * when cancelled. 0, the default: for ever.
   */
  proc_task_properties[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 0, G_MAXUINT, 0, writable);

  /**
   * ProcTask:max-attempts:
   *
   * How often the task may be started, the first time included, if its helper processes crash under it. A
   * task that fails by itself or is timed out isn't tried again. 1, the default: at most once.
   */
  proc_task_properties[PROP_MAX_ATTEMPTS] = g_param_spec_uint ("max-attempts", NULL, NULL, 1, G_MAXUINT, 1, writable);

  /**
   * ProcTask:isolation:
   *
   * What the task may share its helper process with.
   */
  proc_task_properties[PROP_ISOLATION] = g_param_spec_enum ("isolation", NULL, NULL, PROC_TYPE_ISOLATION, PROC_ISOLATION_SHARED, writable);

  /**
   * ProcTask:max-outputs:
   *
   * How many partial values may wait for proc_task_next_output_async(), 1 or more; 0, the default, if they are
   * told by #ProcTask::output instead, as they come.
   *
   * When so many wait, the helper process isn't listened to until half of them were taken: a function that is faster than
   * who takes its values is held up in proc_invocation_output() as soon as the channel is full, which takes some hundred KB.
   * A task with such a limit has its helper process for itself, as with %PROC_ISOLATION_EXCLUSIVE.
   */
  proc_task_properties[PROP_MAX_OUTPUTS] = g_param_spec_uint ("max-outputs", NULL, NULL, 0, G_MAXUINT, 0, writable);

  /**
   * ProcTask:fds:
   *
   * File descriptors for the function, which gets duplicates by proc_invocation_get_fds(); at most 63.
   */
  proc_task_properties[PROP_FDS] = g_param_spec_object ("fds", NULL, NULL, G_TYPE_UNIX_FD_LIST, writable);

  /**
   * ProcTask:input:
   *
   * What a command is given on its standard input; %NULL: it finds it empty. Only for tasks of
   * proc_task_new_command().
   */
  proc_task_properties[PROP_INPUT] = g_param_spec_boxed ("input", NULL, NULL, G_TYPE_BYTES, writable);

  /**
   * ProcTask:state:
   *
   * How far the task is.
   */
  proc_task_properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, PROC_TYPE_TASK_STATE, PROC_TASK_STATE_NEW, read_only);

  /**
   * ProcTask:worker:
   *
   * The worker that runs the task or ran it last; %NULL before.
   */
  proc_task_properties[PROP_WORKER] = g_param_spec_object ("worker", NULL, NULL, PROC_TYPE_WORKER, read_only);

  /**
   * ProcTask:pid:
   *
   * The process id of the helper process that runs the task or ran it last; 0 before.
   */
  proc_task_properties[PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, read_only);

  /**
   * ProcTask:attempts:
   *
   * How often the task was started.
   */
  proc_task_properties[PROP_ATTEMPTS] = g_param_spec_uint ("attempts", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcTask:progress:
   *
   * What the function told last of its progress, from 0.0 to 1.0.
   */
  proc_task_properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0.0, 1.0, 0.0, read_only);

  /**
   * ProcTask:progress-text:
   *
   * The text that came with #ProcTask:progress; %NULL if none did.
   */
  proc_task_properties[PROP_PROGRESS_TEXT] = g_param_spec_string ("progress-text", NULL, NULL, NULL, read_only);

  /**
   * ProcTask:queued-time:
   *
   * When the task was given to the pool: microseconds of g_get_monotonic_time(), 0 before.
   */
  proc_task_properties[PROP_QUEUED_TIME] = g_param_spec_int64 ("queued-time", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * ProcTask:started-time:
   *
   * When the last attempt was given to a worker: microseconds of g_get_monotonic_time(), 0 before.
   */
  proc_task_properties[PROP_STARTED_TIME] = g_param_spec_int64 ("started-time", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * ProcTask:finished-time:
   *
   * When the task was done: microseconds of g_get_monotonic_time(), 0 before.
   */
  proc_task_properties[PROP_FINISHED_TIME] = g_param_spec_int64 ("finished-time", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * ProcTask:n-outputs:
   *
   * How many partial values wait for proc_task_next_output_async(); see #ProcTask:max-outputs. Notified when one has
   * come, and at the end of the run; not when one is taken.
   */
  proc_task_properties[PROP_N_OUTPUTS] = g_param_spec_uint ("n-outputs", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcTask:result:
   *
   * What the function returned, once the task has succeeded; %NULL before, and if it hasn't. It is what
   * proc_pool_run_finish() returns, for who looks at tasks later: a list of them, say. It is kept as long as the task is.
   */
  proc_task_properties[PROP_RESULT] = g_param_spec_variant ("result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, read_only);

  /**
   * ProcTask:error:
   *
   * Why the task has failed or was cancelled; %NULL before, and if it succeeded. It is what proc_pool_run_finish() sets.
   */
  proc_task_properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, read_only);

  /**
   * ProcTask:error-details:
   *
   * What the function sent along with its error by proc_invocation_return_error_with_details(), a
   * dictionary of type `a{sv}`: a traceback, say. %NULL if there is none.
   */
  proc_task_properties[PROP_ERROR_DETAILS] = g_param_spec_variant ("error-details", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL, read_only);

  g_object_class_install_properties (object_class, N_PROPS, proc_task_properties);

  /**
   * ProcTask::progressed:
   * @self: the task
   * @fraction: from 0.0 to 1.0
   * @text: (nullable): what is being done
   *
   * The function told its progress. When it does so faster than the main loop turns, only the last of
   * each turn is told.
   */
  proc_task_signals[SIGNAL_PROGRESSED] = g_signal_new ("progressed", PROC_TYPE_TASK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                     G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_STRING);

  /**
   * ProcTask::output:
   * @self: the task
   * @value: a partial value
   *
   * The function sent a value ahead of its result, by proc_invocation_output(). All come, in order, before
   * the run completes. Not emitted if #ProcTask:max-outputs is set: proc_task_next_output_async() then takes them
   * one by one.
   */
  proc_task_signals[SIGNAL_OUTPUT] = g_signal_new ("output", PROC_TYPE_TASK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                   G_TYPE_NONE, 1, G_TYPE_VARIANT);
}

static void
proc_task_init (ProcTask *self)
{
  self->max_attempts = 1;
}

/**
 * proc_task_new:
 * @function: the name of a function of the helper: one that it registered, or a name that its
 *   fallback understands
 * @arguments: (nullable): its arguments, of any type; a floating reference is taken
 *
 * Makes a task. It does nothing until it is run with proc_pool_run_async().
 *
 * Returns: (transfer full): a new task
 *
 * Since: 1.0
 */
ProcTask *
proc_task_new (const char *function, GVariant *arguments)
{
  ProcTask *self;

  g_return_val_if_fail (function && *function, NULL);

  self = g_object_new (PROC_TYPE_TASK, NULL);
  /* Nobody can be connected yet. */
  self->function = g_strdup (function);
  self->arguments = arguments ? g_variant_ref_sink (arguments) : NULL;

  return self;
}

/**
 * proc_task_new_command:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments; a program
 *   without a slash is looked for in the helper's `PATH`
 *
 * Makes a task of an external program. See the description above for its result. Any helper can run it.
 *
 * Returns: (transfer full): a new task
 *
 * Since: 1.0
 */
ProcTask *
proc_task_new_command (const char *const *argv)
{
  g_autoptr (ProcTask) self = NULL;

  g_return_val_if_fail (argv && argv[0] && *argv[0], NULL);

  self = proc_task_new (PROC_COMMAND_FUNCTION, g_variant_new_bytestring_array (argv, -1));
  self->name = g_path_get_basename (argv[0]);

  return g_steal_pointer (&self);
}

ProcTask *
proc_task_new_like (ProcTask *prototype, GVariant *arguments)
{
  ProcTask *self = proc_task_new (prototype->function, arguments);

  self->name = g_strdup (prototype->name);
  g_set_object (&self->fds, prototype->fds);
  self->cores = prototype->cores;
  self->priority = prototype->priority;
  self->timeout = prototype->timeout;
  self->max_attempts = prototype->max_attempts;
  self->isolation = prototype->isolation;
  proc_task_set_max_outputs (self, prototype->max_outputs);

  return self;
}

GVariant *
proc_task_get_effective_arguments (ProcTask *self)
{
  g_autoptr (GVariant) input = NULL;

  if (g_strcmp0 (self->function, PROC_COMMAND_FUNCTION) != 0)
    return self->arguments ? g_variant_ref (self->arguments) : NULL;

  if (self->input)
    input = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, self->input, TRUE));

  return g_variant_ref_sink (g_variant_new ("(@aay@may)", self->arguments,
                                            g_variant_new_maybe (G_VARIANT_TYPE_BYTESTRING, input)));
}

void
proc_task_set_each (ProcTask *self)
{
  self->each = TRUE;
}

gboolean
proc_task_is_each (ProcTask *self)
{
  return self->each;
}

char *
proc_task_describe (ProcTask *self)
{
  if (self->name)
    return g_strdup_printf ("“%s” (%s)", self->function, self->name);

  return g_strdup_printf ("“%s”", self->function);
}

/**
 * proc_task_get_function:
 * @self: a task
 *
 * Gets #ProcTask:function.
 *
 * Returns: (transfer none): the name of its function
 *
 * Since: 1.0
 */
const char *
proc_task_get_function (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->function;
}

/**
 * proc_task_get_arguments:
 * @self: a task
 *
 * Gets #ProcTask:arguments.
 *
 * Returns: (transfer none) (nullable): its arguments
 *
 * Since: 1.0
 */
GVariant *
proc_task_get_arguments (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->arguments;
}
