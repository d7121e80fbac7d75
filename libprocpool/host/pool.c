/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pool.h"

#include <unistd.h>

#include "base/enum-types.h"
#include "base/error.h"
#include "base/fork.h"
#include "host/log-output.h"
#include "host/pool-parts.h"
#include "launch/local-launcher.h"
#include "wire/frame.h"

/**
 * SECTION:pool
 * @Title: ProcPool
 * @Short_description: runs tasks in helper processes
 *
 * A #ProcPool runs work in helper processes and gives back each result on the main loop of whoever asked.
 * A crash in a helper is an error of one task, never the end of the program.
 *
 * The pool starts helper processes as they are needed, up to #ProcPool:max-workers, uses them again, and ends
 * those that had nothing to do for #ProcPool:idle-timeout. What they run is up to the #ProcLauncher: by
 * default the program itself, which then calls proc_helper_is_helper_process() first thing in main().
 *
 * # Running
 *
 * proc_pool_call_async() calls a function. proc_pool_run_async() runs a #ProcTask, which can ask for
 * cores, a timeout, a priority and more. proc_pool_map() is for one function over many items. Every run
 * completes exactly once, whatever happens: with its result, or with an error of the function or of
 * #ProcPoolError.
 *
 * # Cancelling
 *
 * A cancelled run completes with %G_IO_ERROR_CANCELLED at once. If it was waiting it doesn't start, unless it was just
 * about to. If it was running, its function is told, by the cancellable of its invocation; when it hasn't ended after
 * #ProcPool:cancel-grace its helper process is ended, by SIGTERM and, after the same time again, by SIGKILL.
 * What the function did before isn't undone.
 *
 * # Ending
 *
 * proc_pool_close_async() ends a pool in good order. A pool that is dropped ends its helper processes
 * too, but nobody is told when they are gone. Runs hold a reference to their pool: it can't be dropped under
 * them. When the program dies, its helper processes notice and end themselves with all that they started.
 *
 * # Signals and forks
 *
 * Each helper process leads a process group of its own. So Ctrl-C at a terminal, or a signal to the program's
 * process group, reaches the program alone and no function of a helper. A pool handles no signals by itself: a program
 * that such a signal ends takes its helper processes with it, as with any other death. With proc_pool_watch_signal()
 * the pool closes first, in good order, and the program has its signal after that.
 *
 * A fork of the program has no use of the pool: what it calls fails with %PROC_POOL_ERROR_WRONG_PROCESS, what it
 * drops harms nothing, and its main loop leaves alone what is meant for the program. As long as it lives it also holds
 * the program's ends of the channels, though: helper processes don't notice the program's death before it ends too.
 *
 * # Threads
 *
 * A pool belongs to the thread-default main context in which it was made: there its work is done, and its
 * signals and notifications come, as do those of its tasks and workers. Runs may be started from any thread,
 * and complete on the thread-default main context of their caller. Everything else is to be called where
 * the pool's context is run. The blocking calls may be made from any thread, and work even when nobody runs the pool's context; see
 * proc_pool_run().
 */

/* The object: properties, signals, and the way from any thread into the pool's main context, where the dispatcher does
 * the work. Whoever owns that context may touch the dispatcher; a call from elsewhere is posted to it.
 */

/**
 * ProcPool:
 *
 * A pool of helper processes.
 */

G_DEFINE_FINAL_TYPE (ProcPool, proc_pool, G_TYPE_OBJECT)

GParamSpec *proc_pool_properties[N_PROPS];

enum
{
  SIGNAL_WORKER_STARTED,
  SIGNAL_WORKER_EXITED,
  SIGNAL_LOG,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

#define DEFAULT_IDLE_TIMEOUT 60000
#define DEFAULT_STARTUP_TIMEOUT 30000
#define DEFAULT_CANCEL_GRACE 2000
#define DEFAULT_FRAME_TIMEOUT 30000
#define DEFAULT_MAX_FDS 1
#define DEFAULT_MAX_LOG_RATE 1000

/* From the dispatcher */

static void
on_worker_added (ProcWorker *worker, gpointer user_data)
{
  g_list_store_append (PROC_POOL (user_data)->workers, worker);
}

static void
on_worker_ready (ProcWorker *worker, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_WORKER_STARTED], 0, worker);
}

static void
on_worker_gone (ProcWorker *worker, gpointer user_data)
{
  g_autoptr (ProcPool) self = g_object_ref (user_data);
  guint position;

  if (g_list_store_find (self->workers, worker, &position))
    g_list_store_remove (self->workers, position);
  g_signal_emit (self, signals[SIGNAL_WORKER_EXITED], 0, worker);
}

static void
on_log (ProcWorker *worker, ProcTask *task, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  gboolean handled = FALSE;

  g_signal_emit (user_data, signals[SIGNAL_LOG], 0, worker, task, level, domain, message, fields, &handled);
}

static gboolean
proc_pool_real_log (ProcPool *self, ProcWorker *worker, ProcTask *task, GLogLevelFlags level, const char *domain, const char *message, GVariant *fields)
{
  proc_log_output (proc_worker_get_pid (worker), task ? proc_task_get_function (task) : NULL, level, domain, message, fields);

  return TRUE;
}

static void
on_changed (gpointer user_data)
{
  proc_pool_counts_changed (user_data);
}

static void
on_closed (gpointer user_data)
{
  proc_pool_closed (user_data);
}

static void
on_start_failed (const GError *error, gpointer user_data)
{
  proc_pool_prepare_failed (user_data, error);
}

static const ProcDispatcherCallbacks dispatcher_callbacks = {
  .worker_added = on_worker_added,
  .worker_ready = on_worker_ready,
  .worker_gone = on_worker_gone,
  .log = on_log,
  .start_failed = on_start_failed,
  .changed = on_changed,
  .closed = on_closed,
};

/* Into the context, from any thread */

void
proc_pool_enter (ProcPool *self, ProcReactorFunc func, gpointer data)
{
  GMainContext *context = proc_reactor_get_context (self->reactor);

  if (g_main_context_acquire (context))
    {
      func (data);
      g_main_context_release (context);
    }
  else
    {
      proc_reactor_post (self->reactor, func, data);
    }
}

static gboolean
is_own (ProcPool *self)
{
  return self->generation == proc_fork_get_generation ();
}

gboolean
proc_pool_check_process (ProcPool *self, GError **error)
{
  if (is_own (self))
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS,
               "The pool belongs to process %d, of which this is a fork: make another pool here", self->pid);
  return FALSE;
}

/* Construction */

static guint
default_max_workers (ProcCoreResource *cores)
{
  const char *value = g_getenv ("PROCPOOL_MAX_WORKERS");
  guint64 n = 0;

  if (value && g_ascii_string_to_unsigned (value, 10, 1, G_MAXINT, &n, NULL))
    return (guint) n;
  if (value && *value)
    g_warning ("PROCPOOL_MAX_WORKERS is “%s”, which is no number of workers: ignored", value);

  return proc_core_resource_get_n_cores (cores);
}

static void
proc_pool_constructed (GObject *object)
{
  ProcPool *self = PROC_POOL (object);
  ProcSettings *settings = &self->settings;

  G_OBJECT_CLASS (proc_pool_parent_class)->constructed (object);

  if (!settings->launcher)
    settings->launcher = proc_local_launcher_new_for_self ();
  if (!settings->cores)
    settings->cores = proc_core_resource_new_for_process ();
  if (settings->max_workers == 0)
    settings->max_workers = default_max_workers (settings->cores);

  self->dispatcher = proc_dispatcher_new (self->reactor, settings, &dispatcher_callbacks, self);
}

/* Nothing is left but idle workers, since runs and those who wait for its end hold the pool. */
static void
shut_down (ProcPool *self)
{
  ProcSettings *settings = &self->settings;

  g_clear_pointer (&self->signal_closes, g_ptr_array_unref);
  g_clear_pointer (&self->dispatcher, proc_dispatcher_free);
  g_clear_object (&settings->launcher);
  g_clear_object (&settings->cores);
  g_clear_pointer (&settings->initializer, g_free);
  g_clear_pointer (&settings->initializer_arguments, g_variant_unref);
  g_clear_pointer (&settings->finalizer, g_free);
}

static void
proc_pool_dispose (GObject *object)
{
  ProcPool *self = PROC_POOL (object);
  GMainContext *context = proc_reactor_get_context (self->reactor);

  /* A forked copy shares epoll and sockets with the original: it must not touch them. */
  if (self->dispatcher && is_own (self))
    {
      if (!g_main_context_acquire (context))
        {
          /* Another thread runs the context and may be in the middle of the pool: the end is its to make. */
          proc_reactor_post (self->reactor, g_object_unref, g_object_ref (self));
          return;
        }

      shut_down (self);
      g_main_context_release (context);
    }

  G_OBJECT_CLASS (proc_pool_parent_class)->dispose (object);
}

static void
proc_pool_finalize (GObject *object)
{
  ProcPool *self = PROC_POOL (object);

  if (is_own (self))
    proc_reactor_unref (self->reactor);
  g_clear_object (&self->workers);

  G_OBJECT_CLASS (proc_pool_parent_class)->finalize (object);
}

static void
proc_pool_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcPool *self = PROC_POOL (object);

  switch (property_id)
    {
    case PROP_LAUNCHER:
      g_value_set_object (value, self->settings.launcher);
      break;
    case PROP_CORES:
      g_value_set_object (value, self->settings.cores);
      break;
    case PROP_MIN_WORKERS:
      g_value_set_uint (value, self->settings.min_workers);
      break;
    case PROP_MAX_WORKERS:
      g_value_set_uint (value, self->settings.max_workers);
      break;
    case PROP_TASKS_PER_WORKER:
      g_value_set_uint (value, self->settings.tasks_per_worker);
      break;
    case PROP_MAX_TASKS_PER_WORKER:
      g_value_set_uint (value, self->settings.max_tasks_per_worker);
      break;
    case PROP_MAX_WORKER_MEMORY:
      g_value_set_uint64 (value, self->settings.max_worker_memory);
      break;
    case PROP_IDLE_TIMEOUT:
      g_value_set_uint (value, self->settings.idle_timeout);
      break;
    case PROP_STARTUP_TIMEOUT:
      g_value_set_uint (value, self->settings.startup_timeout);
      break;
    case PROP_CANCEL_GRACE:
      g_value_set_uint (value, self->settings.cancel_grace);
      break;
    case PROP_FRAME_TIMEOUT:
      g_value_set_uint (value, self->settings.frame_timeout);
      break;
    case PROP_MAX_QUEUED:
      g_value_set_uint (value, self->settings.max_queued);
      break;
    case PROP_MAX_MESSAGE:
      g_value_set_uint64 (value, self->settings.max_message);
      break;
    case PROP_MAX_LOG_RATE:
      g_value_set_uint (value, self->settings.max_log_rate);
      break;
    case PROP_MAX_FDS:
      g_value_set_uint (value, self->settings.max_fds);
      break;
    case PROP_WAIT_AWAKE:
      g_value_set_boolean (value, self->settings.wait_awake);
      break;
    case PROP_SCHEDULING:
      g_value_set_enum (value, self->settings.scheduling);
      break;
    case PROP_INITIALIZER:
      g_value_set_string (value, self->settings.initializer);
      break;
    case PROP_INITIALIZER_ARGUMENTS:
      g_value_set_variant (value, self->settings.initializer_arguments);
      break;
    case PROP_FINALIZER:
      g_value_set_string (value, self->settings.finalizer);
      break;
    case PROP_WORKERS:
      g_value_set_object (value, self->workers);
      break;
    case PROP_N_WORKERS:
      g_value_set_uint (value, proc_pool_get_n_workers (self));
      break;
    case PROP_N_IDLE:
      g_value_set_uint (value, proc_pool_get_n_idle (self));
      break;
    case PROP_N_QUEUED:
      g_value_set_uint (value, proc_pool_get_n_queued (self));
      break;
    case PROP_N_RUNNING:
      g_value_set_uint (value, proc_pool_get_n_running (self));
      break;
    case PROP_CLOSED:
      g_value_set_boolean (value, self->closing);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_pool_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcPool *self = PROC_POOL (object);

  switch (property_id)
    {
    case PROP_LAUNCHER:
      self->settings.launcher = g_value_dup_object (value);
      break;
    case PROP_CORES:
      if (g_value_get_object (value))
        proc_pool_set_cores (self, g_value_get_object (value));
      break;
    case PROP_MIN_WORKERS:
      proc_pool_set_min_workers (self, g_value_get_uint (value));
      break;
    case PROP_MAX_WORKERS:
      proc_pool_set_max_workers (self, g_value_get_uint (value));
      break;
    case PROP_TASKS_PER_WORKER:
      proc_pool_set_tasks_per_worker (self, g_value_get_uint (value));
      break;
    case PROP_MAX_TASKS_PER_WORKER:
      proc_pool_set_max_tasks_per_worker (self, g_value_get_uint (value));
      break;
    case PROP_MAX_WORKER_MEMORY:
      proc_pool_set_max_worker_memory (self, g_value_get_uint64 (value));
      break;
    case PROP_IDLE_TIMEOUT:
      proc_pool_set_idle_timeout (self, g_value_get_uint (value));
      break;
    case PROP_STARTUP_TIMEOUT:
      proc_pool_set_startup_timeout (self, g_value_get_uint (value));
      break;
    case PROP_CANCEL_GRACE:
      proc_pool_set_cancel_grace (self, g_value_get_uint (value));
      break;
    case PROP_FRAME_TIMEOUT:
      proc_pool_set_frame_timeout (self, g_value_get_uint (value));
      break;
    case PROP_MAX_QUEUED:
      proc_pool_set_max_queued (self, g_value_get_uint (value));
      break;
    case PROP_MAX_MESSAGE:
      proc_pool_set_max_message (self, g_value_get_uint64 (value));
      break;
    case PROP_MAX_LOG_RATE:
      proc_pool_set_max_log_rate (self, g_value_get_uint (value));
      break;
    case PROP_MAX_FDS:
      proc_pool_set_max_fds (self, g_value_get_uint (value));
      break;
    case PROP_WAIT_AWAKE:
      proc_pool_set_wait_awake (self, g_value_get_boolean (value));
      break;
    case PROP_SCHEDULING:
      proc_pool_set_scheduling (self, g_value_get_enum (value));
      break;
    case PROP_INITIALIZER:
      proc_pool_set_initializer (self, g_value_get_string (value), self->settings.initializer_arguments);
      break;
    case PROP_INITIALIZER_ARGUMENTS:
      proc_pool_set_initializer (self, self->settings.initializer, g_value_get_variant (value));
      break;
    case PROP_FINALIZER:
      proc_pool_set_finalizer (self, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_pool_class_init (ProcPoolClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags writable = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = proc_pool_constructed;
  object_class->dispose = proc_pool_dispose;
  object_class->finalize = proc_pool_finalize;
  object_class->get_property = proc_pool_get_property;
  object_class->set_property = proc_pool_set_property;

  /**
   * ProcPool:launcher:
   *
   * How its helper processes come to be. By default the program itself is re-executed.
   */
  proc_pool_properties[PROP_LAUNCHER] = g_param_spec_object ("launcher", NULL, NULL, PROC_TYPE_LAUNCHER, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * ProcPool:cores:
   *
   * What tasks that ask for cores draw them from. By default all that this process may use; pools that are to
   * share cores are given the same resource. To be set while no task waits or runs.
   */
  proc_pool_properties[PROP_CORES] = g_param_spec_object ("cores", NULL, NULL, PROC_TYPE_CORE_RESOURCE, writable);

  /**
   * ProcPool:min-workers:
   *
   * How many workers are started ahead of need, and kept when idle.
   */
  proc_pool_properties[PROP_MIN_WORKERS] = g_param_spec_uint ("min-workers", NULL, NULL, 0, G_MAXINT, 0, writable);

  /**
   * ProcPool:max-workers:
   *
   * How many helper processes there may be at once, those that are ending included. By default what the
   * environment variable `PROCPOOL_MAX_WORKERS` says, or else the number of cores that this process may use, by its
   * affinity and its cgroup's quota. When it is lowered, surplus workers finish what they are doing.
   */
  proc_pool_properties[PROP_MAX_WORKERS] = g_param_spec_uint ("max-workers", NULL, NULL, 1, G_MAXINT, 1, writable);

  /**
   * ProcPool:tasks-per-worker:
   *
   * How many tasks one worker may run at once. More than 1 is for helpers whose functions are asynchronous; a
   * task that asks for cores or for %PROC_ISOLATION_EXCLUSIVE has its worker for itself all the same. Tasks in
   * one worker share its fate.
   */
  proc_pool_properties[PROP_TASKS_PER_WORKER] = g_param_spec_uint ("tasks-per-worker", NULL, NULL, 1, G_MAXINT, 1, writable);

  /**
   * ProcPool:max-tasks-per-worker:
   *
   * After how many tasks a worker is replaced. 0, the default: never.
   */
  proc_pool_properties[PROP_MAX_TASKS_PER_WORKER] = g_param_spec_uint ("max-tasks-per-worker", NULL, NULL, 0, G_MAXINT, 0, writable);

  /**
   * ProcPool:max-worker-memory:
   *
   * A worker that has more resident memory than this, in bytes, when it is done with a task is replaced. 0, the
   * default: never.
   */
  proc_pool_properties[PROP_MAX_WORKER_MEMORY] = g_param_spec_uint64 ("max-worker-memory", NULL, NULL, 0, G_MAXUINT64, 0, writable);

  /**
   * ProcPool:idle-timeout:
   *
   * After how many milliseconds with nothing to do a worker is ended. 0: never. 60,000 by default.
   */
  proc_pool_properties[PROP_IDLE_TIMEOUT] = g_param_spec_uint ("idle-timeout", NULL, NULL, 0, G_MAXUINT, DEFAULT_IDLE_TIMEOUT, writable);

  /**
   * ProcPool:startup-timeout:
   *
   * How many milliseconds a helper process has to shake hands and to run the initializer, and later the
   * finalizer. 0: for ever. 30,000 by default.
   */
  proc_pool_properties[PROP_STARTUP_TIMEOUT] = g_param_spec_uint ("startup-timeout", NULL, NULL, 0, G_MAXUINT, DEFAULT_STARTUP_TIMEOUT, writable);

  /**
   * ProcPool:cancel-grace:
   *
   * How many milliseconds a function that was told to stop, by cancellation or timeout, has to do so before its
   * helper process is sent SIGTERM, and then the process before it is sent SIGKILL. 0: SIGKILL at once.
   * 2,000 by default.
   */
  proc_pool_properties[PROP_CANCEL_GRACE] = g_param_spec_uint ("cancel-grace", NULL, NULL, 0, G_MAXUINT, DEFAULT_CANCEL_GRACE, writable);

  /**
   * ProcPool:frame-timeout:
   *
   * How many milliseconds a helper process may take over one message, from its first byte to its last, before it
   * is taken for hung and ended, with %PROC_POOL_ERROR_PROTOCOL for its tasks. 0: any time. 30,000 by default.
   * Holds for workers started from then on.
   */
  proc_pool_properties[PROP_FRAME_TIMEOUT] = g_param_spec_uint ("frame-timeout", NULL, NULL, 0, G_MAXUINT, DEFAULT_FRAME_TIMEOUT, writable);

  /**
   * ProcPool:max-queued:
   *
   * How many tasks may wait. One more fails with %PROC_POOL_ERROR_QUEUE_FULL. 0, the default: any number.
   */
  proc_pool_properties[PROP_MAX_QUEUED] = g_param_spec_uint ("max-queued", NULL, NULL, 0, G_MAXUINT, 0, writable);

  /**
   * ProcPool:max-message:
   *
   * The most bytes that the arguments or the result of a task may have. 1 GiB by default. Holds for workers
   * started from then on.
   */
  proc_pool_properties[PROP_MAX_MESSAGE] = g_param_spec_uint64 ("max-message", NULL, NULL, 1, G_MAXINT64, PROC_FRAME_DEFAULT_MAX_PAYLOAD, writable);

  /**
   * ProcPool:max-fds:
   *
   * How many file descriptors one message of a helper process may have; 1 by default. A worker that sends more is ended,
   * with %PROC_POOL_ERROR_TOO_LARGE. Helpers send one for the shared memory of a large result, and no others. With 0
   * results of any size come through the socket, and nothing that a helper process made is mapped here. What goes
   * to helper processes isn't meant: see #ProcTask:fds. Holds for workers started from then on.
   */
  proc_pool_properties[PROP_MAX_FDS] = g_param_spec_uint ("max-fds", NULL, NULL, 0, PROC_FRAME_MAX_FDS, DEFAULT_MAX_FDS, writable);

  /**
   * ProcPool:max-log-rate:
   *
   * How many log records and captured lines of one worker are passed on in a second. What comes beyond that is
   * dropped, and the number dropped is told in a record of its own, with the field `PROC_DROPPED`. 0: all are passed
   * on. 1,000 by default. Holds for workers started from then on.
   */
  proc_pool_properties[PROP_MAX_LOG_RATE] = g_param_spec_uint ("max-log-rate", NULL, NULL, 0, G_MAXUINT, DEFAULT_MAX_LOG_RATE, writable);

  /**
   * ProcPool:wait-awake:
   *
   * Whether this process and a helper process wait for one another without sleeping while small tasks go there one
   * after the other; %TRUE by default. The helper process waits for its next task, and the main loop for the
   * reply to the only task in flight if the last ones took 25 microseconds or less: each for 50 microseconds at most, only
   * while there is a processor to spare, and 100 microseconds a turn of the main loop. It saves the time that the
   * system takes to wake a process, which is longer than the rest of a small task; for which two processors are busy.
   */
  proc_pool_properties[PROP_WAIT_AWAKE] = g_param_spec_boolean ("wait-awake", NULL, NULL, TRUE, writable);

  /**
   * ProcPool:scheduling:
   *
   * Which of the idle workers takes the next task.
   */
  proc_pool_properties[PROP_SCHEDULING] = g_param_spec_enum ("scheduling", NULL, NULL, PROC_TYPE_SCHEDULING, PROC_SCHEDULING_LIFO, writable);

  /**
   * ProcPool:initializer:
   *
   * The name of a function that each helper process runs before its first task. If it fails, the process is
   * of no use, and the tasks that waited for it fail with %PROC_POOL_ERROR_INITIALIZER_FAILED. Holds for workers
   * started from then on.
   */
  proc_pool_properties[PROP_INITIALIZER] = g_param_spec_string ("initializer", NULL, NULL, NULL, writable);

  /**
   * ProcPool:initializer-arguments:
   *
   * The arguments of #ProcPool:initializer, of any type.
   */
  proc_pool_properties[PROP_INITIALIZER_ARGUMENTS] = g_param_spec_variant ("initializer-arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, writable);

  /**
   * ProcPool:finalizer:
   *
   * The name of a function that each helper process runs when it is asked to finish; not when it is killed.
   */
  proc_pool_properties[PROP_FINALIZER] = g_param_spec_string ("finalizer", NULL, NULL, NULL, writable);

  /**
   * ProcPool:workers:
   *
   * The workers there are, a #GListModel of #ProcWorker.
   */
  proc_pool_properties[PROP_WORKERS] = g_param_spec_object ("workers", NULL, NULL, G_TYPE_LIST_MODEL, read_only);

  /**
   * ProcPool:n-workers:
   *
   * How many helper processes there are, those that are starting or ending included.
   */
  proc_pool_properties[PROP_N_WORKERS] = g_param_spec_uint ("n-workers", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcPool:n-idle:
   *
   * How many workers have nothing to do.
   */
  proc_pool_properties[PROP_N_IDLE] = g_param_spec_uint ("n-idle", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcPool:n-queued:
   *
   * How many tasks wait.
   */
  proc_pool_properties[PROP_N_QUEUED] = g_param_spec_uint ("n-queued", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcPool:n-running:
   *
   * How many tasks run.
   */
  proc_pool_properties[PROP_N_RUNNING] = g_param_spec_uint ("n-running", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * ProcPool:closed:
   *
   * Whether proc_pool_close_async() was called: no more tasks are taken.
   */
  proc_pool_properties[PROP_CLOSED] = g_param_spec_boolean ("closed", NULL, NULL, FALSE, read_only);

  g_object_class_install_properties (object_class, N_PROPS, proc_pool_properties);

  /**
   * ProcPool::worker-started:
   * @self: the pool
   * @worker: the worker
   *
   * A helper process is ready for its first task.
   */
  signals[SIGNAL_WORKER_STARTED] = g_signal_new ("worker-started", PROC_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                 G_TYPE_NONE, 1, PROC_TYPE_WORKER);

  /**
   * ProcPool::worker-exited:
   * @self: the pool
   * @worker: the worker, which tells how its process ended
   *
   * A helper process is gone; also for one that was never ready.
   */
  signals[SIGNAL_WORKER_EXITED] = g_signal_new ("worker-exited", PROC_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 1, PROC_TYPE_WORKER);

  /**
   * ProcPool::log:
   * @self: the pool
   * @worker: the worker whose helper process logged
   * @task: (nullable): the task that logged, where that is known
   * @level: its level, of #GLogLevelFlags, never fatal
   * @domain: (nullable): its log domain
   * @message: its message
   * @fields: its further fields, a dictionary of type `a{ss}`
   *
   * A helper process logged something, or wrote a line to an output that is captured, which comes as a message
   * with the field `PROC_STREAM`, `stdout` or `stderr`.
   *
   * What no handler has handled is written to the log of this program with the fields `PROC_PID` and
   * `PROC_FUNCTION` added, and lines to the standard output or error of this program as they are.
   *
   * Returns: %TRUE if the record was handled
   */
  signals[SIGNAL_LOG] = g_signal_new_class_handler ("log", PROC_TYPE_POOL, G_SIGNAL_RUN_LAST, G_CALLBACK (proc_pool_real_log),
                                                    g_signal_accumulator_true_handled, NULL, NULL, G_TYPE_BOOLEAN, 6,
                                                    PROC_TYPE_WORKER, PROC_TYPE_TASK, G_TYPE_UINT, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_VARIANT);
}

static void
proc_pool_init (ProcPool *self)
{
  self->pid = getpid ();
  self->generation = proc_fork_get_generation ();
  self->reactor = proc_reactor_new (g_main_context_get_thread_default ());
  self->workers = g_list_store_new (PROC_TYPE_WORKER);

  self->settings.tasks_per_worker = 1;
  self->settings.idle_timeout = DEFAULT_IDLE_TIMEOUT;
  self->settings.startup_timeout = DEFAULT_STARTUP_TIMEOUT;
  self->settings.cancel_grace = DEFAULT_CANCEL_GRACE;
  self->settings.frame_timeout = DEFAULT_FRAME_TIMEOUT;
  self->settings.max_message = PROC_FRAME_DEFAULT_MAX_PAYLOAD;
  self->settings.max_fds = DEFAULT_MAX_FDS;
  self->settings.wait_awake = TRUE;
  self->settings.max_log_rate = DEFAULT_MAX_LOG_RATE;
}

/**
 * proc_pool_new:
 * @launcher: (nullable): how helper processes come to be; %NULL: this program is re-executed, see
 *   proc_local_launcher_new_for_self()
 *
 * Makes a pool, in the thread-default main context. No helper process is started before there is something to
 * do, or #ProcPool:min-workers is set.
 *
 * Returns: (transfer full): a new pool
 *
 * Since: 1.0
 */
ProcPool *
proc_pool_new (ProcLauncher *launcher)
{
  g_return_val_if_fail (launcher == NULL || PROC_IS_LAUNCHER (launcher), NULL);

  return g_object_new (PROC_TYPE_POOL, "launcher", launcher, NULL);
}
