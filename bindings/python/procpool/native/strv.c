/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "strv.h"

char **
procpool_strv_from_python (PyObject *object)
{
  g_autoptr (GPtrArray) array = g_ptr_array_new_with_free_func (g_free);
  PyObject *sequence = PySequence_Fast (object, "a sequence of str is needed");

  for (Py_ssize_t i = 0; sequence != NULL && i < PySequence_Fast_GET_SIZE (sequence); i++)
    {
      PyObject *encoded = NULL;

      if (PyUnicode_FSConverter (PySequence_Fast_GET_ITEM (sequence, i), &encoded))
        g_ptr_array_add (array, g_strdup (PyBytes_AS_STRING (encoded)));
      else
        Py_CLEAR (sequence);
      Py_XDECREF (encoded);
    }
  if (sequence == NULL)
    return NULL;

  Py_DECREF (sequence);
  g_ptr_array_add (array, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&array), FALSE);
}
