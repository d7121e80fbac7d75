/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* Takes the exception that is being raised, with its traceback. */
static inline PyObject *
procpool_exception_take (void)
{
  PyObject *type;
  PyObject *value;
  PyObject *traceback;

  PyErr_Fetch (&type, &value, &traceback);
  PyErr_NormalizeException (&type, &value, &traceback);
  if (traceback != NULL)
    PyException_SetTraceback (value, traceback);
  Py_XDECREF (type);
  Py_XDECREF (traceback);
  return value;
}
