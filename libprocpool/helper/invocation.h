/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "../base/macros.h"

G_BEGIN_DECLS

#define PROC_TYPE_INVOCATION (proc_invocation_get_type ())

PROC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ProcInvocation, proc_invocation, PROC, INVOCATION, GObject)

PROC_AVAILABLE_IN_1_0
const char *proc_invocation_get_function (ProcInvocation *self);
PROC_AVAILABLE_IN_1_0
GVariant *proc_invocation_get_arguments (ProcInvocation *self);
PROC_AVAILABLE_IN_1_0
GCancellable *proc_invocation_get_cancellable (ProcInvocation *self);
PROC_AVAILABLE_IN_1_0
GUnixFDList *proc_invocation_get_fds (ProcInvocation *self);
PROC_AVAILABLE_IN_1_0
const int *proc_invocation_get_cores (ProcInvocation *self, gsize *n_cores);

PROC_AVAILABLE_IN_1_0
void proc_invocation_progress (ProcInvocation *self, double fraction, const char *text);
PROC_AVAILABLE_IN_1_0
void proc_invocation_output (ProcInvocation *self, GVariant *value);

PROC_AVAILABLE_IN_1_0
void proc_invocation_return_value (ProcInvocation *self, GVariant *value);
PROC_AVAILABLE_IN_1_0
void proc_invocation_return_error (ProcInvocation *self, const GError *error);
PROC_AVAILABLE_IN_1_0
void proc_invocation_return_error_with_details (ProcInvocation *self, const GError *error, GVariant *details);

G_END_DECLS
