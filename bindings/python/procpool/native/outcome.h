/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "python.h"

/* What a task of asyncio awaits: a future as far as asyncio is concerned. */
extern PyTypeObject Outcome_Type;

/* One of the two is set. */
void procpool_outcome_set (PyObject *self, PyObject *value, PyObject *exception);

PyObject *procpool_outcome_new (PyObject *loop);

/* What is cancelled with it. Until it is done, that is. */
void procpool_outcome_set_run (PyObject *self, PyObject *run);

gboolean procpool_outcome_is_done (PyObject *self);

/* Goes on with the task that awaits it, here and now, or with the loop's next turn. FALSE with an exception that is to
 * end the loop.
 */
gboolean procpool_outcome_resume (PyObject *self, gboolean here);

gboolean procpool_outcome_init (void);
