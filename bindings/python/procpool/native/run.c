/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "run.h"

#include "exception.h"
#include "gil.h"
#include "interop.h"
#include "outcome.h"
#include "payload.h"
#include "properties.h"
#include "values.h"

/* States: made, then under way, when the library holds a reference (for on_done()), then done, when the sink has been
 * told and dropped. It is told once: by on_done(), which the library calls once.
 *
 * The sink is whatever waits: an object with done(), set_result() and set_exception(), as futures have them.
 */
typedef struct
{
  PyObject_HEAD
  PoolObject *pool;
  ProcTask *task;
  GCancellable *cancellable;
  PyObject *sink;
  PyObject *on_progress; /* nullable, as the next */
  PyObject *on_output;
  Codec codec;
} RunObject;

static PyObject *name_done;
static PyObject *name_set_result;
static PyObject *name_set_exception;

static PyObject *
load (RunObject *self, GVariant *value)
{
  if (self->codec == CODEC_PICKLE && procpool_payload_is_pickle (value))
    return procpool_payload_load (value);

  return procpool_value_to_python (value);
}

/* ---- errors ---- */

/* A function of procpool.errors, which is imported by the first error. */
static PyObject *
call_errors (const char *name, PyObject *args)
{
  PyObject *module = args != NULL ? PyImport_ImportModule ("procpool.errors") : NULL;
  PyObject *function = module != NULL ? PyObject_GetAttrString (module, name) : NULL;
  PyObject *result = function != NULL ? PyObject_CallObject (function, args) : NULL;

  Py_XDECREF (function);
  Py_XDECREF (module);
  Py_XDECREF (args);
  return result;
}

static PyObject *
get_details (RunObject *self)
{
  GVariant *details = proc_task_get_error_details (self->task);

  return details != NULL ? procpool_value_to_python (details) : Py_NewRef (Py_None);
}

/* An exception for @error. NULL, with an exception, if there is something wrong with that. */
static PyObject *
build_exception (RunObject *self, const GError *error)
{
  ProcWorker *worker = proc_task_get_worker (self->task);
  int exit_code = worker != NULL ? proc_worker_get_exit_status (worker) : -1;
  int term_signal = worker != NULL ? proc_worker_get_term_signal (worker) : 0;

  return call_errors ("from_error",
                      Py_BuildValue ("(sisNsiiO)", g_quark_to_string (error->domain), error->code, error->message,
                                     get_details (self), proc_task_get_function (self->task), exit_code, term_signal,
                                     self->codec == CODEC_PICKLE ? Py_True : Py_False));
}

/* The result is there, and can't be rebuilt here. */
static PyObject *
build_load_failure (RunObject *self)
{
  PyObject *cause = procpool_exception_take ();

  return call_errors ("from_load_failure", Py_BuildValue ("(sN)", proc_task_get_function (self->task), cause));
}

/* ---- telling ---- */

static gboolean
is_awaited (RunObject *self)
{
  PyObject *done = PyObject_CallMethodNoArgs (self->sink, name_done);
  gboolean awaited = done == Py_False;

  if (done == NULL)
    PyErr_WriteUnraisable (self->sink);
  Py_XDECREF (done);
  return awaited;
}

/* Takes both references; the exception counts. */
static void
tell (RunObject *self, PyObject *value, PyObject *exception)
{
  PyObject *told = NULL;

  if (Py_IS_TYPE (self->sink, &Outcome_Type))
    {
      procpool_outcome_set (self->sink, value, exception);
      procpool_context_resume (self->pool->context, self->sink);
    }
  else if (is_awaited (self))
    {
      told = exception != NULL ? PyObject_CallMethodOneArg (self->sink, name_set_exception, exception)
                               : PyObject_CallMethodOneArg (self->sink, name_set_result, value);
      if (told == NULL)
        PyErr_WriteUnraisable (self->sink);
    }

  Py_XDECREF (told);
  Py_XDECREF (value);
  Py_XDECREF (exception);
  Py_CLEAR (self->sink);
  Py_CLEAR (self->on_progress);
  Py_CLEAR (self->on_output);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  HOLD_GIL ();
  RunObject *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = proc_pool_run_finish (PROC_POOL (source), result, &error);
  PyObject *value = NULL;
  PyObject *exception = NULL;

  if (reply != NULL)
    {
      value = load (self, reply);
      if (value == NULL)
        exception = build_load_failure (self);
    }
  else
    {
      exception = build_exception (self, error);
    }
  if (value == NULL && exception == NULL)
    exception = procpool_exception_take ();

  tell (self, value, exception);
  Py_DECREF (self);
}

static void
call_handler (PyObject *handler, PyObject *args)
{
  PyObject *result = args != NULL ? PyObject_CallObject (handler, args) : NULL;

  if (result == NULL)
    PyErr_WriteUnraisable (handler);
  Py_XDECREF (result);
  Py_XDECREF (args);
}

static void
on_progressed (ProcTask *task, double fraction, const char *text, gpointer data)
{
  HOLD_GIL ();
  RunObject *self = data;

  if (self->on_progress != NULL)
    call_handler (self->on_progress, Py_BuildValue ("(dz)", fraction, text != NULL ? text : ""));
}

static void
on_output (ProcTask *task, GVariant *value, gpointer data)
{
  HOLD_GIL ();
  RunObject *self = data;

  if (self->on_output != NULL)
    {
      PyObject *loaded = load (self, value);

      call_handler (self->on_output, loaded != NULL ? Py_BuildValue ("(N)", loaded) : NULL);
    }
}

/* ---- starting ---- */

/* The options of a task, in this order, None for the default; all but the last three are properties. */
enum
{
  OPTION_NAME,
  OPTION_CORES,
  OPTION_PRIORITY,
  OPTION_TIMEOUT,
  OPTION_MAX_ATTEMPTS,
  OPTION_ISOLATION,
  OPTION_FDS,
  OPTION_PROGRESS,
  OPTION_OUTPUT,
  N_OPTIONS
};

static gboolean
set_fds (ProcTask *task, PyObject *fds)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  PyObject *sequence = PySequence_Fast (fds, "fds is a sequence of file descriptors");

  for (Py_ssize_t i = 0; sequence != NULL && i < PySequence_Fast_GET_SIZE (sequence); i++)
    {
      g_autoptr (GError) error = NULL;
      int fd = PyObject_AsFileDescriptor (PySequence_Fast_GET_ITEM (sequence, i));

      if (fd >= 0 && g_unix_fd_list_append (list, fd, &error) < 0)
        PyErr_SetString (PyExc_OSError, error->message);
      if (PyErr_Occurred ())
        Py_CLEAR (sequence);
    }
  if (sequence == NULL)
    return FALSE;

  Py_DECREF (sequence);
  proc_task_set_fds (task, list);
  return TRUE;
}

static gboolean
set_int (ProcTask *task, void (*set) (ProcTask *task, int value), PyObject *option)
{
  long value = PyLong_AsLong (option);

  if (PyErr_Occurred ())
    return FALSE;
  if (value < G_MININT || value > G_MAXINT)
    {
      PyErr_Format (PyExc_OverflowError, "%ld is too large a number", value);
      return FALSE;
    }
  set (task, value);
  return TRUE;
}

static gboolean
apply_options (RunObject *self, PyObject *options)
{
  static const char *const names[] = { "name", "cores", NULL, "timeout", "max-attempts", "isolation" };

  for (int i = 0; i < N_OPTIONS; i++)
    {
      PyObject *option = PyTuple_GET_ITEM (options, i);

      if (option == Py_None)
        continue;

      if (i == OPTION_PRIORITY)
        {
          if (!set_int (self->task, proc_task_set_priority, option))
            return FALSE;
        }
      else if (i == OPTION_FDS)
        {
          if (!set_fds (self->task, option))
            return FALSE;
        }
      else if (i == OPTION_PROGRESS)
        {
          self->on_progress = Py_NewRef (option);
          g_signal_connect (self->task, "progressed", G_CALLBACK (on_progressed), self);
        }
      else if (i == OPTION_OUTPUT)
        {
          self->on_output = Py_NewRef (option);
          g_signal_connect (self->task, "output", G_CALLBACK (on_output), self);
        }
      else if (procpool_property_set (self->task, names[i], option) != 0)
        {
          return FALSE;
        }
    }
  return TRUE;
}

static void
start (gpointer data)
{
  RunObject *self = data;
  ProcPool *pool = self->pool->pool;

  proc_pool_run_async (pool, self->task, self->cancellable, on_done, self);
  /* What waits wants a worker to be started, what has failed already to be told; what runs may have a deadline. */
  if (proc_task_get_state (self->task) != PROC_TASK_STATE_RUNNING || proc_task_get_timeout (self->task) > 0)
    procpool_context_note_change (self->pool->context);
}

static GVariant *
build_arguments (Codec codec, PyObject *payload)
{
  if (codec == CODEC_PICKLE)
    return procpool_payload_build (payload);
  if (PyTuple_Check (payload))
    return procpool_arguments_from_python (payload);

  return procpool_value_from_python (payload);
}

PyObject *
procpool_run_new (PoolObject *pool, const char *function, GVariant *arguments, Codec codec, PyObject *sink, PyObject *options)
{
  RunObject *self = PyObject_New (RunObject, &Run_Type);

  if (self == NULL)
    return NULL;

  self->pool = (PoolObject *) Py_NewRef (pool);
  self->task = proc_task_new (function, arguments);
  self->cancellable = g_cancellable_new ();
  self->sink = Py_NewRef (sink);
  self->on_progress = NULL;
  self->on_output = NULL;
  self->codec = codec;
  if (options != Py_None && !apply_options (self, options))
    {
      Py_DECREF (self);
      return NULL;
    }

  procpool_context_enter (pool->context, start, Py_NewRef (self));
  return (PyObject *) self;
}

PyObject *
procpool_run_start (PoolObject *pool, PyObject *const *args, Py_ssize_t n_args)
{
  g_autoptr (GVariant) arguments = NULL;
  const char *function;
  Codec codec;

  if (n_args != 5 || (args[4] != Py_None && (!PyTuple_Check (args[4]) || PyTuple_GET_SIZE (args[4]) != N_OPTIONS)))
    {
      PyErr_SetString (PyExc_TypeError, "run() takes a function's name, a payload, a codec, a sink and a tuple of options");
      return NULL;
    }

  function = PyUnicode_AsUTF8 (args[0]);
  codec = PyLong_AsLong (args[2]);
  if (function == NULL || PyErr_Occurred ())
    return NULL;
  arguments = build_arguments (codec, args[1]);
  if (arguments == NULL)
    return NULL;

  return procpool_run_new (pool, function, arguments, codec, args[3], args[4]);
}

void
procpool_run_cancel (PyObject *run)
{
  g_cancellable_cancel (((RunObject *) run)->cancellable);
}

static void
run_dealloc (PyObject *object)
{
  RunObject *self = (RunObject *) object;

  if (self->task != NULL)
    g_signal_handlers_disconnect_by_data (self->task, self);
  g_clear_object (&self->task);
  g_clear_object (&self->cancellable);
  Py_CLEAR (self->sink);
  Py_CLEAR (self->on_progress);
  Py_CLEAR (self->on_output);
  Py_CLEAR (self->pool);
  PyObject_Free (object);
}

static PyObject *
run_cancel (PyObject *object, PyObject *ignored)
{
  procpool_run_cancel (object);
  Py_RETURN_NONE;
}

static PyObject *
run_get_pid (PyObject *object, void *closure)
{
  return PyLong_FromLong (proc_task_get_pid (((RunObject *) object)->task));
}

static PyObject *
run_get_state (PyObject *object, void *closure)
{
  return PyLong_FromLong (proc_task_get_state (((RunObject *) object)->task));
}

static PyObject *
run_get_attempts (PyObject *object, void *closure)
{
  return PyLong_FromLong (proc_task_get_attempts (((RunObject *) object)->task));
}

static PyObject *
run_get_exit_status (PyObject *object, void *closure)
{
  ProcWorker *worker = proc_task_get_worker (((RunObject *) object)->task);

  if (worker == NULL)
    Py_RETURN_NONE;
  return Py_BuildValue ("(ii)", proc_worker_get_exit_status (worker), proc_worker_get_term_signal (worker));
}

static PyObject *
run_send_signal (PyObject *object, PyObject *number)
{
  ProcWorker *worker = proc_task_get_worker (((RunObject *) object)->task);
  g_autoptr (GError) error = NULL;
  int signum = PyLong_AsLong (number);

  if (PyErr_Occurred ())
    return NULL;
  if (worker == NULL)
    PyErr_SetString (PyExc_ProcessLookupError, "the task has no helper process");
  else if (!proc_worker_send_signal (worker, signum, &error))
    PyErr_SetString (PyExc_ProcessLookupError, error->message);
  else
    Py_RETURN_NONE;
  return NULL;
}

static PyMethodDef run_methods[] = {
  { "cancel", run_cancel, METH_NOARGS, "Cancel the task. May be called from any thread." },
  { "send_signal", run_send_signal, METH_O, "Send a signal to the task's helper process." },
  { NULL },
};

static PyGetSetDef run_getset[] = {
  { "pid", run_get_pid, NULL, "The process id of the task's helper process; 0 before it has one." },
  { "state", run_get_state, NULL, "How far the task is." },
  { "attempts", run_get_attempts, NULL, "How many times it was started." },
  { "exit_status", run_get_exit_status, NULL, "How its helper process ended: exit code or -1, and signal or 0; None before it has one." },
  { NULL },
};

PyTypeObject Run_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Run",
  .tp_doc = "A task under way.",
  .tp_basicsize = sizeof (RunObject),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .tp_dealloc = run_dealloc,
  .tp_methods = run_methods,
  .tp_getset = run_getset,
};

gboolean
procpool_run_init (void)
{
  name_done = PyUnicode_InternFromString ("done");
  name_set_result = PyUnicode_InternFromString ("set_result");
  name_set_exception = PyUnicode_InternFromString ("set_exception");
  return name_done != NULL && name_set_result != NULL && name_set_exception != NULL;
}
