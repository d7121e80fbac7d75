/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "task.h"

#include "base/enum-types.h"
#include "base/error.h"
#include "host/outputs.h"
#include "host/task-private.h"
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

typedef enum
{
  CHANGED_STATE = 1 << 0,
  CHANGED_WORKER = 1 << 1,
  CHANGED_ATTEMPTS = 1 << 2,
  CHANGED_PROGRESS = 1 << 3,
  CHANGED_DETAILS = 1 << 4,
  CHANGED_OUTPUTS = 1 << 5,
  CHANGED_RESULT = 1 << 6,
  CHANGED_ERROR = 1 << 7,
} ProcTaskChange;

G_DEFINE_FINAL_TYPE (ProcTask, proc_task, G_TYPE_OBJECT)

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
  PROP_QUEUED_TIME,
  PROP_STARTED_TIME,
  PROP_FINISHED_TIME,
  PROP_RESULT,
  PROP_ERROR,
  PROP_ERROR_DETAILS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  SIGNAL_PROGRESSED,
  SIGNAL_OUTPUT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

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

static gboolean
is_new (ProcTask *self)
{
  return !g_atomic_int_get (&self->claimed);
}

/* Not construct-only, which would make each task dearer; they have no setters since who makes a task knows
 * what it is to do.
 */
static void
set_function (ProcTask *self, const char *function)
{
  g_return_if_fail (is_new (self));

  if (g_strcmp0 (self->function, function) == 0)
    return;

  g_free (self->function);
  self->function = g_strdup (function);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FUNCTION]);
}

static void
set_arguments (ProcTask *self, GVariant *arguments)
{
  g_return_if_fail (is_new (self));

  if (self->arguments == arguments)
    return;

  g_clear_pointer (&self->arguments, g_variant_unref);
  self->arguments = arguments ? g_variant_ref_sink (arguments) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ARGUMENTS]);
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
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, writable);

  /**
   * ProcTask:arguments:
   *
   * The function's arguments, a value of any type; %NULL for none.
   */
  properties[PROP_ARGUMENTS] = g_param_spec_variant ("arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, writable);

  /**
   * ProcTask:name:
   *
   * What the task is called in errors, beside its function; say the file that it works on.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, writable);

  /**
   * ProcTask:cores:
   *
   * How many cores of #ProcPool:cores the task draws while it runs. Its helper process is pinned to them
   * where the resource names its cores. 0, the default: none; the task is then bounded by
   * #ProcPool:max-workers alone.
   */
  properties[PROP_CORES] = g_param_spec_uint ("cores", NULL, NULL, 0, G_MAXINT, 0, writable);

  /**
   * ProcTask:priority:
   *
   * Queued tasks start in the order of their priorities, higher ones first, and within one priority first
   * come, first served. A running task is never interrupted for another.
   */
  properties[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, writable);

  /**
   * ProcTask:timeout:
   *
   * How long an attempt may run, in milliseconds from when it is given to a worker; time in the queue
   * doesn't count. After it the run fails with %PROC_POOL_ERROR_TIMED_OUT and the helper is dealt with as
   * when cancelled. 0, the default: for ever.
   */
  properties[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 0, G_MAXUINT, 0, writable);

  /**
   * ProcTask:max-attempts:
   *
   * How often the task may be started, the first time included, if its helper processes crash under it. A
   * task that fails by itself or is timed out isn't tried again. 1, the default: at most once.
   */
  properties[PROP_MAX_ATTEMPTS] = g_param_spec_uint ("max-attempts", NULL, NULL, 1, G_MAXUINT, 1, writable);

  /**
   * ProcTask:isolation:
   *
   * What the task may share its helper process with.
   */
  properties[PROP_ISOLATION] = g_param_spec_enum ("isolation", NULL, NULL, PROC_TYPE_ISOLATION, PROC_ISOLATION_SHARED, writable);

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
  properties[PROP_MAX_OUTPUTS] = g_param_spec_uint ("max-outputs", NULL, NULL, 0, G_MAXUINT, 0, writable);

  /**
   * ProcTask:fds:
   *
   * File descriptors for the function, which gets duplicates by proc_invocation_get_fds(); at most 63.
   */
  properties[PROP_FDS] = g_param_spec_object ("fds", NULL, NULL, G_TYPE_UNIX_FD_LIST, writable);

  /**
   * ProcTask:input:
   *
   * What a command is given on its standard input; %NULL: it finds it empty. Only for tasks of
   * proc_task_new_command().
   */
  properties[PROP_INPUT] = g_param_spec_boxed ("input", NULL, NULL, G_TYPE_BYTES, writable);

  /**
   * ProcTask:state:
   *
   * How far the task is.
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, PROC_TYPE_TASK_STATE, PROC_TASK_STATE_NEW, read_only);

  /**
   * ProcTask:worker:
   *
   * The worker that runs the task or ran it last; %NULL before.
   */
  properties[PROP_WORKER] = g_param_spec_object ("worker", NULL, NULL, PROC_TYPE_WORKER, read_only);

  /**
   * ProcTask:pid:
   *
   * The process id of the helper process that runs the task or ran it last; 0 before.
   */
  properties[PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, read_only);

  /**
   * ProcTask:attempts:
   *
   * How often the task was started.
   */
  properties[PROP_ATTEMPTS] = g_param_spec_uint ("attempts", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcTask:progress:
   *
   * What the function told last of its progress, from 0.0 to 1.0.
   */
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0.0, 1.0, 0.0, read_only);

  /**
   * ProcTask:progress-text:
   *
   * The text that came with #ProcTask:progress; %NULL if none did.
   */
  properties[PROP_PROGRESS_TEXT] = g_param_spec_string ("progress-text", NULL, NULL, NULL, read_only);

  /**
   * ProcTask:queued-time:
   *
   * When the task was given to the pool: microseconds of g_get_monotonic_time(), 0 before.
   */
  properties[PROP_QUEUED_TIME] = g_param_spec_int64 ("queued-time", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * ProcTask:started-time:
   *
   * When the last attempt was given to a worker: microseconds of g_get_monotonic_time(), 0 before.
   */
  properties[PROP_STARTED_TIME] = g_param_spec_int64 ("started-time", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * ProcTask:finished-time:
   *
   * When the task was done: microseconds of g_get_monotonic_time(), 0 before.
   */
  properties[PROP_FINISHED_TIME] = g_param_spec_int64 ("finished-time", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * ProcTask:result:
   *
   * What the function returned, once the task has succeeded; %NULL before, and if it hasn't. It is what
   * proc_pool_run_finish() returns, for who looks at tasks later: a list of them, say. It is kept as long as the task is.
   */
  properties[PROP_RESULT] = g_param_spec_variant ("result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, read_only);

  /**
   * ProcTask:error:
   *
   * Why the task has failed or was cancelled; %NULL before, and if it succeeded. It is what proc_pool_run_finish() sets.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, read_only);

  /**
   * ProcTask:error-details:
   *
   * What the function sent along with its error by proc_invocation_return_error_with_details(), a
   * dictionary of type `a{sv}`: a traceback, say. %NULL if there is none.
   */
  properties[PROP_ERROR_DETAILS] = g_param_spec_variant ("error-details", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL, read_only);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  /**
   * ProcTask::progressed:
   * @self: the task
   * @fraction: from 0.0 to 1.0
   * @text: (nullable): what is being done
   *
   * The function told its progress. When it does so faster than the main loop turns, only the last of
   * each turn is told.
   */
  signals[SIGNAL_PROGRESSED] = g_signal_new ("progressed", PROC_TYPE_TASK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
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
  signals[SIGNAL_OUTPUT] = g_signal_new ("output", PROC_TYPE_TASK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
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
  set_function (self, function);
  set_arguments (self, arguments);

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

/**
 * proc_task_get_name:
 * @self: a task
 *
 * Gets #ProcTask:name.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:name
 *
 * Since: 1.0
 */
const char *
proc_task_get_name (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->name;
}

/**
 * proc_task_set_name:
 * @self: a task that wasn't run yet
 * @name: (nullable): see #ProcTask:name
 *
 * Names the task.
 *
 * Since: 1.0
 */
void
proc_task_set_name (ProcTask *self, const char *name)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (is_new (self));

  if (g_strcmp0 (self->name, name) == 0)
    return;

  g_free (self->name);
  self->name = g_strdup (name);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NAME]);
}

/* The setters of plain numbers differ in nothing but the field. */
#define SET_NUMBER(self, field, value, property) \
  G_STMT_START \
  { \
    g_return_if_fail (PROC_IS_TASK (self)); \
    g_return_if_fail (is_new (self)); \
    if ((self)->field == (value)) \
      return; \
    (self)->field = (value); \
    g_object_notify_by_pspec (G_OBJECT (self), properties[property]); \
  } \
  G_STMT_END

/**
 * proc_task_get_cores:
 * @self: a task
 *
 * Gets #ProcTask:cores.
 *
 * Returns: see #ProcTask:cores
 *
 * Since: 1.0
 */
guint
proc_task_get_cores (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->cores;
}

/**
 * proc_task_set_cores:
 * @self: a task that wasn't run yet
 * @cores: a number of cores, 0 for none; see #ProcTask:cores
 *
 * Sets how many cores the task draws.
 *
 * Since: 1.0
 */
void
proc_task_set_cores (ProcTask *self, guint cores)
{
  SET_NUMBER (self, cores, cores, PROP_CORES);
}

/**
 * proc_task_get_priority:
 * @self: a task
 *
 * Gets #ProcTask:priority.
 *
 * Returns: see #ProcTask:priority
 *
 * Since: 1.0
 */
int
proc_task_get_priority (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->priority;
}

/**
 * proc_task_set_priority:
 * @self: a task that wasn't run yet
 * @priority: higher ones first; see #ProcTask:priority
 *
 * Sets the task's place in the queue.
 *
 * Since: 1.0
 */
void
proc_task_set_priority (ProcTask *self, int priority)
{
  SET_NUMBER (self, priority, priority, PROP_PRIORITY);
}

/**
 * proc_task_get_timeout:
 * @self: a task
 *
 * Gets #ProcTask:timeout.
 *
 * Returns: milliseconds, 0 for none; see #ProcTask:timeout
 *
 * Since: 1.0
 */
guint
proc_task_get_timeout (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->timeout;
}

/**
 * proc_task_set_timeout:
 * @self: a task that wasn't run yet
 * @timeout: milliseconds, 0 for none; see #ProcTask:timeout
 *
 * Sets how long an attempt may run.
 *
 * Since: 1.0
 */
void
proc_task_set_timeout (ProcTask *self, guint timeout)
{
  SET_NUMBER (self, timeout, timeout, PROP_TIMEOUT);
}

/**
 * proc_task_get_max_attempts:
 * @self: a task
 *
 * Gets #ProcTask:max-attempts.
 *
 * Returns: see #ProcTask:max-attempts
 *
 * Since: 1.0
 */
guint
proc_task_get_max_attempts (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->max_attempts;
}

/**
 * proc_task_set_max_attempts:
 * @self: a task that wasn't run yet
 * @max_attempts: at least 1; see #ProcTask:max-attempts
 *
 * Sets how often the task may be started.
 *
 * Since: 1.0
 */
void
proc_task_set_max_attempts (ProcTask *self, guint max_attempts)
{
  g_return_if_fail (max_attempts >= 1);

  SET_NUMBER (self, max_attempts, max_attempts, PROP_MAX_ATTEMPTS);
}

/**
 * proc_task_get_isolation:
 * @self: a task
 *
 * Gets #ProcTask:isolation.
 *
 * Returns: see #ProcTask:isolation
 *
 * Since: 1.0
 */
ProcIsolation
proc_task_get_isolation (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), PROC_ISOLATION_SHARED);

  return self->isolation;
}

/**
 * proc_task_set_isolation:
 * @self: a task that wasn't run yet
 * @isolation: see #ProcTask:isolation
 *
 * Sets what the task may share its helper process with.
 *
 * Since: 1.0
 */
void
proc_task_set_isolation (ProcTask *self, ProcIsolation isolation)
{
  SET_NUMBER (self, isolation, isolation, PROP_ISOLATION);
}

/**
 * proc_task_get_max_outputs:
 * @self: a task
 *
 * Gets #ProcTask:max-outputs.
 *
 * Returns: see #ProcTask:max-outputs
 *
 * Since: 1.0
 */
guint
proc_task_get_max_outputs (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->max_outputs;
}

/**
 * proc_task_set_max_outputs:
 * @self: a task that isn't run yet
 * @max_outputs: how many partial values may wait; 0 if they are told by a signal
 *
 * Sets #ProcTask:max-outputs.
 *
 * Since: 1.0
 */
void
proc_task_set_max_outputs (ProcTask *self, guint max_outputs)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (is_new (self));

  if (self->max_outputs == max_outputs)
    return;

  self->max_outputs = max_outputs;
  g_clear_pointer (&self->outputs, proc_outputs_free);
  if (max_outputs > 0)
    self->outputs = proc_outputs_new (max_outputs);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_OUTPUTS]);
}

/**
 * proc_task_get_fds:
 * @self: a task
 *
 * Gets #ProcTask:fds.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:fds
 *
 * Since: 1.0
 */
GUnixFDList *
proc_task_get_fds (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->fds;
}

/**
 * proc_task_set_fds:
 * @self: a task that wasn't run yet
 * @fds: (nullable): at most 63 descriptors; see #ProcTask:fds
 *
 * Sets the file descriptors that the function gets.
 *
 * Since: 1.0
 */
void
proc_task_set_fds (ProcTask *self, GUnixFDList *fds)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (fds == NULL || G_IS_UNIX_FD_LIST (fds));
  g_return_if_fail (is_new (self));

  if (g_set_object (&self->fds, fds))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FDS]);
}

/**
 * proc_task_get_input:
 * @self: a task
 *
 * Gets #ProcTask:input.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:input
 *
 * Since: 1.0
 */
GBytes *
proc_task_get_input (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->input;
}

/**
 * proc_task_set_input:
 * @self: a task of proc_task_new_command() that wasn't run yet
 * @input: (nullable): see #ProcTask:input
 *
 * Sets what the command is given on its standard input.
 *
 * Since: 1.0
 */
void
proc_task_set_input (ProcTask *self, GBytes *input)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (is_new (self));
  g_return_if_fail (input == NULL || g_strcmp0 (self->function, PROC_COMMAND_FUNCTION) == 0);

  if (self->input == input)
    return;

  g_clear_pointer (&self->input, g_bytes_unref);
  self->input = input ? g_bytes_ref (input) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_INPUT]);
}

/**
 * proc_task_get_state:
 * @self: a task
 *
 * Gets #ProcTask:state.
 *
 * Returns: see #ProcTask:state
 *
 * Since: 1.0
 */
ProcTaskState
proc_task_get_state (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), PROC_TASK_STATE_NEW);

  return self->state;
}

/**
 * proc_task_get_worker:
 * @self: a task
 *
 * Gets #ProcTask:worker.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:worker
 *
 * Since: 1.0
 */
ProcWorker *
proc_task_get_worker (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->worker;
}

/**
 * proc_task_get_pid:
 * @self: a task
 *
 * Gets #ProcTask:pid.
 *
 * Returns: see #ProcTask:pid
 *
 * Since: 1.0
 */
int
proc_task_get_pid (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->pid;
}

/**
 * proc_task_get_attempts:
 * @self: a task
 *
 * Gets #ProcTask:attempts.
 *
 * Returns: see #ProcTask:attempts
 *
 * Since: 1.0
 */
guint
proc_task_get_attempts (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->attempts;
}

/**
 * proc_task_get_progress:
 * @self: a task
 *
 * Gets #ProcTask:progress.
 *
 * Returns: from 0.0 to 1.0; see #ProcTask:progress
 *
 * Since: 1.0
 */
double
proc_task_get_progress (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0.0);

  return self->progress;
}

/**
 * proc_task_get_progress_text:
 * @self: a task
 *
 * Gets #ProcTask:progress-text.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:progress-text
 *
 * Since: 1.0
 */
const char *
proc_task_get_progress_text (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->progress_text;
}

/**
 * proc_task_get_queued_time:
 * @self: a task
 *
 * Gets #ProcTask:queued-time.
 *
 * Returns: microseconds of g_get_monotonic_time(); see #ProcTask:queued-time
 *
 * Since: 1.0
 */
gint64
proc_task_get_queued_time (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->queued_time;
}

/**
 * proc_task_get_started_time:
 * @self: a task
 *
 * Gets #ProcTask:started-time.
 *
 * Returns: microseconds of g_get_monotonic_time(); see #ProcTask:started-time
 *
 * Since: 1.0
 */
gint64
proc_task_get_started_time (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->started_time;
}

/**
 * proc_task_get_finished_time:
 * @self: a task
 *
 * Gets #ProcTask:finished-time.
 *
 * Returns: microseconds of g_get_monotonic_time(); see #ProcTask:finished-time
 *
 * Since: 1.0
 */
gint64
proc_task_get_finished_time (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->finished_time;
}

/**
 * proc_task_get_result:
 * @self: a task
 *
 * Gets #ProcTask:result.
 *
 * Returns: (transfer none) (nullable): the result; see #ProcTask:result
 *
 * Since: 1.0
 */
GVariant *
proc_task_get_result (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->result;
}

/**
 * proc_task_get_error:
 * @self: a task
 *
 * Gets #ProcTask:error.
 *
 * Returns: (transfer none) (nullable): the error; see #ProcTask:error
 *
 * Since: 1.0
 */
const GError *
proc_task_get_error (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->error;
}

/**
 * proc_task_get_error_details:
 * @self: a task
 *
 * Gets #ProcTask:error-details.
 *
 * Returns: (transfer none) (nullable): an `a{sv}`; see #ProcTask:error-details
 *
 * Since: 1.0
 */
GVariant *
proc_task_get_error_details (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->error_details;
}

/**
 * proc_task_next_output_async:
 * @self: a task whose #ProcTask:max-outputs is set
 * @cancellable: (nullable): cancels the waiting; the task goes on
 * @callback: (scope async): called with the next value
 * @user_data: (closure): for @callback
 *
 * Takes the next partial value of a task that is run, or is going to be, once it is there. One at a time. To be
 * called in the main context of the pool.
 *
 * Since: 1.0
 */
void
proc_task_next_output_async (ProcTask *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) gtask = NULL;

  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  gtask = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (gtask, proc_task_next_output_async);
  g_task_set_check_cancellable (gtask, FALSE);

  if (self->outputs)
    proc_outputs_take (self->outputs, g_steal_pointer (&gtask));
  else
    g_task_return_new_error (gtask, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                             "The task keeps no partial values: set its max-outputs before it is run");
}

/**
 * proc_task_next_output_finish:
 * @self: a task
 * @result: what the callback got
 * @error: return location for an error: %G_IO_ERROR_CANCELLED, %G_IO_ERROR_PENDING if one is waited for already, and
 *   %PROC_POOL_ERROR_INVALID_ARGUMENTS if #ProcTask:max-outputs isn't set
 *
 * The next partial value.
 *
 * When the task is done, however it ended, the values that came before are still handed out, and then %NULL. How
 * it ended is told by proc_pool_run_finish() alone.
 *
 * Returns: (transfer full) (nullable): the value; %NULL without an error: there are no more
 *
 * Since: 1.0
 */
GVariant *
proc_task_next_output_finish (ProcTask *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
proc_task_claim (ProcTask *self)
{
  return g_atomic_int_compare_and_exchange (&self->claimed, FALSE, TRUE);
}

void
proc_task_set_queued (ProcTask *self)
{
  self->state = PROC_TASK_STATE_QUEUED;
  if (self->queued_time == 0)
    self->queued_time = g_get_monotonic_time ();
  self->changes |= CHANGED_STATE;
}

void
proc_task_set_not_run (ProcTask *self)
{
  self->state = PROC_TASK_STATE_QUEUED;
  self->started_time = 0;
  self->attempts--;
  g_clear_object (&self->worker);
  self->pid = 0;
  self->changes |= CHANGED_STATE | CHANGED_WORKER | CHANGED_ATTEMPTS;
}

void
proc_task_set_running (ProcTask *self, ProcWorker *worker)
{
  self->state = PROC_TASK_STATE_RUNNING;
  self->started_time = g_get_monotonic_time ();
  self->attempts++;
  g_set_object (&self->worker, worker);
  self->pid = proc_worker_get_pid (worker);
  self->changes |= CHANGED_STATE | CHANGED_WORKER | CHANGED_ATTEMPTS;
}

static void
set_finished (ProcTask *self, ProcTaskState state)
{
  self->state = state;
  self->finished_time = g_get_monotonic_time ();
  self->changes |= CHANGED_STATE;

  if (self->outputs)
    {
      proc_outputs_finish (self->outputs);
      self->changes |= CHANGED_OUTPUTS;
    }
}

void
proc_task_set_succeeded (ProcTask *self, GVariant *result)
{
  self->result = result ? g_variant_ref (result) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  self->changes |= CHANGED_RESULT;
  set_finished (self, PROC_TASK_STATE_SUCCEEDED);
}

void
proc_task_set_failed (ProcTask *self, GError *error, GVariant *error_details)
{
  gboolean cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  self->error = error;
  self->changes |= CHANGED_ERROR;
  if (error_details)
    {
      self->error_details = g_variant_ref (error_details);
      self->changes |= CHANGED_DETAILS;
    }
  set_finished (self, cancelled ? PROC_TASK_STATE_CANCELLED : PROC_TASK_STATE_FAILED);
}

GVariant *
proc_task_dup_outcome (ProcTask *self, GError **error)
{
  if (self->result)
    return g_variant_ref (self->result);

  g_propagate_error (error, g_error_copy (self->error));
  return NULL;
}

void
proc_task_set_progress (ProcTask *self, double progress, const char *text)
{
  self->progress = CLAMP (progress, 0.0, 1.0);
  if (g_strcmp0 (self->progress_text, text) != 0)
    {
      g_free (self->progress_text);
      self->progress_text = g_strdup (text);
    }
  self->changes |= CHANGED_PROGRESS;
}

ProcIsolation
proc_task_get_effective_isolation (ProcTask *self)
{
  if (self->isolation == PROC_ISOLATION_SHARED && (self->cores > 0 || self->max_outputs > 0))
    return PROC_ISOLATION_EXCLUSIVE;

  return self->isolation;
}

ProcOutputs *
proc_task_push_output (ProcTask *self, GVariant *value)
{
  if (!self->outputs)
    return NULL;

  proc_outputs_push (self->outputs, value);
  self->changes |= CHANGED_OUTPUTS;

  return self->outputs;
}

static void
notify_if (ProcTask *self, guint changes, ProcTaskChange change, guint first, guint last)
{
  if (!(changes & change))
    return;

  for (guint i = first; i <= last; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
}

void
proc_task_notify_changes (ProcTask *self)
{
  guint changes = self->changes;

  self->changes = 0;

  notify_if (self, changes, CHANGED_WORKER, PROP_WORKER, PROP_PID);
  notify_if (self, changes, CHANGED_ATTEMPTS, PROP_ATTEMPTS, PROP_ATTEMPTS);
  notify_if (self, changes, CHANGED_PROGRESS, PROP_PROGRESS, PROP_PROGRESS_TEXT);
  notify_if (self, changes, CHANGED_RESULT, PROP_RESULT, PROP_RESULT);
  notify_if (self, changes, CHANGED_ERROR, PROP_ERROR, PROP_ERROR);
  notify_if (self, changes, CHANGED_DETAILS, PROP_ERROR_DETAILS, PROP_ERROR_DETAILS);
  notify_if (self, changes, CHANGED_STATE, PROP_STATE, PROP_STATE);

  if (changes & CHANGED_PROGRESS)
    g_signal_emit (self, signals[SIGNAL_PROGRESSED], 0, self->progress, self->progress_text);
  if (changes & CHANGED_OUTPUTS)
    proc_outputs_tell (self->outputs);
}

void
proc_task_emit_output (ProcTask *self, GVariant *value)
{
  g_signal_emit (self, signals[SIGNAL_OUTPUT], 0, value);
}
