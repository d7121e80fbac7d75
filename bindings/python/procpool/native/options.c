/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "options.h"

#include "properties.h"

/* Those that aren't set in a way of their own. */
static const char *const names[N_OPTIONS] = {
  [OPTION_NAME] = "name",
  [OPTION_CORES] = "cores",
  [OPTION_TIMEOUT] = "timeout",
  [OPTION_MAX_ATTEMPTS] = "max-attempts",
  [OPTION_ISOLATION] = "isolation",
  [OPTION_MAX_OUTPUTS] = "max-outputs",
};

static gboolean
set_fds (ProcTask *task, PyObject *fds)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  PyObject *sequence = PySequence_Fast (fds, "fds is a sequence of file descriptors");

  for (Py_ssize_t i = 0; sequence != NULL && i < PySequence_Fast_GET_SIZE (sequence); i++)
    {
      g_autoptr (GError) error = NULL;
      int fd = PyObject_AsFileDescriptor (PySequence_Fast_GET_ITEM (sequence, i));

      if (fd >= 0 && g_unix_fd_list_append (list, fd, &error) < 0)
        PyErr_SetString (PyExc_OSError, error->message);
      if (PyErr_Occurred ())
        Py_CLEAR (sequence);
    }
  if (sequence == NULL)
    return FALSE;

  Py_DECREF (sequence);
  proc_task_set_fds (task, list);
  return TRUE;
}

static gboolean
set_priority (ProcTask *task, PyObject *option)
{
  long value = PyLong_AsLong (option);

  if (PyErr_Occurred ())
    return FALSE;
  if (value < G_MININT || value > G_MAXINT)
    {
      PyErr_Format (PyExc_OverflowError, "%ld is too large a number", value);
      return FALSE;
    }
  proc_task_set_priority (task, value);
  return TRUE;
}

gboolean
procpool_options_check (PyObject *options)
{
  if (options == Py_None || (PyTuple_Check (options) && PyTuple_GET_SIZE (options) == N_OPTIONS))
    return TRUE;

  PyErr_Format (PyExc_TypeError, "options are a tuple of %d", N_OPTIONS);
  return FALSE;
}

static gboolean
apply (ProcTask *task, int number, PyObject *option)
{
  switch (number)
    {
    case OPTION_PRIORITY:
      return set_priority (task, option);
    case OPTION_FDS:
      return set_fds (task, option);
    case OPTION_PROGRESS:
    case OPTION_OUTPUT:
      return TRUE;
    default:
      return procpool_property_set (task, names[number], option) == 0;
    }
}

gboolean
procpool_options_apply (ProcTask *task, PyObject *options)
{
  for (int i = 0; i < N_OPTIONS; i++)
    {
      PyObject *option = PyTuple_GET_ITEM (options, i);

      if (option != Py_None && !apply (task, i, option))
        return FALSE;
    }
  return TRUE;
}
