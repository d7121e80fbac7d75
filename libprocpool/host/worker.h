/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "../base/enums.h"

G_BEGIN_DECLS

#define PROC_TYPE_WORKER (proc_worker_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcWorker, proc_worker, PROC, WORKER, GObject)

PROC_AVAILABLE_IN_1_0
int proc_worker_get_pid (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
ProcWorkerState proc_worker_get_state (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
const int *proc_worker_get_cores (ProcWorker *self, gsize *n_cores);
PROC_AVAILABLE_IN_1_0
guint64 proc_worker_get_tasks_done (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
guint64 proc_worker_get_memory (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
int proc_worker_get_exit_status (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
int proc_worker_get_term_signal (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
const char *proc_worker_get_build_id (ProcWorker *self);
PROC_AVAILABLE_IN_1_0
char *proc_worker_dup_stderr_tail (ProcWorker *self);

PROC_AVAILABLE_IN_1_0
gboolean proc_worker_send_signal (ProcWorker *self, int signum, GError **error);
PROC_AVAILABLE_IN_1_0
gboolean proc_worker_terminate (ProcWorker *self, GError **error);
PROC_AVAILABLE_IN_1_0
gboolean proc_worker_kill (ProcWorker *self, GError **error);

G_END_DECLS
