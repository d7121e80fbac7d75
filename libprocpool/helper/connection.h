/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "wire/channel.h"
#include "wire/mark.h"

/* The helper's end of the channel, shared by its threads: reference counted, and all functions may be
 * called from any thread unless they say otherwise.
 */
typedef struct _ProcConnection ProcConnection;

/* Takes @fd. */
ProcConnection *proc_connection_new (int fd);
ProcConnection *proc_connection_ref (ProcConnection *self);
void proc_connection_unref (ProcConnection *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcConnection, proc_connection_unref)

int proc_connection_get_fd (ProcConnection *self);

/* FALSE in a fork of the helper process, which has no business with the channel. */
gboolean proc_connection_is_own (ProcConnection *self);

/* Ends a fork of the helper process that came back into the runtime. */
void proc_connection_end_fork (ProcConnection *self);

/* Nothing is sent any more. */
void proc_connection_close (ProcConnection *self);

/* ---- sending ---- */

/* Sends @message, which is borrowed, and waits until it is written. PROC_POOL_ERROR_TOO_LARGE and
 * PROC_POOL_ERROR_FAILED as proc_channel_queue(), without harm to the channel; PROC_POOL_ERROR_CRASHED
 * once the host is gone or the connection closed.
 */
gboolean proc_connection_send (ProcConnection *self, const ProcMessage *message, GError **error);

/* Notes there what it sends from now on. Nullable. */
void proc_connection_take_mark (ProcConnection *self, ProcMark *mark);

/* The most bytes of a payload, as the host wants it. */
void proc_connection_set_max_payload (ProcConnection *self, guint64 max_payload);

/* Sends all payloads through the stream from now on, as the host wants it. */
void proc_connection_forbid_memfd (ProcConnection *self);

/* ---- receiving: by the main thread, which may lend it to another one ---- */

/* As proc_channel_receive(): what was read ahead comes first. A task that is AHEAD comes once none is in flight, and
 * what is said of those in flight passes it; one that is recalled or cancelled before is answered here.
 */
ProcChannelStatus proc_connection_receive (ProcConnection *self, ProcMessage **message, GError **error);

/* Whether proc_connection_receive() has something to tell that the descriptor doesn't show. */
gboolean proc_connection_has_input (ProcConnection *self);

/* The main thread won't receive until proc_connection_reclaim(): another may read ahead meanwhile. */
void proc_connection_lend (ProcConnection *self);
void proc_connection_reclaim (ProcConnection *self);

/* Reads ahead what is there, without waiting, and cancels the tasks that it says to. @loan: 0 for the
 * current loan, or the one returned last time. Returns the loan that was used, 0 if it is over: the
 * main thread reads again by itself.
 */
guint proc_connection_read_ahead (ProcConnection *self, guint loan);

/* ---- tasks in flight ---- */

/* A part of its invocation, zeroed but for the id. Most functions never ask for the cancellable, which is made when one
 * does; all is under the connection's mutex.
 */
typedef struct
{
  guint64 id;
  gboolean known;            /* to the connection */
  gboolean cancelled;
  GCancellable *cancellable; /* nullable, owned by the invocation */
} ProcInFlight;

/* FALSE if there is one with that id. Cancelled at once after proc_connection_cancel_all(). */
gboolean proc_connection_add_task (ProcConnection *self, ProcInFlight *task);
/* Does nothing for one that isn't known. */
void proc_connection_remove_task (ProcConnection *self, ProcInFlight *task);

GCancellable *proc_connection_get_cancellable (ProcConnection *self, ProcInFlight *task);

/* Around the sending of a task's reply: it can't be cancelled any more, but counts as a task until it is sent. */
void proc_connection_begin_reply (ProcConnection *self, ProcInFlight *task);

/* TRUE if there may be another to begin now, which waited for that. */
gboolean proc_connection_end_reply (ProcConnection *self);

guint proc_connection_get_n_tasks (ProcConnection *self);

/* The id of the only task in flight; 0 if there is none, or several. */
guint64 proc_connection_get_only_task (ProcConnection *self);

/* Does nothing for an unknown id: the task's reply and its cancelling have crossed. */
void proc_connection_cancel_task (ProcConnection *self, guint64 task_id);

/* The host is gone: cancels all tasks, and nothing more is received than PROC_CHANNEL_END. */
void proc_connection_cancel_all (ProcConnection *self);

/* ---- cores ---- */

/* The cores that the process is pinned to, an array of int; NULL when it isn't. */
GBytes *proc_connection_dup_cores (ProcConnection *self);
void proc_connection_set_cores (ProcConnection *self, const int *cores, gsize n_cores);
