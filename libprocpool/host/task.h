/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "../base/enums.h"
#include "worker.h"

G_BEGIN_DECLS

#define PROC_TYPE_TASK (proc_task_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcTask, proc_task, PROC, TASK, GObject)

PROC_AVAILABLE_IN_1_0
ProcTask *proc_task_new (const char *function, GVariant *arguments);
PROC_AVAILABLE_IN_1_0
ProcTask *proc_task_new_command (const char *const *argv);

PROC_AVAILABLE_IN_1_0
const char *proc_task_get_function (ProcTask *self);
PROC_AVAILABLE_IN_1_0
GVariant *proc_task_get_arguments (ProcTask *self);

PROC_AVAILABLE_IN_1_0
const char *proc_task_get_name (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_name (ProcTask *self, const char *name);
PROC_AVAILABLE_IN_1_0
guint proc_task_get_cores (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_cores (ProcTask *self, guint cores);
PROC_AVAILABLE_IN_1_0
int proc_task_get_priority (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_priority (ProcTask *self, int priority);
PROC_AVAILABLE_IN_1_0
guint proc_task_get_timeout (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_timeout (ProcTask *self, guint timeout);
PROC_AVAILABLE_IN_1_0
guint proc_task_get_max_attempts (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_max_attempts (ProcTask *self, guint max_attempts);
PROC_AVAILABLE_IN_1_0
ProcIsolation proc_task_get_isolation (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_isolation (ProcTask *self, ProcIsolation isolation);
PROC_AVAILABLE_IN_1_0
guint proc_task_get_max_outputs (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_max_outputs (ProcTask *self, guint max_outputs);
PROC_AVAILABLE_IN_1_0
GUnixFDList *proc_task_get_fds (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_fds (ProcTask *self, GUnixFDList *fds);
PROC_AVAILABLE_IN_1_0
GBytes *proc_task_get_input (ProcTask *self);
PROC_AVAILABLE_IN_1_0
void proc_task_set_input (ProcTask *self, GBytes *input);

PROC_AVAILABLE_IN_1_0
ProcTaskState proc_task_get_state (ProcTask *self);
PROC_AVAILABLE_IN_1_0
ProcWorker *proc_task_get_worker (ProcTask *self);
PROC_AVAILABLE_IN_1_0
int proc_task_get_pid (ProcTask *self);
PROC_AVAILABLE_IN_1_0
guint proc_task_get_attempts (ProcTask *self);
PROC_AVAILABLE_IN_1_0
double proc_task_get_progress (ProcTask *self);
PROC_AVAILABLE_IN_1_0
const char *proc_task_get_progress_text (ProcTask *self);
PROC_AVAILABLE_IN_1_0
guint proc_task_get_n_outputs (ProcTask *self);
PROC_AVAILABLE_IN_1_0
gint64 proc_task_get_queued_time (ProcTask *self);
PROC_AVAILABLE_IN_1_0
gint64 proc_task_get_started_time (ProcTask *self);
PROC_AVAILABLE_IN_1_0
gint64 proc_task_get_finished_time (ProcTask *self);
PROC_AVAILABLE_IN_1_0
GVariant *proc_task_get_result (ProcTask *self);
PROC_AVAILABLE_IN_1_0
const GError *proc_task_get_error (ProcTask *self);
PROC_AVAILABLE_IN_1_0
GVariant *proc_task_get_error_details (ProcTask *self);

PROC_AVAILABLE_IN_1_0
void proc_task_next_output_async (ProcTask *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
GVariant *proc_task_next_output_finish (ProcTask *self, GAsyncResult *result, GError **error);

G_END_DECLS
