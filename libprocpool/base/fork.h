/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Which process this is, as far as forks without exec go: what getpid() would tell, without a system call
 * for each task. A fork has another generation than its parent, and never the same as an ancestor.
 */
guint proc_fork_get_generation (void);

/* A mutex that a fork finds unlocked, whatever thread had it in the parent. It is for those of the library's own threads,
 * which a program that forks knows nothing of.
 */
typedef struct _ProcForkMutex ProcForkMutex;

struct _ProcForkMutex
{
  GMutex *mutex;

  /* TRUE: it protects nothing that could be half done, and is new in the fork. FALSE: the fork waits for it; who has it locks
   * no other mutex meanwhile and doesn't fork.
   */
  gboolean anew;

  /*< private >*/
  gsize once;
  ProcForkMutex *next;
};

/* From now on. @self and its mutex are static. More than once does no harm. */
void proc_fork_keep_mutex (ProcForkMutex *self);
