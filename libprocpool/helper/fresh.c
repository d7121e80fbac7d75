/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "helper/fresh.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"

/* Else all of them would draw the same numbers, if the parent had drawn any. */
static void
seed_random_numbers (void)
{
  guint32 seed;

  if (getrandom (&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = (guint32) getpid () ^ (guint32) g_get_monotonic_time ();

  g_random_set_seed (seed);
}

static gboolean
is_eventfd (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  char target[64];
  gssize size = readlink (link, target, sizeof target - 1);

  if (size < 0)
    return FALSE;

  target[size] = '\0';
  return strcmp (target, "anon_inode:[eventfd]") == 0;
}

static void
replace_eventfd (int fd)
{
  g_auto (ProcFd) fresh = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (fresh >= 0)
    dup3 (fresh, fd, O_CLOEXEC);
}

/* A main context is woken up by an eventfd, and that is one and the same thing in all forks: one would take another's
 * wakeups away.
 */
static void
replace_wakeups (GMainContext *context)
{
  g_autofree GPollFD *fds = NULL;
  int timeout;
  int n_fds;

  if (!g_main_context_acquire (context))
    return;

  n_fds = g_main_context_query (context, G_MAXINT, &timeout, NULL, 0);
  fds = g_new (GPollFD, n_fds);
  n_fds = MIN (n_fds, g_main_context_query (context, G_MAXINT, &timeout, fds, n_fds));
  for (int i = 0; i < n_fds; i++)
    {
      if (is_eventfd (fds[i].fd))
        replace_eventfd (fds[i].fd);
    }

  g_main_context_release (context);
}

void
proc_fresh_begin (void)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  seed_random_numbers ();
  replace_wakeups (context);
  if (context != g_main_context_default ())
    replace_wakeups (g_main_context_default ());
}
