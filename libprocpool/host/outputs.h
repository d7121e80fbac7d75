/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

/* The partial values of one task between the channel and whoever takes them, one after the other. Private.
 *
 * By the thread that owns the pool's context.
 */
typedef struct _ProcOutputs ProcOutputs;

typedef void (*ProcOutputsRoomFunc) (gpointer user_data);

/* @limit: how many values may wait before it is full, 1 at least. */
ProcOutputs *proc_outputs_new (guint limit);
void proc_outputs_free (ProcOutputs *self);

/* A value has come; proc_outputs_tell() gives it to who waits for it. Nothing is refused. */
void proc_outputs_push (ProcOutputs *self, GVariant *value);

/* How many values wait. */
guint proc_outputs_get_n (ProcOutputs *self);

gboolean proc_outputs_is_full (ProcOutputs *self);

/* When it was full: called once, as soon as half of it was taken. */
void proc_outputs_set_room_func (ProcOutputs *self, ProcOutputsRoomFunc func, gpointer user_data, GDestroyNotify destroy);

/* No more values come. */
void proc_outputs_finish (ProcOutputs *self);

/* Has @task, which is taken, return the next value. Its source object is the one that owns @self. */
void proc_outputs_take (ProcOutputs *self, GTask *task);

/* The value that @task has; NULL after the last one, or with an error. If this isn't called, the next taker has it. */
GVariant *proc_outputs_take_finish (GTask *task, GError **error);

/* Returns what may be returned. The caller's code is called here. */
void proc_outputs_tell (ProcOutputs *self);
