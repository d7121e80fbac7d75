/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "outputs.h"

#include "failure.h"
#include "gil.h"
#include "sink.h"

/* The values are asked for one after the other, and gathered, so that who takes them gets all that are there at once.
 * No more than the task's max-outputs are: then it isn't asked until they were taken, and the library in turn holds up
 * the function.
 *
 * States: asking, when the library holds a reference (for on_next()), or paused; then ended. The values that came before
 * the end are still handed out.
 */
typedef struct
{
  PyObject_HEAD
  PoolObject *pool;
  ProcTask *task;
  PyObject *values; /* a list: those that nobody has taken yet */
  PyObject *failure; /* nullable: one that came after them and can't be rebuilt here */
  PyObject *sink;    /* nullable: who waits until something has come */
  Codec codec;
  gboolean asking;
  gboolean ended;
} OutputsObject;

static gboolean
is_full (OutputsObject *self)
{
  return PyList_GET_SIZE (self->values) >= proc_task_get_max_outputs (self->task);
}

static void on_next (GObject *source, GAsyncResult *result, gpointer data);

/* In the context. Takes the reference. */
static void
ask (gpointer data)
{
  OutputsObject *self = data;

  proc_task_next_output_async (self->task, NULL, on_next, self);
  procpool_context_note_change (self->pool->context);
}

static void
begin_asking (OutputsObject *self)
{
  if (self->asking || self->ended || is_full (self))
    return;

  self->asking = TRUE;
  if (procpool_context_enter (self->pool->context, ask, Py_NewRef (self)))
    return;

  PyErr_Clear (); /* a fork, where nothing comes any more */
  self->asking = FALSE;
  self->ended = TRUE;
  Py_DECREF (self);
}

static void
add (OutputsObject *self, GVariant *value)
{
  PyObject *loaded = procpool_run_load (self->codec, value);

  if (loaded == NULL || PyList_Append (self->values, loaded) != 0)
    {
      self->failure = procpool_failure_build_unloadable (self->task);
      self->ended = TRUE;
    }
  Py_XDECREF (loaded);
}

static void
on_next (GObject *source, GAsyncResult *result, gpointer data)
{
  HOLD_GIL ();
  OutputsObject *self = data;
  g_autoptr (GVariant) value = proc_task_next_output_finish (self->task, result, NULL);

  self->asking = FALSE;
  if (value != NULL)
    add (self, value);
  else
    self->ended = TRUE;

  begin_asking (self);
  if (self->sink != NULL)
    procpool_sink_tell (self->pool->context, g_steal_pointer (&self->sink), Py_NewRef (Py_None), NULL);
  Py_DECREF (self);
}

PyObject *
procpool_outputs_new (PoolObject *pool, ProcTask *task, Codec codec)
{
  OutputsObject *self;
  PyObject *values = PyList_New (0);

  if (values == NULL)
    return NULL;
  self = PyObject_New (OutputsObject, &Outputs_Type);
  if (self == NULL)
    {
      Py_DECREF (values);
      return NULL;
    }

  self->pool = (PoolObject *) Py_NewRef (pool);
  self->task = g_object_ref (task);
  self->values = values;
  self->failure = NULL;
  self->sink = NULL;
  self->codec = codec;
  self->asking = FALSE;
  self->ended = FALSE;
  begin_asking (self);
  return (PyObject *) self;
}

static void
outputs_dealloc (PyObject *object)
{
  OutputsObject *self = (OutputsObject *) object;

  Py_CLEAR (self->values);
  Py_CLEAR (self->failure);
  Py_CLEAR (self->sink);
  g_clear_object (&self->task);
  Py_CLEAR (self->pool);
  PyObject_Free (object);
}

static PyObject *
outputs_take (PyObject *object, PyObject *ignored)
{
  OutputsObject *self = (OutputsObject *) object;
  PyObject *fresh;
  PyObject *taken;

  if (PyList_GET_SIZE (self->values) == 0 && self->ended)
    {
      if (self->failure == NULL)
        Py_RETURN_NONE;
      PyErr_SetObject ((PyObject *) Py_TYPE (self->failure), self->failure);
      return NULL;
    }

  fresh = PyList_New (0);
  if (fresh == NULL)
    return NULL;
  taken = self->values;
  self->values = fresh;
  begin_asking (self);
  return taken;
}

static PyObject *
outputs_wait (PyObject *object, PyObject *sink)
{
  OutputsObject *self = (OutputsObject *) object;

  if (PyList_GET_SIZE (self->values) > 0 || self->ended)
    procpool_sink_tell (self->pool->context, Py_NewRef (sink), Py_NewRef (Py_None), NULL);
  else
    Py_XSETREF (self->sink, Py_NewRef (sink));
  Py_RETURN_NONE;
}

static PyMethodDef outputs_methods[] = {
  { "take", outputs_take, METH_NOARGS, "The values that are there, a list that may be empty; None at the end." },
  { "wait", outputs_wait, METH_O, "Tell a sink when there is something to take, or the end." },
  { NULL },
};

PyTypeObject Outputs_Type = {
  PyVarObject_HEAD_INIT (NULL, 0)
  .tp_name = "procpool._native.Outputs",
  .tp_doc = "Takes the partial values of a task.",
  .tp_basicsize = sizeof (OutputsObject),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .tp_dealloc = outputs_dealloc,
  .tp_methods = outputs_methods,
};
