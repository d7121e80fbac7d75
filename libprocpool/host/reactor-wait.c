/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <poll.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "host/reactor-parts.h"

/* Threads that are blocked until something is done. As long as no other thread runs the main context, one of them dispatches
 * the reactor itself, and nothing else of the context; else it waits for the one that does.
 */

typedef struct
{
  GCond cond; /* for while another thread owns the context */
  int fd;     /* an eventfd, for while none does; -1 if there was none to be had */
} ProcWaiter;

/* How often a blocked thread looks whether the context has lost its owner, who gives no sign of it. */
#define OWNER_CHECK_INTERVAL (100 * G_TIME_SPAN_MILLISECOND)

void
proc_reactor_wake_waiters_locked (ProcReactor *self)
{
  for (GSList *l = self->waiters; l; l = l->next)
    {
      ProcWaiter *waiter = l->data;

      g_cond_signal (&waiter->cond);
      if (waiter->fd >= 0)
        eventfd_write (waiter->fd, 1);
    }
}

void
proc_reactor_notify_waiters (ProcReactor *self)
{
  g_mutex_lock (&self->lock);
  proc_reactor_wake_waiters_locked (self);
  g_mutex_unlock (&self->lock);
}

/* Dispatches what is due, owning the context. */
static void
wait_dispatch (ProcReactor *self)
{
  g_main_context_push_thread_default (self->context);
  self->n_blocking++;
  proc_reactor_dispatch (self);
  self->n_blocking--;
  g_main_context_pop_thread_default (self->context);
}

/* When to dispatch again: completions, which can't be made now, don't count. */
static gint64
wait_deadline (ProcReactor *self)
{
  if (self->dirty || !g_queue_is_empty (&self->emissions) || g_atomic_int_get (&self->n_posted) > 0)
    return 0;

  return proc_reactor_get_next_deadline (self);
}

static int
milliseconds_until (gint64 deadline, gint64 now)
{
  if (deadline < 0)
    return -1;

  return (int) CLAMP ((deadline - now + 999) / 1000, 0, G_MAXINT);
}

static void
wait_poll (ProcReactor *self, ProcWaiter *waiter, gint64 deadline)
{
  struct pollfd fds[2];
  nfds_t n_fds = 0;
  int timeout = -1;

  if (self->epoll_fd >= 0)
    fds[n_fds++] = (struct pollfd) { .fd = self->epoll_fd, .events = POLLIN };
  if (waiter->fd >= 0)
    fds[n_fds++] = (struct pollfd) { .fd = waiter->fd, .events = POLLIN };
  else
    timeout = 10;

  if (deadline >= 0)
    {
      int left = milliseconds_until (deadline, g_get_monotonic_time ());

      timeout = timeout < 0 ? left : MIN (timeout, left);
    }

  poll (fds, n_fds, timeout);

  if (waiter->fd >= 0)
    {
      eventfd_t value;

      eventfd_read (waiter->fd, &value);
    }
}

static gboolean
wait_for_owner (ProcReactor *self, ProcWaiter *waiter, gboolean (*done) (gpointer user_data), gpointer user_data)
{
  gboolean finished;

  g_mutex_lock (&self->lock);
  finished = done (user_data);
  if (!finished)
    g_cond_wait_until (&waiter->cond, &self->lock, g_get_monotonic_time () + OWNER_CHECK_INTERVAL);
  g_mutex_unlock (&self->lock);

  return finished;
}

void
proc_reactor_wait (ProcReactor *self, gboolean (*done) (gpointer user_data), gpointer user_data)
{
  ProcWaiter waiter = { .fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK) };
  gboolean finished = FALSE;

  g_cond_init (&waiter.cond);
  g_mutex_lock (&self->lock);
  self->waiters = g_slist_prepend (self->waiters, &waiter);
  g_atomic_int_inc (&self->n_waiters);
  g_mutex_unlock (&self->lock);

  while (!finished)
    {
      if (g_main_context_acquire (self->context))
        {
          gint64 deadline;

          wait_dispatch (self);
          finished = done (user_data);
          deadline = wait_deadline (self);
          g_main_context_release (self->context);

          /* Polled without owning the context, so that a main loop in another thread goes on. */
          if (!finished)
            wait_poll (self, &waiter, deadline);
        }
      else
        {
          finished = wait_for_owner (self, &waiter, done, user_data);
        }
    }

  g_mutex_lock (&self->lock);
  self->waiters = g_slist_remove (self->waiters, &waiter);
  g_atomic_int_add (&self->n_waiters, -1);
  g_mutex_unlock (&self->lock);
  g_cond_clear (&waiter.cond);
  proc_fd_clear (&waiter.fd);
}
