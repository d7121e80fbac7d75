/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "rate-limit.h"

void
proc_rate_limit_init (ProcRateLimit *self, guint max_rate)
{
  *self = (ProcRateLimit) { .max_rate = max_rate };
}

gboolean
proc_rate_limit_pass (ProcRateLimit *self, gint64 now)
{
  if (self->max_rate == 0)
    return TRUE;

  if (self->n_passed == 0 || now - self->begin >= G_TIME_SPAN_SECOND)
    {
      self->begin = now;
      self->n_passed = 0;
    }

  if (self->n_passed < self->max_rate)
    {
      self->n_passed++;
      return TRUE;
    }

  self->n_dropped++;
  return FALSE;
}

guint
proc_rate_limit_get_rest (const ProcRateLimit *self, gint64 now)
{
  gint64 left = self->begin + G_TIME_SPAN_SECOND - now;

  if (self->n_passed == 0 || left <= 0)
    return 0;

  return (guint) ((left + G_TIME_SPAN_MILLISECOND - 1) / G_TIME_SPAN_MILLISECOND);
}

guint64
proc_rate_limit_take_dropped (ProcRateLimit *self)
{
  guint64 n_dropped = self->n_dropped;

  self->n_dropped = 0;
  return n_dropped;
}
