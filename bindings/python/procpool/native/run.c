/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "run.h"

#include "failure.h"
#include "gil.h"
#include "options.h"
#include "outputs.h"
#include "payload.h"
#include "sink.h"
#include "strv.h"
#include "values.h"

/* States: made, then under way, when the library holds a reference (for on_done()), then done, when the sink has been
 * told and dropped. It is told once: by on_done(), which the library calls once.
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

PyObject *
procpool_run_load (Codec codec, GVariant *value)
{
  if (codec == CODEC_PICKLE && procpool_payload_is_pickle (value))
    return procpool_payload_load (value);

  return procpool_value_to_python (value);
}

/* ---- telling ---- */

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  HOLD_GIL ();
  RunObject *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = proc_pool_run_finish (PROC_POOL (source), result, &error);
  PyObject *value = reply != NULL ? procpool_run_load (self->codec, reply) : NULL;
  PyObject *exception = NULL;

  if (reply == NULL)
    exception = procpool_failure_build (error, self->task, self->codec == CODEC_PICKLE);
  else if (value == NULL)
    exception = procpool_failure_build_unloadable (self->task);

  procpool_sink_tell (self->pool->context, g_steal_pointer (&self->sink), value, exception);
  Py_CLEAR (self->on_progress);
  Py_CLEAR (self->on_output);
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
on_output_value (ProcTask *task, GVariant *value, gpointer data)
{
  HOLD_GIL ();
  RunObject *self = data;

  if (self->on_output != NULL)
    {
      PyObject *loaded = procpool_run_load (self->codec, value);

      call_handler (self->on_output, loaded != NULL ? Py_BuildValue ("(N)", loaded) : NULL);
    }
}

/* ---- starting ---- */

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

static void
watch (RunObject *self, PyObject *on_progress, PyObject *on_output)
{
  if (on_progress != Py_None)
    {
      self->on_progress = Py_NewRef (on_progress);
      g_signal_connect (self->task, "progressed", G_CALLBACK (on_progressed), self);
    }
  if (on_output != Py_None)
    {
      self->on_output = Py_NewRef (on_output);
      g_signal_connect (self->task, "output", G_CALLBACK (on_output_value), self);
    }
}

PyObject *
procpool_run_new (PoolObject *pool, ProcTask *task, Codec codec, PyObject *sink, PyObject *options)
{
  g_autoptr (ProcTask) owned = task;
  RunObject *self;

  if (!procpool_options_check (options) || (options != Py_None && !procpool_options_apply (task, options)))
    return NULL;

  self = PyObject_New (RunObject, &Run_Type);
  if (self == NULL)
    return NULL;

  self->pool = (PoolObject *) Py_NewRef (pool);
  self->task = g_steal_pointer (&owned);
  self->cancellable = g_cancellable_new ();
  self->sink = Py_NewRef (sink);
  self->on_progress = NULL;
  self->on_output = NULL;
  self->codec = codec;
  if (options != Py_None)
    watch (self, PyTuple_GET_ITEM (options, OPTION_PROGRESS), PyTuple_GET_ITEM (options, OPTION_OUTPUT));

  if (procpool_context_enter (pool->context, start, Py_NewRef (self)))
    return (PyObject *) self;

  Py_DECREF (self);
  Py_DECREF (self);
  return NULL;
}

PyObject *
procpool_run_start (PoolObject *pool, PyObject *const *args, Py_ssize_t n_args)
{
  g_autoptr (GVariant) arguments = NULL;
  const char *function;
  Codec codec;

  if (n_args != 5)
    {
      PyErr_SetString (PyExc_TypeError, "run() takes a function's name, a payload, a codec, a sink and options");
      return NULL;
    }

  function = PyUnicode_AsUTF8 (args[0]);
  codec = PyLong_AsLong (args[2]);
  if (function == NULL || PyErr_Occurred ())
    return NULL;
  arguments = build_arguments (codec, args[1]);
  if (arguments == NULL)
    return NULL;

  return procpool_run_new (pool, proc_task_new (function, arguments), codec, args[3], args[4]);
}

PyObject *
procpool_run_command (PoolObject *pool, PyObject *args)
{
  g_autoptr (ProcTask) task = NULL;
  g_auto (GStrv) argv = NULL;
  PyObject *command;
  Py_buffer input;
  PyObject *sink;
  PyObject *options;

  if (!PyArg_ParseTuple (args, "Oz*OO", &command, &input, &sink, &options))
    return NULL;

  argv = procpool_strv_from_python (command);
  if (argv != NULL && argv[0] != NULL && *argv[0] != '\0')
    task = proc_task_new_command ((const char *const *) argv);
  else if (argv != NULL)
    PyErr_SetString (PyExc_ValueError, "a command begins with the name of a program");
  if (task != NULL && input.buf != NULL)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (input.buf, input.len);

      proc_task_set_input (task, bytes);
    }
  PyBuffer_Release (&input);

  return task != NULL ? procpool_run_new (pool, g_steal_pointer (&task), CODEC_PLAIN, sink, options) : NULL;
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

static PyObject *
run_get_outputs (PyObject *object, PyObject *ignored)
{
  RunObject *self = (RunObject *) object;

  return procpool_outputs_new (self->pool, self->task, self->codec);
}

static PyMethodDef run_methods[] = {
  { "cancel", run_cancel, METH_NOARGS, "Cancel the task. May be called from any thread." },
  { "get_outputs", run_get_outputs, METH_NOARGS, "What takes the partial values, if the task has the option for so many." },
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
