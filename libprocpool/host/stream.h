/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "host/run.h"

/* The outcomes of one task after another, in order, with a bounded number of them under way: what is behind
 * a ProcResults. Private. Thread-safe, reference counted: the runs under way hold it.
 */
typedef struct _ProcStream ProcStream;

/* How a run is started: the pool's part; from any thread. */
typedef void (*ProcStreamSubmit) (gpointer pool, ProcRun *run);

/* @pool is kept alive. @items: an array; each element is the arguments of one task like @prototype. */
ProcStream *proc_stream_new (GObject *pool, ProcReactor *reactor, ProcStreamSubmit submit, guint look_ahead, ProcTask *prototype, GVariant *items);
void proc_stream_unref (ProcStream *self);

/* Has @gtask, which is taken, return the next outcome. @takes_chunk: an array with all the values that are there of the same
 * chunk.
 */
void proc_stream_next_async (ProcStream *self, GTask *gtask, gboolean takes_chunk);

/* The outcome that @gtask has: a value, NULL for the end, or an error. If this isn't called, the next one to ask has it. */
GVariant *proc_stream_next_finish (GTask *gtask, GError **error);
GVariant *proc_stream_next (ProcStream *self, gboolean takes_chunk, GCancellable *cancellable, GError **error);

/* Cancels what is under way; those who wait get G_IO_ERROR_CANCELLED and the stream is at its end. */
void proc_stream_cancel (ProcStream *self);

/* What came along with the last error that was told. */
GVariant *proc_stream_dup_error_details (ProcStream *self);

guint proc_stream_get_look_ahead (ProcStream *self);
void proc_stream_set_look_ahead (ProcStream *self, guint look_ahead);
guint proc_stream_get_chunk_size (ProcStream *self);
void proc_stream_set_chunk_size (ProcStream *self, guint chunk_size);
guint64 proc_stream_get_n_items (ProcStream *self);
guint64 proc_stream_get_position (ProcStream *self);
