/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* The options of a task, in this order, None for the default. */
enum
{
  OPTION_NAME,
  OPTION_CORES,
  OPTION_PRIORITY,
  OPTION_TIMEOUT,
  OPTION_MAX_ATTEMPTS,
  OPTION_ISOLATION,
  OPTION_MAX_OUTPUTS,
  OPTION_FDS,
  OPTION_PROGRESS, /* this and the next: what is called */
  OPTION_OUTPUT,
  N_OPTIONS
};

/* Whether @options is None or a tuple of so many; with an exception if it isn't. */
gboolean procpool_options_check (PyObject *options);

/* Applies all but what is called. FALSE with an exception. */
gboolean procpool_options_apply (ProcTask *task, PyObject *options);
