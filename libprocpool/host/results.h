/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "../base/macros.h"

G_BEGIN_DECLS

#define PROC_TYPE_RESULTS (proc_results_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcResults, proc_results, PROC, RESULTS, GObject)

PROC_AVAILABLE_IN_1_0
void proc_results_next_async (ProcResults *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
GVariant *proc_results_next_finish (ProcResults *self, GAsyncResult *result, GError **error);
PROC_AVAILABLE_IN_1_0
GVariant *proc_results_next (ProcResults *self, GCancellable *cancellable, GError **error);

PROC_AVAILABLE_IN_1_0
void proc_results_next_chunk_async (ProcResults *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
PROC_AVAILABLE_IN_1_0
GVariant *proc_results_next_chunk_finish (ProcResults *self, GAsyncResult *result, GError **error);
PROC_AVAILABLE_IN_1_0
GVariant *proc_results_next_chunk (ProcResults *self, GCancellable *cancellable, GError **error);

PROC_AVAILABLE_IN_1_0
void proc_results_cancel (ProcResults *self);

PROC_AVAILABLE_IN_1_0
guint proc_results_get_look_ahead (ProcResults *self);
PROC_AVAILABLE_IN_1_0
void proc_results_set_look_ahead (ProcResults *self, guint look_ahead);
PROC_AVAILABLE_IN_1_0
guint proc_results_get_chunk_size (ProcResults *self);
PROC_AVAILABLE_IN_1_0
void proc_results_set_chunk_size (ProcResults *self, guint chunk_size);
PROC_AVAILABLE_IN_1_0
guint64 proc_results_get_n_items (ProcResults *self);
PROC_AVAILABLE_IN_1_0
guint64 proc_results_get_position (ProcResults *self);
PROC_AVAILABLE_IN_1_0
GVariant *proc_results_dup_error_details (ProcResults *self);

G_END_DECLS
