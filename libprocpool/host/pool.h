/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "../base/enums.h"
#include "../launch/launcher.h"
#include "core-resource.h"
#include "results.h"
#include "task.h"

G_BEGIN_DECLS

#define PROC_TYPE_POOL (proc_pool_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcPool, proc_pool, PROC, POOL, GObject)

PROC_AVAILABLE_IN_1_0
ProcPool *proc_pool_new (ProcLauncher *launcher);

PROC_AVAILABLE_IN_1_0
void proc_pool_run_async (ProcPool *self, ProcTask *task, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
GVariant *proc_pool_run_finish (ProcPool *self, GAsyncResult *result, GError **error);
PROC_AVAILABLE_IN_1_0
GVariant *proc_pool_run (ProcPool *self, ProcTask *task, GCancellable *cancellable, GError **error);

PROC_AVAILABLE_IN_1_0
void proc_pool_call_async (ProcPool *self, const char *function, GVariant *arguments, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
GVariant *proc_pool_call_finish (ProcPool *self, GAsyncResult *result, GError **error);
PROC_AVAILABLE_IN_1_0
GVariant *proc_pool_call (ProcPool *self, const char *function, GVariant *arguments, GCancellable *cancellable, GError **error);

PROC_AVAILABLE_IN_1_0
ProcResults *proc_pool_map (ProcPool *self, const char *function, GVariant *items);
PROC_AVAILABLE_IN_1_0
ProcResults *proc_pool_map_task (ProcPool *self, ProcTask *prototype, GVariant *items);

PROC_AVAILABLE_IN_1_0
void proc_pool_close_async (ProcPool *self, ProcCloseMode mode, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
gboolean proc_pool_close_finish (ProcPool *self, GAsyncResult *result, GError **error);
PROC_AVAILABLE_IN_1_0
gboolean proc_pool_close (ProcPool *self, ProcCloseMode mode, GCancellable *cancellable, GError **error);

PROC_AVAILABLE_IN_1_0
void proc_pool_watch_signal (ProcPool *self, int signum, ProcCloseMode mode);
PROC_AVAILABLE_IN_1_0
void proc_pool_unwatch_signal (ProcPool *self, int signum);

PROC_AVAILABLE_IN_1_0
void proc_pool_prepare_async (ProcPool *self, guint n_workers, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
gboolean proc_pool_prepare_finish (ProcPool *self, GAsyncResult *result, GError **error);
PROC_AVAILABLE_IN_1_0
void proc_pool_wait_for_room_async (ProcPool *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
gboolean proc_pool_wait_for_room_finish (ProcPool *self, GAsyncResult *result, GError **error);

PROC_AVAILABLE_IN_1_0
ProcLauncher *proc_pool_get_launcher (ProcPool *self);
PROC_AVAILABLE_IN_1_0
ProcCoreResource *proc_pool_get_cores (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_cores (ProcPool *self, ProcCoreResource *cores);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_min_workers (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_min_workers (ProcPool *self, guint min_workers);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_max_workers (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_workers (ProcPool *self, guint max_workers);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_tasks_per_worker (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_tasks_per_worker (ProcPool *self, guint tasks_per_worker);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_max_tasks_per_worker (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_tasks_per_worker (ProcPool *self, guint max_tasks_per_worker);
PROC_AVAILABLE_IN_1_0
guint64 proc_pool_get_max_worker_memory (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_worker_memory (ProcPool *self, guint64 max_worker_memory);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_idle_timeout (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_idle_timeout (ProcPool *self, guint idle_timeout);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_startup_timeout (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_startup_timeout (ProcPool *self, guint startup_timeout);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_cancel_grace (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_cancel_grace (ProcPool *self, guint cancel_grace);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_frame_timeout (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_frame_timeout (ProcPool *self, guint frame_timeout);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_max_queued (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_queued (ProcPool *self, guint max_queued);
PROC_AVAILABLE_IN_1_0
guint64 proc_pool_get_max_message (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_message (ProcPool *self, guint64 max_message);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_max_fds (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_fds (ProcPool *self, guint max_fds);
PROC_AVAILABLE_IN_1_0
gboolean proc_pool_get_wait_awake (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_wait_awake (ProcPool *self, gboolean wait_awake);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_max_log_rate (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_max_log_rate (ProcPool *self, guint max_log_rate);
PROC_AVAILABLE_IN_1_0
ProcScheduling proc_pool_get_scheduling (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_scheduling (ProcPool *self, ProcScheduling scheduling);
PROC_AVAILABLE_IN_1_0
const char *proc_pool_get_initializer (ProcPool *self);
PROC_AVAILABLE_IN_1_0
GVariant *proc_pool_get_initializer_arguments (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_initializer (ProcPool *self, const char *function, GVariant *arguments);
PROC_AVAILABLE_IN_1_0
const char *proc_pool_get_finalizer (ProcPool *self);
PROC_AVAILABLE_IN_1_0
void proc_pool_set_finalizer (ProcPool *self, const char *function);

PROC_AVAILABLE_IN_1_0
GListModel *proc_pool_get_workers (ProcPool *self);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_n_workers (ProcPool *self);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_n_idle (ProcPool *self);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_n_queued (ProcPool *self);
PROC_AVAILABLE_IN_1_0
guint proc_pool_get_n_running (ProcPool *self);
PROC_AVAILABLE_IN_1_0
gboolean proc_pool_get_closed (ProcPool *self);

G_END_DECLS
