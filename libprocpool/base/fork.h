/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Which process this is, as far as forks without exec go: what getpid() would tell, without a system call
 * for each task. A fork has another generation than its parent, and never the same as an ancestor.
 */
guint proc_fork_get_generation (void);
