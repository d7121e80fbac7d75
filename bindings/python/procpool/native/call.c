/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "call.h"

#include "outcome.h"
#include "payload.h"
#include "run.h"

static PyObject *name_module;
static PyObject *name_qualname;

gboolean
procpool_call_init (void)
{
  name_module = PyUnicode_InternFromString ("__module__");
  name_qualname = PyUnicode_InternFromString ("__qualname__");
  return name_module != NULL && name_qualname != NULL;
}

/* As in messages; NULL, maybe with an exception, for what has no such name. */
static PyObject *
build_name (PyObject *function)
{
  PyObject *module = PyObject_GetAttr (function, name_module);
  PyObject *qualname = module != NULL ? PyObject_GetAttr (function, name_qualname) : NULL;
  PyObject *name = NULL;

  if (qualname != NULL && PyUnicode_Check (module) && PyUnicode_Check (qualname))
    name = PyUnicode_FromFormat ("%U:%U()", module, qualname);
  Py_XDECREF (module);
  Py_XDECREF (qualname);
  return name;
}

static PyObject *
start (PoolObject *pool, PyObject *loop, const char *name, GVariant *payload, PyObject *options)
{
  PyObject *outcome = procpool_outcome_new (loop);
  PyObject *run = outcome != NULL ? procpool_run_new (pool, name, payload, CODEC_PICKLE, outcome, options) : NULL;

  if (run == NULL)
    {
      Py_XDECREF (outcome);
      return NULL;
    }

  procpool_outcome_set_run (outcome, run);
  Py_DECREF (run);
  return outcome;
}

/* A call's loop, function, tuple of arguments, dict of them, and options. None: it isn't small, or can't be pickled by
 * itself, and has to take the long way, where errors are told too.
 */
PyObject *
procpool_call_start (PoolObject *pool, PyObject *const *args, Py_ssize_t n_args)
{
  g_autoptr (GVariant) payload = NULL;
  PyObject *call;
  PyObject *name;
  PyObject *outcome = NULL;

  if (n_args != 5)
    {
      PyErr_SetString (PyExc_TypeError, "call() takes a loop, a function, its arguments, its keyword arguments and options");
      return NULL;
    }
  if (!procpool_payload_is_small (args[2]) || !procpool_payload_is_small (args[3]))
    Py_RETURN_NONE;

  call = PyTuple_Pack (3, args[1], args[2], args[3]);
  payload = call != NULL ? procpool_payload_dump (call) : NULL;
  name = payload != NULL ? build_name (args[1]) : NULL;
  Py_XDECREF (call);
  if (name == NULL)
    {
      PyErr_Clear ();
      Py_RETURN_NONE;
    }

  outcome = start (pool, args[0], PyUnicode_AsUTF8 (name), payload, args[4]);
  Py_DECREF (name);
  return outcome;
}
