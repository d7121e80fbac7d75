/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "failure.h"

#include "exception.h"
#include "values.h"

/* A function of procpool.errors, which is imported by the first failure. Takes @args. */
static PyObject *
call_errors (const char *name, PyObject *args)
{
  PyObject *module = args != NULL ? PyImport_ImportModule ("procpool.errors") : NULL;
  PyObject *function = module != NULL ? PyObject_GetAttrString (module, name) : NULL;
  PyObject *result = function != NULL ? PyObject_CallObject (function, args) : NULL;

  Py_XDECREF (function);
  Py_XDECREF (module);
  Py_XDECREF (args);
  return result;
}

static PyObject *
get_details (ProcTask *task)
{
  GVariant *details = task != NULL ? proc_task_get_error_details (task) : NULL;

  return details != NULL ? procpool_value_to_python (details) : Py_NewRef (Py_None);
}

PyObject *
procpool_failure_build (const GError *error, ProcTask *task, gboolean pickled)
{
  ProcWorker *worker = task != NULL ? proc_task_get_worker (task) : NULL;
  g_autofree char *stderr_tail = worker != NULL ? proc_worker_dup_stderr_tail (worker) : NULL;

  return call_errors ("from_error",
                      Py_BuildValue ("(sisNsiizO)", g_quark_to_string (error->domain), error->code, error->message,
                                     get_details (task), task != NULL ? proc_task_get_function (task) : "",
                                     worker != NULL ? proc_worker_get_exit_status (worker) : -1,
                                     worker != NULL ? proc_worker_get_term_signal (worker) : 0, stderr_tail,
                                     pickled ? Py_True : Py_False));
}

void
procpool_failure_raise (ProcPoolError code, const char *message)
{
  g_autoptr (GError) error = g_error_new_literal (PROC_POOL_ERROR, code, message);
  PyObject *exception = procpool_failure_build (error, NULL, FALSE);

  if (exception != NULL)
    PyErr_SetObject ((PyObject *) Py_TYPE (exception), exception);
  Py_XDECREF (exception);
}

PyObject *
procpool_failure_build_unloadable (ProcTask *task)
{
  PyObject *cause = procpool_exception_take ();

  return call_errors ("from_load_failure", Py_BuildValue ("(sN)", proc_task_get_function (task), cause));
}
