/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "signal-watch.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

/* GLib does the work, in any number of contexts, but takes a signal's handler away without a thought of what was
 * there before.
 */
typedef struct
{
  guint n_watches;
  struct sigaction previous; /* the program's own */
  gboolean came;             /* the signal, since the first watch */
} Watched;

struct _ProcSignalWatch
{
  int signum;
  GSource *source;
  GSourceFunc func;
  gpointer user_data;
};

static GMutex lock;

/* By signal number; under the lock. */
static Watched watched[SIGTERM + 1];

gboolean
proc_signal_watch_is_possible (int signum)
{
  /* Of those that g_unix_signal_source_new() takes, the ones that mean an end. */
  return signum == SIGHUP || signum == SIGINT || signum == SIGTERM;
}

static gboolean
on_signal (gpointer user_data)
{
  ProcSignalWatch *self = user_data;

  g_mutex_lock (&lock);
  watched[self->signum].came = TRUE;
  g_mutex_unlock (&lock);

  return self->func (self->user_data);
}

ProcSignalWatch *
proc_signal_watch_new (int signum, GMainContext *context, GSourceFunc func, gpointer user_data)
{
  ProcSignalWatch *self = g_new0 (ProcSignalWatch, 1);
  Watched *signal = &watched[signum];

  self->signum = signum;
  self->func = func;
  self->user_data = user_data;

  g_mutex_lock (&lock);
  if (signal->n_watches++ == 0)
    {
      sigaction (signum, NULL, &signal->previous);
      signal->came = FALSE;
    }
  self->source = g_unix_signal_source_new (signum);
  g_mutex_unlock (&lock);

  g_source_set_priority (self->source, G_PRIORITY_HIGH);
  g_source_set_callback (self->source, on_signal, self, NULL);
  g_source_attach (self->source, context);

  return self;
}

int
proc_signal_watch_get_signum (ProcSignalWatch *self)
{
  return self->signum;
}

/* What is there now isn't ours if the program watches the signal with GLib too. */
static void
put_back (int signum, const struct sigaction *previous)
{
  struct sigaction now;

  sigaction (signum, NULL, &now);
  if (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
    sigaction (signum, previous, NULL);
}

void
proc_signal_watch_release (ProcSignalWatch *self)
{
  Watched *signal = &watched[self->signum];
  gboolean raise = FALSE;

  g_mutex_lock (&lock);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  if (--signal->n_watches == 0)
    {
      put_back (self->signum, &signal->previous);
      raise = signal->came;
    }
  g_mutex_unlock (&lock);

  if (raise)
    kill (getpid (), self->signum);
  g_free (self);
}
