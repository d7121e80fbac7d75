/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

/* When another helper process may be started after some have failed. Pure: told what happened and when,
 * says what to do. Private.
 *
 * A start that fails for a reason of the moment (out of processes or descriptors) is tried again a few
 * times; one that fails for good fails what waits for it, and the next start is put off, longer
 * each time. A helper that crashes under a task is replaced at once, but for a row of crashes without a
 * single task done: then pauses set in, and when one replacement after the other has crashed, what waits
 * fails. Workers lost at the same time count as one, and so does a task that is tried again and again: that
 * says more about the task than about the helpers.
 */
typedef struct
{
  guint n_failures;   /* starts that failed, in a row */
  guint n_crashes;    /* replacements that crashed, in a row, without a task done */
  guint n_suspicious; /* of these, the ones that a task's second try doesn't explain */
  gint64 not_before;  /* no start before this monotonic time, in microseconds */
  GError *refusal;    /* a helper said that starting another is pointless */
} ProcStartPolicy;

typedef enum
{
  PROC_START_AGAIN, /* after the pause */
  PROC_START_FAIL,  /* what waits fails with the error; the next to come is tried after the pause */
} ProcStartVerdict;

void proc_start_policy_clear (ProcStartPolicy *self);

/* A worker replied to a task. That one became ready is no good sign yet: it may die at once. */
void proc_start_policy_note_reply (ProcStartPolicy *self);

/* What proc_start_policy_note_crash() is told of a worker that is started now. */
guint proc_start_policy_get_generation (ProcStartPolicy *self);

/* A worker of that @generation was lost while it ran a task, or before its first one. @repeated: a task that
 * has cost a worker before.
 */
ProcStartVerdict proc_start_policy_note_crash (ProcStartPolicy *self, guint generation, gboolean repeated, gint64 now);

/* A worker ended before it was ready. @exit_status: its exit code, -1 if there is none. */
ProcStartVerdict proc_start_policy_note_failure (ProcStartPolicy *self, const GError *error, int exit_status, gint64 now);

/* Whether a worker of that @generation is still there after the crashes of more than one replacement. */
gboolean proc_start_policy_has_outlived (ProcStartPolicy *self, guint generation);

/* Milliseconds until the next start may be made, 0: now. */
guint proc_start_policy_get_pause (ProcStartPolicy *self, gint64 now);

/* Whether workers nobody waits for (min-workers) are still worth starting. */
gboolean proc_start_policy_is_hopeful (ProcStartPolicy *self);
