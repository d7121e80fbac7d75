/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/outputs.h"
#include "host/task.h"

/* What the pool does to a task. By the thread that owns the pool's main context, but for
 * proc_task_claim(), which is called by whoever starts the run.
 *
 * The setters only note the change; proc_task_notify_changes() tells it, when the caller's code may run.
 */

/* FALSE if the task was run before. */
gboolean proc_task_claim (ProcTask *self);

void proc_task_set_queued (ProcTask *self);
/* Queued again, as if it had never been running. */
void proc_task_set_not_run (ProcTask *self);
void proc_task_set_running (ProcTask *self, ProcWorker *worker);
/* @result: NULL for that of a function without one. */
void proc_task_set_succeeded (ProcTask *self, GVariant *result);
/* Takes @error. */
void proc_task_set_failed (ProcTask *self, GError *error, GVariant *error_details);
/* Of a finished task: its result, or NULL and its error, for the caller to own. */
GVariant *proc_task_dup_outcome (ProcTask *self, GError **error);
void proc_task_set_progress (ProcTask *self, double progress, const char *text);

void proc_task_notify_changes (ProcTask *self);
/* Of a task that keeps its partial values: adds one, which proc_task_notify_changes() gives to who waits for it. NULL
 * for one that tells them by proc_task_emit_output().
 */
ProcOutputs *proc_task_push_output (ProcTask *self, GVariant *value);

void proc_task_emit_output (ProcTask *self, GVariant *value);

/* What it may share its worker with, with all that it needs taken into account. */
ProcIsolation proc_task_get_effective_isolation (ProcTask *self);

/* What a worker is told: for a command, its arguments are made of argv and input here. */
GVariant *proc_task_get_effective_arguments (ProcTask *self);

/* A task like @prototype, not yet run, for one item of a map. */
ProcTask *proc_task_new_like (ProcTask *prototype, GVariant *arguments);

/* Its arguments are an array, and its function is called for each element. */
void proc_task_set_each (ProcTask *self);
gboolean proc_task_is_each (ProcTask *self);

/* "“decode” (holiday.jpg)", for errors. */
char *proc_task_describe (ProcTask *self);
