/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib-object.h>

#include "../base/macros.h"

G_BEGIN_DECLS

#define PROC_TYPE_BUFFER (proc_buffer_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcBuffer, proc_buffer, PROC, BUFFER, GObject)

PROC_AVAILABLE_IN_1_0
ProcBuffer *proc_buffer_new (gsize size, GError **error);

PROC_AVAILABLE_IN_1_0
gsize proc_buffer_get_size (ProcBuffer *self);
PROC_AVAILABLE_IN_1_0
gboolean proc_buffer_get_sealed (ProcBuffer *self);
PROC_AVAILABLE_IN_1_0
guint8 *proc_buffer_get_memory (ProcBuffer *self, gsize *size);
PROC_AVAILABLE_IN_1_0
GBytes *proc_buffer_ref_memory (ProcBuffer *self);

PROC_AVAILABLE_IN_1_0
gboolean proc_buffer_write (ProcBuffer *self, gsize offset, const guint8 *data, gsize length, GError **error);
PROC_AVAILABLE_IN_1_0
GBytes *proc_buffer_seal (ProcBuffer *self, GError **error);
PROC_AVAILABLE_IN_1_0
GVariant *proc_buffer_to_variant (ProcBuffer *self, const GVariantType *type, GError **error);

G_END_DECLS
