/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "look-ahead.h"

/* What all that wait for one worker may take together, in microseconds. */
#define BUDGET 1000

/* However little each takes: what is more would only lie in the socket. */
#define MAX_LIMIT 64

/* To wait awake saves some microseconds, and takes a processor as long: in microseconds. */
#define QUICK 25

/* A worker that replied so short a time ago, in microseconds, is alive. */
#define JUST_NOW 1000

void
proc_look_ahead_note_start (ProcLookAhead *self, gint64 now)
{
  self->since = now;
}

void
proc_look_ahead_note_reply (ProcLookAhead *self, gint64 now)
{
  guint took = (guint) CLAMP (now - self->since, 0, G_MAXINT);

  /* One that takes longer counts at once, and is forgotten slowly. */
  if (self->last_reply == 0 || took > self->average)
    self->average = took;
  else
    self->average -= (self->average - took) / 8;
  self->since = now;
  self->last_reply = now;
}

guint
proc_look_ahead_get_limit (const ProcLookAhead *self, guint crowd)
{
  if (self->last_reply == 0 || self->since - self->last_reply > JUST_NOW)
    return 0;

  return MIN (BUDGET / MAX (self->average / crowd, 1), MAX_LIMIT);
}

gboolean
proc_look_ahead_is_quick (const ProcLookAhead *self)
{
  return self->last_reply != 0 && self->since - self->last_reply < JUST_NOW && self->average <= QUICK;
}

gboolean
proc_look_ahead_is_overdue (const ProcLookAhead *self, gint64 now)
{
  return now - self->since > PROC_LOOK_AHEAD_PATIENCE * 1000;
}
