/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/fork.h"

#include <pthread.h>

static guint generation;
static ProcForkMutex *mutexes; /* the newest first, none is ever taken off; under the lock */
static GMutex lock;

static void
before_fork (void)
{
  g_mutex_lock (&lock);
  for (ProcForkMutex *each = mutexes; each != NULL; each = each->next)
    if (!each->anew)
      g_mutex_lock (each->mutex);
}

static void
in_parent (void)
{
  for (ProcForkMutex *each = mutexes; each != NULL; each = each->next)
    if (!each->anew)
      g_mutex_unlock (each->mutex);
  g_mutex_unlock (&lock);
}

static void
in_child (void)
{
  in_parent ();
  for (ProcForkMutex *each = mutexes; each != NULL; each = each->next)
    if (each->anew)
      g_mutex_init (each->mutex);
  generation++;
}

/* Before the first value is given out and the first mutex is kept, so that no fork after it goes unnoticed. */
static void
watch (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      pthread_atfork (before_fork, in_parent, in_child);
      g_once_init_leave (&once, 1);
    }
}

guint
proc_fork_get_generation (void)
{
  watch ();
  return generation;
}

void
proc_fork_keep_mutex (ProcForkMutex *self)
{
  watch ();
  if (!g_once_init_enter (&self->once))
    return;

  g_mutex_lock (&lock);
  self->next = mutexes;
  mutexes = self;
  g_mutex_unlock (&lock);
  g_once_init_leave (&self->once, 1);
}
