/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pool.h"

#include "call.h"
#include "gil.h"
#include "interop.h"
#include "properties.h"
#include "run.h"
#include "strv.h"
#include "values.h"
#include "waiting.h"

static gboolean
on_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, GLogLevelFlags level, const char *domain, const char *message,
        GVariant *fields, gpointer data)
{
  HOLD_GIL ();
  PoolObject *self = data;
  PyObject *args;
  PyObject *handled;
  gboolean result;

  if (self->on_log == NULL)
    return FALSE;

  args = Py_BuildValue ("(izizsN)", proc_worker_get_pid (worker), task != NULL ? proc_task_get_function (task) : NULL,
                        (int) level, domain, message, procpool_value_to_python (fields));
  handled = args != NULL ? PyObject_CallObject (self->on_log, args) : NULL;
  if (handled == NULL)
    PyErr_WriteUnraisable (self->on_log);
  result = handled == Py_True;
  Py_XDECREF (handled);
  Py_XDECREF (args);
  return result;
}

static int
launcher_set (ProcLauncher *launcher, PyObject *settings)
{
  PyObject *environment = PyDict_GetItemString (settings, "environment");
  PyObject *cwd = PyDict_GetItemString (settings, "cwd");
  PyObject *memory_limit = PyDict_GetItemString (settings, "memory-limit");
  PyObject *encoded = NULL;
  PyObject *stdio;
  g_auto (GStrv) strv = NULL;

  if (environment != NULL)
    {
      strv = procpool_strv_from_python (environment);
      if (strv == NULL)
        return -1;
      proc_launcher_set_environment (launcher, (const char *const *) strv);
    }
  if (cwd != NULL)
    {
      if (!PyUnicode_FSConverter (cwd, &encoded))
        return -1;
      proc_launcher_set_cwd (launcher, PyBytes_AS_STRING (encoded));
      Py_DECREF (encoded);
    }
  for (int i = 0; i < 3; i++)
    {
      static const char *const names[] = { "stdin", "stdout", "stderr" };

      stdio = PyDict_GetItemString (settings, names[i]);
      if (stdio != NULL && procpool_property_set (launcher, names[i], stdio) != 0)
        return -1;
    }
  return memory_limit != NULL ? procpool_property_set (launcher, "memory-limit", memory_limit) : 0;
}

/* @object: a list of str, the command; or PyGObject's wrapper of a launcher. */
static ProcLauncher *
make_launcher (PyObject *object, PyObject *settings)
{
  g_autoptr (ProcLauncher) launcher = NULL;
  g_auto (GStrv) argv = NULL;

  if (!PyList_Check (object))
    {
      ProcLauncher *given = procpool_interop_get_object (object, PROC_TYPE_LAUNCHER);

      return given != NULL ? g_object_ref (given) : NULL;
    }

  argv = procpool_strv_from_python (object);
  if (argv == NULL)
    return NULL;
  launcher = proc_local_launcher_new ((const char *const *) argv);
  if (launcher_set (launcher, settings) != 0)
    return NULL;
  if (PyDict_GetItemString (settings, "fork-server") != NULL)
    return proc_fork_server_launcher_new (launcher);

  return g_steal_pointer (&launcher);
}

static PyObject *
pool_new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
  static char *names[] = { (char *) "context", (char *) "launcher", (char *) "settings", NULL };
  g_autoptr (ProcLauncher) launcher = NULL;
  ContextObject *context;
  PyObject *given;
  PyObject *settings;
  PoolObject *self;

  if (!PyArg_ParseTupleAndKeywords (args, kwargs, "O!OO!", names, &Context_Type, &context, &given, &PyDict_Type, &settings))
    return NULL;
  launcher = make_launcher (given, settings);
  if (launcher == NULL)
    return NULL;

  self = (PoolObject *) type->tp_alloc (type, 0);
  if (self == NULL)
    return NULL;
  self->context = (ContextObject *) Py_NewRef (context);

  if (!g_main_context_acquire (context->context))
    {
      PyErr_SetString (PyExc_RuntimeError, "another thread runs the main context that the pool is to belong to");
      Py_DECREF (self);
      return NULL;
    }
  g_main_context_push_thread_default (context->context);
  self->pool = proc_pool_new (launcher);
  g_main_context_pop_thread_default (context->context);
  g_main_context_release (context->context);

  return (PyObject *) self;
}

static void
pool_dealloc (PyObject *object)
{
  PoolObject *self = (PoolObject *) object;

  if (self->pool != NULL)
    g_signal_handlers_disconnect_by_data (self->pool, self);
  g_clear_object (&self->pool);
  Py_CLEAR (self->on_log);
  Py_CLEAR (self->context);
  Py_TYPE (object)->tp_free (object);
}

static PyObject *
pool_run (PyObject *object, PyObject *const *args, Py_ssize_t n_args)
{
  return procpool_run_start ((PoolObject *) object, args, n_args);
}

static PyObject *
pool_call (PyObject *object, PyObject *const *args, Py_ssize_t n_args)
{
  return procpool_call_start ((PoolObject *) object, args, n_args);
}

static PyObject *
pool_command (PyObject *object, PyObject *args)
{
  return procpool_run_command ((PoolObject *) object, args);
}

static PyObject *
pool_set (PyObject *object, PyObject *args)
{
  const char *name;
  PyObject *value;

  if (!PyArg_ParseTuple (args, "sO", &name, &value))
    return NULL;
  if (procpool_property_set (((PoolObject *) object)->pool, name, value) != 0)
    return NULL;

  procpool_context_note_change (((PoolObject *) object)->context);
  Py_RETURN_NONE;
}

static PyObject *
pool_get (PyObject *object, PyObject *name)
{
  const char *text = PyUnicode_AsUTF8 (name);

  return text != NULL ? procpool_property_get (((PoolObject *) object)->pool, text) : NULL;
}

static PyObject *
pool_set_on_log (PyObject *object, PyObject *handler)
{
  PoolObject *self = (PoolObject *) object;

  if (self->on_log == NULL)
    g_signal_connect (self->pool, "log", G_CALLBACK (on_log), self);
  Py_XSETREF (self->on_log, Py_NewRef (handler));
  Py_RETURN_NONE;
}

static PyObject *
pool_set_initializer (PyObject *object, PyObject *args)
{
  const char *name;
  Py_buffer arguments;

  if (!PyArg_ParseTuple (args, "sy*", &name, &arguments))
    return NULL;

  proc_pool_set_initializer (((PoolObject *) object)->pool, name,
                             g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, arguments.buf, arguments.len, 1));
  PyBuffer_Release (&arguments);
  Py_RETURN_NONE;
}

static PyObject *
describe_worker (ProcWorker *worker)
{
  gsize n_cores;
  const int *cores = proc_worker_get_cores (worker, &n_cores);
  PyObject *ids = PyTuple_New (n_cores);

  for (gsize i = 0; ids != NULL && i < n_cores; i++)
    PyTuple_SET_ITEM (ids, i, PyLong_FromLong (cores[i]));

  return Py_BuildValue ("(iiKKNz)", proc_worker_get_pid (worker), (int) proc_worker_get_state (worker),
                        (unsigned long long) proc_worker_get_tasks_done (worker),
                        (unsigned long long) proc_worker_get_memory (worker), ids, proc_worker_get_build_id (worker));
}

static PyObject *
pool_workers (PyObject *object, PyObject *ignored)
{
  GListModel *workers = proc_pool_get_workers (((PoolObject *) object)->pool);
  guint n_workers = g_list_model_get_n_items (workers);
  PyObject *list = PyList_New (n_workers);

  for (guint i = 0; list != NULL && i < n_workers; i++)
    {
      g_autoptr (ProcWorker) worker = g_list_model_get_item (workers, i);
      PyObject *described = describe_worker (worker);

      if (described != NULL)
        PyList_SET_ITEM (list, i, described);
      else
        Py_CLEAR (list);
    }
  return list;
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  HOLD_GIL ();
  PyObject *done = data;
  g_autoptr (GError) error = NULL;
  PyObject *told;

  proc_pool_close_finish (PROC_POOL (source), result, &error);
  told = error == NULL ? PyObject_CallNoArgs (done) : PyObject_CallFunction (done, "s", error->message);
  if (told == NULL)
    PyErr_WriteUnraisable (done);
  Py_XDECREF (told);
  Py_DECREF (done);
}

typedef struct
{
  PoolObject *pool;
  ProcCloseMode mode;
  PyObject *done;
} Closing;

static void
start_closing (gpointer data)
{
  Closing *closing = data;

  proc_pool_close_async (closing->pool->pool, closing->mode, NULL, on_closed, closing->done);
  procpool_context_note_change (closing->pool->context);
  Py_DECREF (closing->pool);
  g_free (closing);
}

static PyObject *
pool_close (PyObject *object, PyObject *args)
{
  Closing *closing;
  int mode;
  PyObject *done;

  if (!PyArg_ParseTuple (args, "iO", &mode, &done))
    return NULL;

  closing = g_new (Closing, 1);
  *closing = (Closing) { (PoolObject *) Py_NewRef (object), mode, Py_NewRef (done) };
  if (procpool_context_enter (closing->pool->context, start_closing, closing))
    Py_RETURN_NONE;

  Py_DECREF (closing->done);
  Py_DECREF (closing->pool);
  g_free (closing);
  return NULL;
}

static PyObject *
pool_wait (PyObject *object, PyObject *args)
{
  return procpool_wait_start ((PoolObject *) object, args);
}

static PyObject *
pool_watch_signal (PyObject *object, PyObject *args)
{
  int number;
  int mode;

  if (!PyArg_ParseTuple (args, "ii", &number, &mode))
    return NULL;

  proc_pool_watch_signal (((PoolObject *) object)->pool, number, mode);
  Py_RETURN_NONE;
}

static PyObject *
pool_wrap (PyObject *object, PyObject *ignored)
{
  return procpool_interop_wrap_object (((PoolObject *) object)->pool);
}

static PyMethodDef pool_methods[] = {
  { "run", (PyCFunction) (void *) pool_run, METH_FASTCALL, "Start a task: its function's name, its payload, how that is coded, who is told the outcome, its options." },
  { "call", (PyCFunction) (void *) pool_call, METH_FASTCALL, "Start a small call of a function: for a loop of asyncio, and return its outcome; or for a sink, and return the run. None if it isn't small." },
  { "command", pool_command, METH_VARARGS, "Start a command: its program and arguments, its input or None, who is told the outcome, its options." },
  { "set", pool_set, METH_VARARGS, "Set a property of the pool, by its name." },
  { "get", pool_get, METH_O, "A property of the pool, by its name." },
  { "set_on_log", pool_set_on_log, METH_O, "Set what is called for each log record; it returns True if it has handled it." },
  { "set_initializer", pool_set_initializer, METH_VARARGS, "Set what each helper process runs first: a function's name and a pickle." },
  { "workers", pool_workers, METH_NOARGS, "The workers: process id, state, tasks done, memory, cores, build id of each." },
  { "close", pool_close, METH_VARARGS, "Close the pool in a mode, and call a function when that is done." },
  { "wait", pool_wait, METH_VARARGS, "Tell a sink when so many workers are prepared (\"prepare\"), or when there is room in the queue (\"room\")." },
  { "watch_signal", pool_watch_signal, METH_VARARGS, "Have the pool close in a mode when a signal comes." },
  { "wrap", pool_wrap, METH_NOARGS, "PyGObject's object for the pool." },
  { NULL },
};

PyTypeObject Pool_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Pool",
  .tp_doc = "A ProcPool in a context.",
  .tp_basicsize = sizeof (PoolObject),
  .tp_flags = Py_TPFLAGS_DEFAULT,
  .tp_new = pool_new,
  .tp_dealloc = pool_dealloc,
  .tp_methods = pool_methods,
};
