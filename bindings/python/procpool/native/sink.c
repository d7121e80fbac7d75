/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sink.h"

#include "exception.h"
#include "outcome.h"

static PyObject *name_done;
static PyObject *name_set_result;
static PyObject *name_set_exception;

gboolean
procpool_sink_init (void)
{
  name_done = PyUnicode_InternFromString ("done");
  name_set_result = PyUnicode_InternFromString ("set_result");
  name_set_exception = PyUnicode_InternFromString ("set_exception");
  return name_done != NULL && name_set_result != NULL && name_set_exception != NULL;
}

static gboolean
is_awaited (PyObject *sink)
{
  PyObject *done = PyObject_CallMethodNoArgs (sink, name_done);
  gboolean awaited = done == Py_False;

  if (done == NULL)
    PyErr_WriteUnraisable (sink);
  Py_XDECREF (done);
  return awaited;
}

void
procpool_sink_tell (ContextObject *context, PyObject *sink, PyObject *value, PyObject *exception)
{
  PyObject *told = NULL;

  if (value == NULL && exception == NULL)
    exception = procpool_exception_take ();

  if (Py_IS_TYPE (sink, &Outcome_Type))
    {
      procpool_outcome_set (sink, value, exception);
      procpool_context_resume (context, sink);
    }
  else if (is_awaited (sink))
    {
      told = exception != NULL ? PyObject_CallMethodOneArg (sink, name_set_exception, exception)
                               : PyObject_CallMethodOneArg (sink, name_set_result, value);
      if (told == NULL)
        PyErr_WriteUnraisable (sink);
    }

  Py_XDECREF (told);
  Py_XDECREF (value);
  Py_XDECREF (exception);
  Py_DECREF (sink);
}
