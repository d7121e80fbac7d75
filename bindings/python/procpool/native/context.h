/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "descriptor.h"

extern PyTypeObject Context_Type;

typedef struct
{
  PyObject_HEAD
  GMainContext *context;
  Descriptor descriptor;
  GPollFD *fds; /* what the context polls, as it was last asked; fds_capacity elements */
  int fds_capacity;

  /* Asks who turns the context to do so soon, since something has changed that no descriptor tells; NULL: nobody
   * does, or a loop of GLib's that needs no telling.
   */
  PyObject *schedule;
  /* The thread in which that may be called. */
  unsigned long home;
  gboolean scheduled; /* and hasn't been dispatched since */

  /* For asyncio: sets a timer to so many milliseconds, and when that is due; 0: not set. */
  PyObject *set_timer;
  gint64 timer_due;

  GQueue outcomes;  /* of PyObject: those that have arrived in this dispatch(), to go on with after it */
  gboolean dispatching;

  gboolean stopped; /* serve() is to return */

  guint generation; /* of the process that it belongs to */
} ContextObject;

/* Calls @func in a thread that owns the context, with it as the thread's default: now if that can be this one. FALSE, with
 * WrongProcess, in a fork of the process that it belongs to: nobody turns it there.
 */
gboolean procpool_context_enter (ContextObject *self, void (*func) (gpointer data), gpointer data);

/* Has the task go on that awaits @outcome. Takes a reference of its own. */
void procpool_context_resume (ContextObject *self, PyObject *outcome);

/* Something may be due that no descriptor tells of. In any thread. */
void procpool_context_note_change (ContextObject *self);
