/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "waiting.h"

#include "failure.h"
#include "gil.h"
#include "sink.h"

typedef struct
{
  PoolObject *pool;
  char *what;
  guint number;
  PyObject *sink;
} Waiting;

static void
waiting_free (Waiting *self)
{
  Py_XDECREF (self->sink);
  Py_DECREF (self->pool);
  g_free (self->what);
  g_free (self);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  HOLD_GIL ();
  Waiting *self = data;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (self->what, "prepare"))
    proc_pool_prepare_finish (PROC_POOL (source), result, &error);
  else
    proc_pool_wait_for_room_finish (PROC_POOL (source), result, &error);

  procpool_sink_tell (self->pool->context, g_steal_pointer (&self->sink), error == NULL ? Py_NewRef (Py_None) : NULL,
                      error != NULL ? procpool_failure_build (error, NULL, FALSE) : NULL);
  waiting_free (self);
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
  if (procpool_context_enter (pool->context, start, self))
    Py_RETURN_NONE;

  waiting_free (self);
  return NULL;
}
