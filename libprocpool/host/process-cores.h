/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* What the system lets this process use. Each call asks anew: both can change while it runs. */

/* The cores that the calling thread, and so a process that it starts, may run on, ascending. NULL where
 * the system doesn't tell. Cores beyond CPU_SETSIZE are left out: nothing could be pinned to them.
 */
int *proc_process_cores_get_affinity (gsize *n_ids);

/* Checks a list of cores to draw from, and returns a copy in ascending order. Fails with
 * PROC_POOL_ERROR_INVALID_CORES if it is empty, has a core twice, or one that the calling thread may not
 * run on.
 */
int *proc_process_cores_sort (const int *ids, gsize n_ids, GError **error);

/* How many cores' worth of time the cgroup v2 quota allows, rounded up; 0: no limit.
 * @mount_root: where the cgroup tree is mounted, "/sys/fs/cgroup"
 * @cgroup_file: the file that names this process's place in it, "/proc/self/cgroup"
 */
guint proc_process_cores_get_quota (const char *mount_root, const char *cgroup_file);

/* How many cores' worth of time this process has, by affinity and quota: at least 1. */
guint proc_process_cores_count (void);
