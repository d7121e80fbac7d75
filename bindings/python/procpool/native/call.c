/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "call.h"

#include "outcome.h"
#include "run.h"
#include "small.h"

/* The names of functions that helper processes find by them, by the function. These are functions of modules, which live
 * as long as the program, as a rule; emptied when it is full.
 */
static PyObject *names;
#define MAX_NAMES 1024

static PyObject *find_name; /* of procpool._dumping, which is imported when it is first needed */

gboolean
procpool_call_init (void)
{
  names = PyDict_New ();
  return names != NULL;
}

static PyObject *
look_for_name (PyObject *function)
{
  PyObject *name;

  if (find_name == NULL)
    {
      PyObject *module = PyImport_ImportModule ("procpool._dumping");

      find_name = module != NULL ? PyObject_GetAttrString (module, "find_name") : NULL;
      Py_XDECREF (module);
    }
  name = find_name != NULL ? PyObject_CallOneArg (find_name, function) : NULL;
  if (name == NULL || name == Py_None)
    return name;

  if (PyDict_GET_SIZE (names) >= MAX_NAMES)
    PyDict_Clear (names);
  if (PyDict_SetItem (names, function, name) != 0)
    Py_CLEAR (name);
  return name;
}

/* A new reference: a str, or None. NULL with an exception. */
static PyObject *
get_name (PyObject *function)
{
  PyObject *name;

  if (!PyFunction_Check (function) && !PyCFunction_Check (function))
    return Py_NewRef (Py_None);

  name = PyDict_GetItemWithError (names, function);
  if (name != NULL)
    return Py_NewRef (name);
  return PyErr_Occurred () ? NULL : look_for_name (function);
}

/* The arguments, then keys and values in turn. NULL if they aren't small. */
static GVariant *
write_arguments (PyObject *args, PyObject *kwargs)
{
  SmallWriter writer;
  PyObject *key;
  PyObject *value;
  Py_ssize_t position = 0;

  writer.size = 0;
  if (!procpool_small_write (&writer, args))
    return NULL;
  while (PyDict_Next (kwargs, &position, &key, &value))
    {
      if (!procpool_small_write (&writer, key) || !procpool_small_write (&writer, value))
        return NULL;
    }
  return procpool_small_to_variant (&writer);
}

static PyObject *
start (PoolObject *pool, PyObject *loop, const char *name, GVariant *payload, PyObject *options)
{
  PyObject *outcome = procpool_outcome_new (loop);
  PyObject *run = outcome != NULL ? procpool_run_new (pool, proc_task_new (name, payload), CODEC_PICKLE, outcome, options) : NULL;

  if (run == NULL)
    {
      Py_XDECREF (outcome);
      return NULL;
    }

  procpool_outcome_set_run (outcome, run);
  Py_DECREF (run);
  return outcome;
}

/* A call's loop, or the sink of its outcome; function, tuple of arguments, dict of them, and options. Returns an outcome
 * for the loop, or the run for the sink. None: it isn't small, or its function isn't found by a name, and it has to take
 * the long way, where errors are told too.
 */
PyObject *
procpool_call_start (PoolObject *pool, PyObject *const *args, Py_ssize_t n_args)
{
  g_autoptr (GVariant) payload = NULL;
  PyObject *name;
  PyObject *outcome = NULL;

  if (n_args != 6 || !PyTuple_Check (args[3]) || !PyDict_Check (args[4]))
    {
      PyErr_SetString (PyExc_TypeError, "call() takes a loop, a sink, a function, its arguments, its keyword arguments and options");
      return NULL;
    }

  payload = write_arguments (args[3], args[4]);
  name = payload != NULL ? get_name (args[2]) : Py_NewRef (Py_None);
  if (name == NULL || name == Py_None)
    return name;

  if (args[1] != Py_None)
    outcome = procpool_run_new (pool, proc_task_new (PyUnicode_AsUTF8 (name), payload), CODEC_PICKLE, args[1], args[5]);
  else
    outcome = start (pool, args[0], PyUnicode_AsUTF8 (name), payload, args[5]);
  Py_DECREF (name);
  return outcome;
}
