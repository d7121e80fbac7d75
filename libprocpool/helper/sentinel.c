/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "helper/sentinel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "helper/own-process.h"

/* The sentinel's states:
 *
 *   dormant ── timer, main thread busy ──> reading ahead ── that function is over ──> dormant
 *      └───────────── the host is gone ────────┴──> waiting for the main thread to end ──> kills
 *
 * Dormant: it sleeps in poll() until the timer, the host's end (POLLRDHUP, no data) or stop. The
 * main thread alone receives. No wakeup is ever due unless a function was begun in the last TICK.
 *
 * The timer: proc_sentinel_begin() arms it, for one shot, if it isn't armed: one system call in TICK of
 * activity, none for each function. When it fires, a function that is running (the connection is on
 * loan) has kept the main thread busy for up to TICK, and the sentinel reads ahead for that loan. If
 * none is running, it just goes on sleeping.
 *
 * Reading ahead: it sleeps for data too, and puts what comes aside for the main thread, CANCEL
 * excepted, which takes effect at once. It learns that the loan is over when the next data comes, from
 * the connection, which checks that under its mutex; the next function is a loan of its own, with a
 * timer of its own.
 *
 * No function is missed: begin() lends first and then looks at @armed; the sentinel clears @armed first
 * and then looks for a loan. Both go through the connection's mutex, so either begin() sees the timer
 * disarmed and arms it, or the sentinel sees the loan.
 */

/* How late cancelling may be for a function that keeps the main thread busy, in milliseconds. */
#define TICK 20

/* The most that a helper process outlives its host, whatever grace it was given. */
#define MAX_GRACE 1000

struct _ProcSentinel
{
  ProcConnection *connection;
  GThread *thread;
  int timer_fd;
  /* Readable once the sentinel is to end. */
  int stop_fd;

  /* Atomic. */
  gint armed;
  gint grace;
};

enum
{
  STOP,
  TIMER,
  CHANNEL,
  N_DESCRIPTORS
};

static void
wait_for (struct pollfd *descriptors, guint n, int timeout)
{
  while (poll (descriptors, n, timeout) < 0 && errno == EINTR)
    ;
}

/* Whether the host is gone, or as good as that: a function has closed descriptors that aren't its own. */
static gboolean
is_over (const struct pollfd *descriptors)
{
  return (descriptors[CHANNEL].revents & ~POLLIN) != 0 ||
         ((descriptors[STOP].revents | descriptors[TIMER].revents) & POLLNVAL) != 0;
}

/* The main thread sees the end by itself if it is idle, and whatever it does, it has the grace to finish.
 * Then all descendants are to go with it, and an orderly end does the same.
 */
static void
outlive_host (ProcSentinel *self)
{
  struct pollfd stop = { self->stop_fd, POLLIN, 0 };

  proc_connection_cancel_all (self->connection);
  wait_for (&stop, 1, g_atomic_int_get (&self->grace));

  if ((stop.revents & POLLIN) == 0)
    proc_own_process_kill ();
}

static void
disarm (ProcSentinel *self)
{
  guint64 n_expirations;

  if (read (self->timer_fd, &n_expirations, sizeof n_expirations) > 0)
    g_atomic_int_set (&self->armed, FALSE);
}

static gpointer
sentinel_thread (gpointer data)
{
  ProcSentinel *self = data;
  guint loan = 0; /* what is read ahead for; 0: dormant */

  for (;;)
    {
      struct pollfd descriptors[N_DESCRIPTORS] = {
        [STOP] = { self->stop_fd, POLLIN, 0 },
        [TIMER] = { self->timer_fd, POLLIN, 0 },
        [CHANNEL] = { proc_connection_get_fd (self->connection), POLLRDHUP | (loan != 0 ? POLLIN : 0), 0 },
      };

      wait_for (descriptors, N_DESCRIPTORS, -1);

      if ((descriptors[STOP].revents & POLLIN) != 0)
        break;

      if (is_over (descriptors))
        {
          outlive_host (self);
          break;
        }

      if (descriptors[TIMER].revents != 0)
        {
          disarm (self);
          loan = proc_connection_read_ahead (self->connection, 0);
        }
      else if (loan != 0)
        {
          loan = proc_connection_read_ahead (self->connection, loan);
        }
    }

  return NULL;
}

/* The application's signal handlers belong in its own threads. */
static GThread *
start_thread (ProcSentinel *self)
{
  sigset_t all;
  sigset_t previous;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &previous);
  thread = g_thread_new ("procpool", sentinel_thread, self);
  pthread_sigmask (SIG_SETMASK, &previous, NULL);

  return thread;
}

ProcSentinel *
proc_sentinel_new (ProcConnection *connection)
{
  ProcSentinel *self = g_new0 (ProcSentinel, 1);

  self->connection = proc_connection_ref (connection);
  self->grace = MAX_GRACE;
  self->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  self->stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->timer_fd < 0 || self->stop_fd < 0)
    g_error ("a helper process needs two descriptors of its own: %s", g_strerror (errno));

  self->thread = start_thread (self);

  return self;
}

void
proc_sentinel_free (ProcSentinel *self)
{
  guint64 one = 1;

  if (write (self->stop_fd, &one, sizeof one) < 0)
    g_warning ("can't stop the helper's own thread: %s", g_strerror (errno));

  g_thread_join (self->thread);
  proc_fd_close (self->timer_fd);
  proc_fd_close (self->stop_fd);
  proc_connection_unref (self->connection);
  g_free (self);
}

void
proc_sentinel_set_grace (ProcSentinel *self, guint grace)
{
  g_atomic_int_set (&self->grace, MIN (grace, MAX_GRACE));
}

void
proc_sentinel_begin (ProcSentinel *self)
{
  const struct itimerspec tick = { .it_value = { 0, TICK * 1000 * 1000 } };

  proc_connection_lend (self->connection);

  if (g_atomic_int_compare_and_exchange (&self->armed, FALSE, TRUE))
    timerfd_settime (self->timer_fd, 0, &tick, NULL);
}

void
proc_sentinel_end (ProcSentinel *self)
{
  proc_connection_reclaim (self->connection);
}
