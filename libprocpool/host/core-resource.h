/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "../base/macros.h"

G_BEGIN_DECLS

#define PROC_TYPE_CORE_RESOURCE (proc_core_resource_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcCoreResource, proc_core_resource, PROC, CORE_RESOURCE, GObject)

PROC_AVAILABLE_IN_1_0
ProcCoreResource *proc_core_resource_new (guint n_cores);
PROC_AVAILABLE_IN_1_0
ProcCoreResource *proc_core_resource_new_for_ids (const int *ids, gsize n_ids, GError **error);
PROC_AVAILABLE_IN_1_0
ProcCoreResource *proc_core_resource_new_for_process (void);
PROC_AVAILABLE_IN_1_0
ProcCoreResource *proc_core_resource_combine (ProcCoreResource *self, ProcCoreResource *other, GError **error);

PROC_AVAILABLE_IN_1_0
ProcCoreResource *proc_core_resource_acquire (ProcCoreResource *self, guint n_cores, GError **error);
PROC_AVAILABLE_IN_1_0
gboolean proc_core_resource_release (ProcCoreResource *self, ProcCoreResource *cores, GError **error);
PROC_AVAILABLE_IN_1_0
gboolean proc_core_resource_contains (ProcCoreResource *self, ProcCoreResource *other);

PROC_AVAILABLE_IN_1_0
guint proc_core_resource_get_n_cores (ProcCoreResource *self);
PROC_AVAILABLE_IN_1_0
guint proc_core_resource_get_n_free (ProcCoreResource *self);
PROC_AVAILABLE_IN_1_0
const int *proc_core_resource_get_ids (ProcCoreResource *self, gsize *n_ids);

G_END_DECLS
