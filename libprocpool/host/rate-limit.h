/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* At most so many in a second, the rest counted. Pure: told the time, says yes or no. Private.
 *
 * A second begins with the first that is asked for after the last one's end: a flood may pass twice the
 * rate where two of them meet, and nothing is to be done while nobody asks.
 */
typedef struct
{
  guint max_rate;    /* a second; 0: any number */
  gint64 begin;      /* of the second, in microseconds of the monotonic clock */
  guint n_passed;    /* in this second */
  guint64 n_dropped; /* since proc_rate_limit_take_dropped() */
} ProcRateLimit;

void proc_rate_limit_init (ProcRateLimit *self, guint max_rate);

/* Whether one more may pass; if not, it is counted. */
gboolean proc_rate_limit_pass (ProcRateLimit *self, gint64 now);

/* Milliseconds until the second is over, at least 1 unless it is: when to tell the number that was dropped. */
guint proc_rate_limit_get_rest (const ProcRateLimit *self, gint64 now);

/* How many were dropped since it was asked last. */
guint64 proc_rate_limit_take_dropped (ProcRateLimit *self);
