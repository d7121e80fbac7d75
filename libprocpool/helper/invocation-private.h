/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "helper/connection.h"
#include "helper/invocation.h"

/* Gets the outcome of an invocation, exactly once, from whichever thread replies: @error, or @value,
 * which is NULL for a function without a result and never floating.
 */
typedef void (*ProcInvocationReply) (ProcInvocation *invocation, GVariant *value, const GError *error, GVariant *details, gpointer owner);

/* @task_id: 0 for what isn't a task (the initializer and the finalizer), whose progress and partial values
 * have no reader. @arguments: NULL for none. @owner is held until the reply is made, then released.
 */
ProcInvocation *proc_invocation_new (ProcConnection *connection,
                                     guint64 task_id,
                                     const char *function,
                                     GVariant *arguments,
                                     GUnixFDList *fds,
                                     ProcInvocationReply reply,
                                     gpointer owner,
                                     GDestroyNotify release_owner);

/* A part of @parent, for @arguments alone: what it reports is the task's, and it is cancelled with it. */
ProcInvocation *proc_invocation_new_item (ProcInvocation *parent, GVariant *arguments, ProcInvocationReply reply, gpointer owner);

guint64 proc_invocation_get_task_id (ProcInvocation *self);
ProcInFlight *proc_invocation_get_in_flight (ProcInvocation *self);

/* Whether the arguments are an array, for each element of which the function is meant. */
void proc_invocation_set_each (ProcInvocation *self);
gboolean proc_invocation_is_each (ProcInvocation *self);

/* Only where the function isn't told of the invocation elsewhere. */
void proc_invocation_set_arguments (ProcInvocation *self, GVariant *arguments);
