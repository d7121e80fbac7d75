/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "host/reactor.h"

/* Who waits for something of the pool, first come first served: GTasks that return a boolean. Each can be cancelled. Private.
 *
 * By the thread that owns the reactor's context. Zeroed at first; empty when it goes.
 */
typedef struct
{
  GQueue tasks; /* of GTask, owned */
} ProcWaiters;

/* Takes @task, whose cancellation ends the waiting with @why. */
void proc_waiters_add (ProcWaiters *self, ProcReactor *reactor, GTask *task, const char *why);

/* The same for who waits until there are @need of something. */
void proc_waiters_add_for (ProcWaiters *self, ProcReactor *reactor, GTask *task, guint need, const char *why);

/* How many the one that waits for most needs; 0: nobody waits. */
guint proc_waiters_get_most (ProcWaiters *self);

/* All that need no more than @n have waited long enough. */
void proc_waiters_complete_up_to (ProcWaiters *self, ProcReactor *reactor, guint n);

/* The first one has waited long enough: TRUE for it, or @error, which is taken. FALSE if there is none. */
gboolean proc_waiters_complete (ProcWaiters *self, ProcReactor *reactor, GError *error);

/* The same for a task that needn't wait. */
void proc_waiters_complete_task (ProcReactor *reactor, GTask *task, GError *error);
