/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "base/awake.h"

/* A few numbers in memory that host and helper share.
 *
 * How often each side has sent something: who expects it at any moment looks there instead of asking the system.
 *
 * The helper's: the id of the task that it has begun last. It outlives the helper, so that the host can tell
 * which tasks were begun by one that is gone, at no cost while it lives.
 *
 * The host's: whether there is a processor to spare.
 *
 * All that the host believes of it are numbers: neither side can change its size.
 */
typedef struct _ProcMark ProcMark;

/* Not set by the other side, which may know nothing of it. */
#define PROC_MARK_UNSET G_MAXUINT64

/* Makes one, which is unset, and @fd for the other side, a new close-on-exec descriptor. NULL where the system has no
 * memory or descriptors for it.
 */
ProcMark *proc_mark_new (int *fd);

/* The other side's: maps @fd, which is borrowed. NULL if that is no mark. */
ProcMark *proc_mark_map (int fd);

void proc_mark_free (ProcMark *self);

void proc_mark_set (ProcMark *self, guint64 id);
guint64 proc_mark_get (ProcMark *self);

void proc_mark_set_spare (ProcMark *self, gboolean spare);
gboolean proc_mark_get_spare (ProcMark *self);

typedef enum
{
  PROC_MARK_HOST,
  PROC_MARK_HELPER,
} ProcMarkSide;

void proc_mark_note_sent (ProcMark *self, ProcMarkSide side);
guint64 proc_mark_get_n_sent (ProcMark *self, ProcMarkSide side);

/* Whether that side has sent something since it was at @n_sent, or does so in a moment. */
gboolean proc_mark_wait (ProcMark *self, ProcMarkSide side, guint64 n_sent, ProcAwake *awake);
