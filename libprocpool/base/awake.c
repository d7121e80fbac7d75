/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/awake.h"

#include <sched.h>

/* Who keeps the processor for as long has more to do than the small work that a system always has: microseconds. */
#define KEPT 200

/* How long not to wait then, in microseconds: each time twice as long, until a wait was of use. */
#define MIN_PAUSE (10 * 1000)
#define MAX_PAUSE (1000 * 1000)

static gboolean
has_changed (const guint64 *number, guint64 seen)
{
  return __atomic_load_n (number, __ATOMIC_ACQUIRE) != seen;
}

static void
note_crowd (ProcAwake *self, gint64 now)
{
  self->crowded_for = CLAMP (2 * self->crowded_for, MIN_PAUSE, MAX_PAUSE);
  self->crowded_until = now + self->crowded_for;
}

gboolean
proc_awake_wait (ProcAwake *self, const guint64 *number, guint64 seen)
{
  gint64 now;
  gint64 end;

  if (has_changed (number, seen))
    return TRUE;

  now = g_get_monotonic_time ();
  if (now < self->crowded_until)
    return FALSE;

  for (end = now + PROC_AWAKE_MAX; now < end;)
    {
      gint64 before = now;

      sched_yield ();
      now = g_get_monotonic_time ();
      if (now - before > KEPT)
        {
          note_crowd (self, now);
          return has_changed (number, seen);
        }

      if (has_changed (number, seen))
        {
          self->crowded_for = 0;
          return TRUE;
        }
    }

  return FALSE;
}
