/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "exception.h"
#include "invocation.h"
#include "payload.h"
#include "poll.h"
#include "small.h"

/* One helper a process, in its main thread, which holds Python's lock but where it waits: in poll_or_call() below.
 *
 * Once there is an event loop of another kind in the process, it has to run while there is nothing to do for GLib's.
 * So the waiting is handed to it: it is told of one descriptor, runs until that is readable or time is up, and returns.
 */
static ProcHelper *helper;
static Descriptor descriptor;
static PyObject *waiter; /* called with the descriptor and milliseconds; NULL: without such a loop */

static gint
poll_or_call (GPollFD *fds, guint n_fds, gint timeout)
{
  PyObject *result;

  if (waiter == NULL || timeout == 0)
    return procpool_poll (fds, n_fds, timeout);

  procpool_descriptor_watch (&descriptor, fds, n_fds);
  result = PyObject_CallFunction (waiter, "ii", procpool_descriptor_get (&descriptor), timeout);
  if (result == NULL)
    PyErr_WriteUnraisable (waiter);
  Py_XDECREF (result);

  return poll ((struct pollfd *) fds, n_fds, 0);
}

/* What is done in Python: by the names of the handler's attributes. */
static PyObject *current;   /* the ContextVar of the invocation */
static PyObject *call_named;
static PyObject *reply;     /* with a result that isn't plain */
static PyObject *fail;      /* with an exception */
static PyObject *resolve;   /* finds a function by its name */
static PyObject *refuse;    /* raises for a call that can't be rebuilt, with its name and what was raised */

/* Functions of small calls, by their names. */
static PyObject *functions;

static PyObject *
load_call (const char *name, GVariant *arguments)
{
  PyObject *call = procpool_payload_load (arguments);
  PyObject *exception;

  if (call != NULL || !PyErr_ExceptionMatches (PyExc_Exception))
    return call;

  exception = procpool_exception_take ();
  Py_XDECREF (PyObject_CallFunction (refuse, "sN", name, exception));
  return NULL;
}

/* A call as pickle has it: a function, a tuple and a dict. */
static PyObject *
call_pickled (const char *name, GVariant *arguments)
{
  PyObject *call = NULL;
  PyObject *result = NULL;

  if (procpool_payload_is_pickle (arguments))
    call = load_call (name, arguments);
  else
    PyErr_Format (PyExc_TypeError, "a pickled call needs a pickle, not %s", g_variant_get_type_string (arguments));
  if (call == NULL)
    return NULL;

  if (PyTuple_Check (call) && PyTuple_GET_SIZE (call) == 3 && PyTuple_Check (PyTuple_GET_ITEM (call, 1)) &&
      PyDict_Check (PyTuple_GET_ITEM (call, 2)))
    result = PyObject_Call (PyTuple_GET_ITEM (call, 0), PyTuple_GET_ITEM (call, 1), PyTuple_GET_ITEM (call, 2));
  else
    PyErr_SetString (PyExc_TypeError, "a pickled call is a function, a tuple and a dict");
  Py_DECREF (call);
  return result;
}

/* The function of a small call, which is only named, borrowed. */
static PyObject *
find_function (const char *name)
{
  PyObject *key = PyUnicode_FromString (name);
  PyObject *function = key != NULL ? PyDict_GetItemWithError (functions, key) : NULL;

  if (function == NULL && key != NULL && !PyErr_Occurred ())
    {
      function = PyObject_CallOneArg (resolve, key);
      if (function != NULL && PyDict_SetItem (functions, key, function) != 0)
        Py_CLEAR (function);
      Py_XDECREF (function); /* the dict holds it */
    }
  Py_XDECREF (key);
  return function;
}

/* A tuple of arguments, then keys and values in turn. */
static PyObject *
call_small (const char *name, GVariant *arguments)
{
  PyObject *function = find_function (name);
  PyObject *parts = function != NULL ? procpool_small_load_all (arguments) : NULL;
  PyObject *kwargs = NULL;
  PyObject *result = NULL;
  Py_ssize_t n_parts = parts != NULL ? PyList_GET_SIZE (parts) : 0;

  if (n_parts > 1)
    kwargs = PyDict_New ();
  for (Py_ssize_t i = 1; kwargs != NULL && i + 1 < n_parts; i += 2)
    {
      if (PyDict_SetItem (kwargs, PyList_GET_ITEM (parts, i), PyList_GET_ITEM (parts, i + 1)) != 0)
        Py_CLEAR (kwargs);
    }

  if (parts != NULL && !PyErr_Occurred ())
    {
      if (n_parts % 2 == 1 && PyTuple_Check (PyList_GET_ITEM (parts, 0)))
        result = PyObject_Call (function, PyList_GET_ITEM (parts, 0), kwargs);
      else
        PyErr_SetString (PyExc_TypeError, "a small call is a tuple, and keys with values");
    }
  Py_XDECREF (kwargs);
  Py_XDECREF (parts);
  return result;
}

static PyObject *
reply_to_pickled (ProcInvocation *invocation, PyObject *wrapped, PyObject *result)
{
  g_autoptr (GVariant) payload = NULL;
  SmallWriter writer;

  writer.size = 0;
  if (!procpool_small_write (&writer, result))
    return PyObject_CallFunctionObjArgs (reply, wrapped, result, NULL);

  payload = procpool_small_to_variant (&writer);
  proc_invocation_return_value (invocation, payload);
  return Py_NewRef (Py_None);
}

/* NULL with an exception, which is to be the reply. */
static PyObject *
run_invocation (ProcInvocation *invocation, GVariant *arguments, PyObject *wrapped)
{
  const char *name = proc_invocation_get_function (invocation);
  PyObject *result;
  PyObject *replied;

  if (!g_str_has_suffix (name, ")"))
    return PyObject_CallOneArg (call_named, wrapped);

  result = procpool_small_is (arguments) ? call_small (name, arguments) : call_pickled (name, arguments);
  replied = result != NULL ? reply_to_pickled (invocation, wrapped, result) : NULL;
  Py_XDECREF (result);
  return replied;
}

static void
on_invocation (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  PyObject *wrapped = procpool_invocation_new (invocation);
  PyObject *token = wrapped != NULL ? PyContextVar_Set (current, wrapped) : NULL;
  PyObject *done = NULL;

  if (token != NULL)
    done = run_invocation (invocation, arguments, wrapped);
  if (done == NULL && wrapped != NULL)
    {
      PyObject *exception = procpool_exception_take ();

      done = PyObject_CallFunctionObjArgs (fail, wrapped, exception, NULL);
      Py_XDECREF (exception);
    }

  /* The task fails for want of a reply, unless there was one. */
  if (done == NULL || (token != NULL && PyContextVar_Reset (current, token) != 0))
    PyErr_WriteUnraisable (fail);
  Py_XDECREF (done);
  Py_XDECREF (token);
  Py_XDECREF (wrapped);
}

/* As os.fork() does it. */
static int
fork_interpreter (gpointer user_data)
{
  int saved_errno;
  pid_t pid;

  PyOS_BeforeFork ();
  pid = fork ();
  saved_errno = errno;
  if (pid == 0)
    PyOS_AfterFork_Child ();
  else
    PyOS_AfterFork_Parent ();
  errno = saved_errno;
  return pid;
}

PyObject *
procpool_helper_serve (PyObject *module, PyObject *args)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  const char *build_id;
  int exit_code;

  if (helper != NULL)
    {
      PyErr_SetString (PyExc_RuntimeError, "this process serves already");
      return NULL;
    }
  functions = PyDict_New ();
  if (functions == NULL || !PyArg_ParseTuple (args, "OOOOOOz", &current, &call_named, &reply, &fail, &resolve, &refuse, &build_id) ||
      !procpool_descriptor_open (&descriptor))
    return NULL;

  helper = proc_helper_new ();
  proc_helper_set_fallback (helper, on_invocation, NULL, NULL);
  proc_helper_set_fork_function (helper, fork_interpreter, NULL, NULL);
  if (build_id != NULL)
    proc_helper_set_build_id (helper, build_id);
  g_main_context_set_poll_func (context, poll_or_call);
  exit_code = proc_helper_run (helper);
  g_main_context_set_poll_func (context, NULL);
  procpool_descriptor_close (&descriptor);

  return PyLong_FromLong (exit_code);
}

PyObject *
procpool_helper_set_waiter (PyObject *module, PyObject *callable)
{
  Py_XSETREF (waiter, callable == Py_None ? NULL : Py_NewRef (callable));
  Py_RETURN_NONE;
}

PyObject *
procpool_helper_retire (PyObject *module, PyObject *ignored)
{
  if (helper == NULL)
    {
      PyErr_SetString (PyExc_RuntimeError, "this process serves no pool");
      return NULL;
    }
  proc_helper_retire (helper);
  Py_RETURN_NONE;
}

PyObject *
procpool_helper_is_helper_process (PyObject *module, PyObject *ignored)
{
  return PyBool_FromLong (proc_helper_is_helper_process ());
}

static const char *
get_priority (int level)
{
  if (level & G_LOG_LEVEL_CRITICAL)
    return "4";
  if (level & G_LOG_LEVEL_WARNING)
    return "4";
  if (level & G_LOG_LEVEL_MESSAGE)
    return "5";
  return level & G_LOG_LEVEL_INFO ? "6" : "7";
}

PyObject *
procpool_helper_log (PyObject *module, PyObject *args)
{
  g_autoptr (GArray) fields = g_array_new (FALSE, TRUE, sizeof (GLogField));
  gboolean debug = g_log_get_debug_enabled ();
  int level;
  PyObject *texts;
  PyObject *key;
  PyObject *value;
  Py_ssize_t position = 0;
  GLogField field = { "PRIORITY", NULL, -1 };

  if (!PyArg_ParseTuple (args, "iO!", &level, &PyDict_Type, &texts))
    return NULL;

  field.value = get_priority (level);
  g_array_append_val (fields, field);
  while (PyDict_Next (texts, &position, &key, &value))
    {
      field.key = PyUnicode_AsUTF8 (key);
      field.value = PyUnicode_AsUTF8 (value);
      if (field.key == NULL || field.value == NULL)
        return NULL;
      g_array_append_val (fields, field);
    }

  /* What is worth a record is for Python's own levels to say. */
  g_log_set_debug_enabled (TRUE);
  g_log_structured_array (level, (const GLogField *) fields->data, fields->len);
  g_log_set_debug_enabled (debug);
  Py_RETURN_NONE;
}
