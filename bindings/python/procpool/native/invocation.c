/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "invocation.h"

#include "gil.h"
#include "payload.h"
#include "values.h"

/* Values above this size take long enough to write for other threads to be let in meanwhile. */
#define LARGE 65536

typedef struct
{
  PyObject_HEAD
  ProcInvocation *invocation;
  PyObject *on_cancelled; /* nullable */
  gulong handler;
} InvocationObject;

PyObject *
procpool_invocation_new (ProcInvocation *invocation)
{
  InvocationObject *self = PyObject_New (InvocationObject, &Invocation_Type);

  if (self == NULL)
    return NULL;

  self->invocation = g_object_ref (invocation);
  self->on_cancelled = NULL;
  self->handler = 0;
  return (PyObject *) self;
}

static void
stop_watching (InvocationObject *self)
{
  if (self->handler != 0)
    g_signal_handler_disconnect (proc_invocation_get_cancellable (self->invocation), self->handler);
  self->handler = 0;
  Py_CLEAR (self->on_cancelled);
}

static void
invocation_dealloc (PyObject *object)
{
  InvocationObject *self = (InvocationObject *) object;

  stop_watching (self);
  g_clear_object (&self->invocation);
  PyObject_Free (object);
}

/* ---- what was asked for ---- */

static PyObject *
invocation_load_values (PyObject *object, PyObject *ignored)
{
  GVariant *arguments = proc_invocation_get_arguments (((InvocationObject *) object)->invocation);
  PyObject *value = procpool_value_to_python (arguments);
  PyObject *tuple;

  if (value == NULL || g_variant_is_of_type (arguments, G_VARIANT_TYPE_TUPLE))
    return value;

  tuple = PyTuple_Pack (1, value);
  Py_DECREF (value);
  return tuple;
}

static PyObject *
invocation_get_function (PyObject *object, void *closure)
{
  return PyUnicode_FromString (proc_invocation_get_function (((InvocationObject *) object)->invocation));
}

static PyObject *
invocation_get_pickled (PyObject *object, void *closure)
{
  const char *name = proc_invocation_get_function (((InvocationObject *) object)->invocation);

  return PyBool_FromLong (g_str_has_suffix (name, ")"));
}

static PyObject *
invocation_get_cancelled (PyObject *object, void *closure)
{
  return PyBool_FromLong (g_cancellable_is_cancelled (proc_invocation_get_cancellable (((InvocationObject *) object)->invocation)));
}

static PyObject *
invocation_get_cores (PyObject *object, void *closure)
{
  gsize n_cores;
  const int *cores = proc_invocation_get_cores (((InvocationObject *) object)->invocation, &n_cores);
  PyObject *tuple = PyTuple_New (n_cores);

  for (gsize i = 0; tuple != NULL && i < n_cores; i++)
    PyTuple_SET_ITEM (tuple, i, PyLong_FromLong (cores[i]));
  return tuple;
}

static PyObject *
invocation_get_fds (PyObject *object, void *closure)
{
  GUnixFDList *list = proc_invocation_get_fds (((InvocationObject *) object)->invocation);
  int n_fds = 0;
  const int *fds = list != NULL ? g_unix_fd_list_peek_fds (list, &n_fds) : NULL;
  PyObject *tuple = PyTuple_New (n_fds);

  for (int i = 0; tuple != NULL && i < n_fds; i++)
    PyTuple_SET_ITEM (tuple, i, PyLong_FromLong (fds[i]));
  return tuple;
}

/* In whatever thread. */
static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  HOLD_GIL ();
  InvocationObject *self = data;
  PyObject *handler = Py_XNewRef (self->on_cancelled);
  PyObject *result;

  if (handler == NULL)
    return;

  result = PyObject_CallNoArgs (handler);
  if (result == NULL)
    PyErr_WriteUnraisable (handler);
  Py_XDECREF (result);
  Py_DECREF (handler);
}

static PyObject *
invocation_watch (PyObject *object, PyObject *handler)
{
  InvocationObject *self = (InvocationObject *) object;
  GCancellable *cancellable = proc_invocation_get_cancellable (self->invocation);

  stop_watching (self);
  self->on_cancelled = Py_NewRef (handler);
  self->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), self);
  if (g_cancellable_is_cancelled (cancellable))
    on_cancelled (cancellable, self);
  Py_RETURN_NONE;
}

static PyObject *
invocation_unwatch (PyObject *object, PyObject *ignored)
{
  stop_watching ((InvocationObject *) object);
  Py_RETURN_NONE;
}

/* ---- reports ---- */

static PyObject *
invocation_progress (PyObject *object, PyObject *args)
{
  ProcInvocation *invocation = ((InvocationObject *) object)->invocation;
  double fraction;
  const char *text = NULL;

  if (!PyArg_ParseTuple (args, "d|z", &fraction, &text))
    return NULL;
  if (fraction != fraction)
    {
      PyErr_SetString (PyExc_ValueError, "progress is a number from 0 to 1, not nan");
      return NULL;
    }

  /* It waits while the host reads slowly. */
  Py_BEGIN_ALLOW_THREADS
  proc_invocation_progress (invocation, fraction, text);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyObject *
put_out (ProcInvocation *invocation, GVariant *value)
{
  if (value == NULL)
    return NULL;

  Py_BEGIN_ALLOW_THREADS
  proc_invocation_output (invocation, value);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyObject *
invocation_output (PyObject *object, PyObject *payload)
{
  g_autoptr (GVariant) value = procpool_payload_build (payload);

  return put_out (((InvocationObject *) object)->invocation, value);
}

static PyObject *
invocation_output_value (PyObject *object, PyObject *plain)
{
  g_autoptr (GVariant) value = procpool_value_from_python (plain);

  return put_out (((InvocationObject *) object)->invocation, value);
}

/* ---- the reply ---- */

static PyObject *
reply (ProcInvocation *invocation, GVariant *value)
{
  if (value == NULL)
    return NULL;

  if (g_variant_get_size (value) < LARGE)
    {
      proc_invocation_return_value (invocation, value);
      Py_RETURN_NONE;
    }

  Py_BEGIN_ALLOW_THREADS
  proc_invocation_return_value (invocation, value);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyObject *
invocation_reply (PyObject *object, PyObject *payload)
{
  g_autoptr (GVariant) value = procpool_payload_build (payload);

  return reply (((InvocationObject *) object)->invocation, value);
}

static PyObject *
invocation_reply_value (PyObject *object, PyObject *plain)
{
  g_autoptr (GVariant) value = procpool_value_from_python (plain);

  return reply (((InvocationObject *) object)->invocation, value);
}

static PyObject *
invocation_reply_error (PyObject *object, PyObject *args)
{
  ProcInvocation *invocation = ((InvocationObject *) object)->invocation;
  g_autoptr (GVariant) built = NULL;
  g_autoptr (GError) error = NULL;
  const char *domain;
  const char *message;
  int code;
  PyObject *details;

  if (!PyArg_ParseTuple (args, "zisO!", &domain, &code, &message, &PyDict_Type, &details))
    return NULL;
  built = procpool_value_from_python (details);
  if (built == NULL)
    return NULL;

  error = g_error_new_literal (domain != NULL ? g_quark_from_string (domain) : PROC_POOL_ERROR, code, message);
  proc_invocation_return_error_with_details (invocation, error, built);
  Py_RETURN_NONE;
}

static PyMethodDef invocation_methods[] = {
  { "load_values", invocation_load_values, METH_NOARGS, "The arguments of a call by name, as a tuple." },
  { "watch", invocation_watch, METH_O, "Set what is called, in whatever thread, when the task is cancelled." },
  { "unwatch", invocation_unwatch, METH_NOARGS, "Call it no more." },
  { "progress", invocation_progress, METH_VARARGS, "Tell how much is done, from 0 to 1, and what is being done." },
  { "output", invocation_output, METH_O, "Hand out a partial value, a payload." },
  { "output_value", invocation_output_value, METH_O, "Hand out a partial value, a plain one." },
  { "reply", invocation_reply, METH_O, "Reply with a payload." },
  { "reply_value", invocation_reply_value, METH_O, "Reply with a plain value." },
  { "reply_error", invocation_reply_error, METH_VARARGS, "Reply with an error: its domain or None for the library's own, code, message and details." },
  { NULL },
};

static PyGetSetDef invocation_getset[] = {
  { "function", invocation_get_function, NULL, "The name of the function." },
  { "pickled", invocation_get_pickled, NULL, "Whether arguments and result are pickles." },
  { "cancelled", invocation_get_cancelled, NULL, "Whether nobody waits for the result any more." },
  { "cores", invocation_get_cores, NULL, "The cores that this process is pinned to." },
  { "fds", invocation_get_fds, NULL, "The descriptors that came with the task." },
  { NULL },
};

PyTypeObject Invocation_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Invocation",
  .tp_doc = "A task as the helper process sees it.",
  .tp_basicsize = sizeof (InvocationObject),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .tp_dealloc = invocation_dealloc,
  .tp_methods = invocation_methods,
  .tp_getset = invocation_getset,
};
