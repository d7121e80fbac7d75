/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "context.h"

/* A sink is whatever waits for one outcome: an Outcome, or an object with done(), set_result() and set_exception(), as
 * futures have them.
 */

gboolean procpool_sink_init (void);

/* Tells it, unless nobody waits any more, and drops all three. @exception counts; without it @value is told. If both are
 * NULL, an exception is being raised, which is told.
 */
void procpool_sink_tell (ContextObject *context, PyObject *sink, PyObject *value, PyObject *exception);
