/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "waiting.h"

#include "gil.h"

typedef struct
{
  PoolObject *pool;
  char *what;
  guint number;
  PyObject *sink;
} Waiting;

static PyObject *
build_exception (const GError *error)
{
  PyObject *module = PyImport_ImportModule ("procpool.errors");
  PyObject *exception = NULL;

  if (module != NULL)
    exception = PyObject_CallMethod (module, "from_error", "sisOsiiO", g_quark_to_string (error->domain), error->code,
                                     error->message, Py_None, "", -1, 0, Py_False);
  Py_XDECREF (module);
  return exception;
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  HOLD_GIL ();
  Waiting *self = data;
  g_autoptr (GError) error = NULL;
  PyObject *told;

  if (g_str_equal (self->what, "prepare"))
    proc_pool_prepare_finish (PROC_POOL (source), result, &error);
  else
    proc_pool_wait_for_room_finish (PROC_POOL (source), result, &error);

  told = error == NULL ? PyObject_CallMethod (self->sink, "set_result", "O", Py_None)
                       : PyObject_CallMethod (self->sink, "set_exception", "N", build_exception (error));
  if (told == NULL)
    PyErr_WriteUnraisable (self->sink);
  Py_XDECREF (told);
  Py_DECREF (self->sink);
  Py_DECREF (self->pool);
  g_free (self->what);
  g_free (self);
}

static void
start (gpointer data)
{
  Waiting *self = data;

  if (g_str_equal (self->what, "prepare"))
    proc_pool_prepare_async (self->pool->pool, self->number, NULL, on_done, self);
  else
    proc_pool_wait_for_room_async (self->pool->pool, NULL, on_done, self);
  procpool_context_note_change (self->pool->context);
}

PyObject *
procpool_wait_start (PoolObject *pool, PyObject *args)
{
  const char *what;
  unsigned int number;
  PyObject *sink;
  Waiting *self;

  if (!PyArg_ParseTuple (args, "sIO", &what, &number, &sink))
    return NULL;

  self = g_new (Waiting, 1);
  *self = (Waiting) { (PoolObject *) Py_NewRef (pool), g_strdup (what), number, Py_NewRef (sink) };
  procpool_context_enter (pool->context, start, self);
  Py_RETURN_NONE;
}
