/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Signals to this process that are put off until whoever watches them has done what has to be done before. Private.
 *
 * The first watch of a signal takes the place of the program's own handler, and the last one to be released puts it
 * back. If the signal came meanwhile, it is then sent once more, for that handler.
 */
typedef struct _ProcSignalWatch ProcSignalWatch;

gboolean proc_signal_watch_is_possible (int signum);

/* @func is called in @context each time the signal comes. */
ProcSignalWatch *proc_signal_watch_new (int signum, GMainContext *context, GSourceFunc func, gpointer user_data);

int proc_signal_watch_get_signum (ProcSignalWatch *self);

/* Not from within its @func. */
void proc_signal_watch_release (ProcSignalWatch *self);
