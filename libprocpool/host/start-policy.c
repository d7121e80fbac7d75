/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "start-policy.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/exit-code.h"

#define FIRST_PAUSE (100 * G_TIME_SPAN_MILLISECOND)
#define LONGEST_PAUSE (10 * G_TIME_SPAN_SECOND)
#define LONGEST_CRASH_PAUSE (250 * G_TIME_SPAN_MILLISECOND)

/* Crashes in a row that are each put down to their task. */
#define FREE_CRASHES 4

/* Crashes in a row from which on it is put down to the helpers. */
#define MAX_CRASHES 12

/* Tries for a reason of the moment, some seconds in all. */
#define MAX_TRIES 6

void
proc_start_policy_clear (ProcStartPolicy *self)
{
  g_clear_error (&self->refusal);
}

void
proc_start_policy_note_reply (ProcStartPolicy *self)
{
  self->n_failures = 0;
  self->n_crashes = 0;
  self->n_suspicious = 0;
}

static gint64
pause_after (guint n, gint64 longest)
{
  return MIN (FIRST_PAUSE << MIN (n, 10), longest);
}

guint
proc_start_policy_get_generation (ProcStartPolicy *self)
{
  return self->n_crashes;
}

ProcStartVerdict
proc_start_policy_note_crash (ProcStartPolicy *self, guint generation, gboolean repeated, gint64 now)
{
  /* It was there already when another one crashed, and is no replacement. */
  if (generation < self->n_crashes)
    return PROC_START_AGAIN;

  self->n_crashes++;
  if (!repeated)
    self->n_suspicious++;

  if (self->n_suspicious >= MAX_CRASHES)
    {
      self->not_before = now + pause_after (self->n_suspicious - MAX_CRASHES + 2, LONGEST_PAUSE);
      return PROC_START_FAIL;
    }

  if (self->n_crashes > FREE_CRASHES)
    self->not_before = now + pause_after (self->n_crashes - FREE_CRASHES - 1, LONGEST_CRASH_PAUSE);

  return PROC_START_AGAIN;
}

gboolean
proc_start_policy_has_outlived (ProcStartPolicy *self, guint generation)
{
  return generation + 2 <= self->n_crashes;
}

/* GLib gives a GError for a failed spawn whose code says nothing: the text of errno is all there is. */
static gboolean
is_of_the_moment (const GError *error)
{
  static const int reasons[] = { EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY };

  if (!g_error_matches (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      if (strstr (error->message, g_strerror (reasons[i])))
        return TRUE;
    }

  return FALSE;
}

ProcStartVerdict
proc_start_policy_note_failure (ProcStartPolicy *self, const GError *error, int exit_status, gint64 now)
{
  self->not_before = now + pause_after (self->n_failures, LONGEST_PAUSE);
  self->n_failures++;

  if (exit_status == PROC_HELPER_EXIT_REFUSED && !self->refusal)
    self->refusal = g_error_copy (error);

  if (!self->refusal && is_of_the_moment (error) && self->n_failures < MAX_TRIES)
    return PROC_START_AGAIN;

  return PROC_START_FAIL;
}

guint
proc_start_policy_get_pause (ProcStartPolicy *self, gint64 now)
{
  if (self->not_before <= now)
    return 0;

  return (guint) ((self->not_before - now + G_TIME_SPAN_MILLISECOND - 1) / G_TIME_SPAN_MILLISECOND);
}

gboolean
proc_start_policy_is_hopeful (ProcStartPolicy *self)
{
  return !self->refusal && self->n_failures < MAX_TRIES && self->n_suspicious < MAX_CRASHES;
}
