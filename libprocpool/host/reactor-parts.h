/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/hub.h"
#include "host/reactor.h"

/* Shared by the files of the reactor: reactor.c, which is dispatched by the hub, and reactor-wait.c, in which a blocked thread
 * dispatches it.
 */

struct _ProcReactor
{
  ProcHubMember member; /* with the count of references */
  guint generation;     /* of the process that made it: proc_fork_get_generation() */
  GMainContext *context;
  int epoll_fd;         /* made with the first watch, so that making a pool can't fail */

  GSequence *timers; /* of ProcTimer, by deadline */

  ProcReactorFunc settle;
  gboolean (*linger) (gpointer user_data);
  gpointer settle_data;

  GQueue emissions;    /* of ProcDelivery, by its link */
  GQueue completions;  /* of ProcDelivery, by its link */
  guint n_blocking;    /* depth of proc_reactor_wait() dispatching: completions wait meanwhile */
  gboolean dirty;      /* something was changed outside an event: to be settled */

  GMutex lock;         /* protects all below */
  GQueue inbox;        /* of ProcPosted: by any thread */
  int n_posted;        /* atomic: its length, to be asked without the lock */
  GSList *waiters;     /* of ProcWaiter: threads in proc_reactor_wait() */
  int n_waiters;       /* atomic: their number, to be asked without the lock */
};

/* reactor.c */
void proc_reactor_dispatch (ProcReactor *self);
/* On the monotonic clock; -1: there is none. */
gint64 proc_reactor_get_next_deadline (ProcReactor *self);

/* reactor-wait.c */
void proc_reactor_wake_waiters_locked (ProcReactor *self);
