/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/fork.h"

#include <pthread.h>

static guint generation;

static void
on_forked (void)
{
  generation++;
}

guint
proc_fork_get_generation (void)
{
  static gsize once;

  /* Before the first value is given out, so that no fork after it goes unnoticed. */
  if (g_once_init_enter (&once))
    {
      pthread_atfork (NULL, NULL, on_forked);
      g_once_init_leave (&once, 1);
    }

  return generation;
}
