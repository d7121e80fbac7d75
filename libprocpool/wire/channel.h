/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "channel-status.h"
#include "lending.h"
#include "message.h"

/* Framed messages over one connected stream socket, or another descriptor of a stream that is both read
 * and written, which then passes no descriptors. Not thread-safe: its owner locks where it must.
 *
 * Sending is queue, then flush: several messages go in one system call. Receiving reads as much as is
 * there in one system call and hands out message after message. Never blocks: the descriptor is made
 * non-blocking, and the owner waits for it, level-triggered: AGAIN may also mean that one call has done
 * enough, with the descriptor still readable or writable.
 */
typedef struct _ProcChannel ProcChannel;

/* Takes @fd. @passes_fds: an AF_UNIX socket whose other end shares this kernel. */
ProcChannel *proc_channel_new (int fd, gboolean passes_fds, guint64 max_payload);
void proc_channel_free (ProcChannel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcChannel, proc_channel_free)

/* The most bytes of a payload from now on, either way. */
void proc_channel_set_max_payload (ProcChannel *self, guint64 max_payload);

/* The most descriptors that one message may be received with from now on, else PROC_POOL_ERROR_TOO_LARGE. At first
 * PROC_FRAME_MAX_FDS.
 */
void proc_channel_set_max_fds (ProcChannel *self, guint max_fds);

/* Sends all payloads through the stream from now on. */
void proc_channel_forbid_memfd (ProcChannel *self);

/* For the host's end: payloads go in memory that is lent from now on, if the channel passes descriptors. */
void proc_channel_lend (ProcChannel *self);

/* NULL unless it lends. The channel's own. */
ProcLending *proc_channel_get_lending (ProcChannel *self);

/* For the helper's end: the other one is trusted with what it lends, which goes back to it as it is. */
void proc_channel_borrow (ProcChannel *self);

/* Whether a payload lies in memory that goes to the other side as it is: proc_piece_exists(). Thread-safe. */
gboolean proc_channel_has_piece (ProcChannel *self, GVariant *payload);

int proc_channel_get_fd (ProcChannel *self);

/* Whether descriptors can be sent along with messages. */
gboolean proc_channel_passes_fds (ProcChannel *self);

/* Whether a payload of that many bytes will go through a memfd. One above the limit goes nowhere. */
gboolean proc_channel_uses_memfd (ProcChannel *self, gsize payload_size);

/* Appends @message, which is borrowed, to what is to be sent. @memfd: a descriptor with the payload, from
 * proc_lending_lend() or proc_memfd_new_for_variant(), taken in any case; -1: the channel makes one itself if
 * proc_channel_uses_memfd(), which takes time in proportion to the size; PROC_CHANNEL_NO_MEMFD: there is none to be had. Fails without a trace:
 * PROC_POOL_ERROR_TOO_LARGE, PROC_POOL_ERROR_INVALID_ARGUMENTS for a value that the receiver would
 * refuse, as proc_message_serialize(), or PROC_POOL_ERROR_FAILED for descriptors that this channel can't
 * pass. Falls back to sending inline where no memfd can be made or passed. The message's descriptors are
 * duplicated. After a flush that failed it succeeds and drops the message: the next flush tells.
 */
#define PROC_CHANNEL_NO_MEMFD (-2)
gboolean proc_channel_queue (ProcChannel *self, const ProcMessage *message, int memfd, GError **error);

/* Sends what is queued: OK, AGAIN or ERROR (the other side is gone: PROC_POOL_ERROR_CRASHED). An ERROR
 * drops what is queued and is final for sending; what the other side had sent can still be received.
 */
ProcChannelStatus proc_channel_flush (ProcChannel *self, GError **error);
gboolean proc_channel_has_output (ProcChannel *self);

/* The next message. What the codec refuses is an ERROR, PROC_POOL_ERROR_PROTOCOL or
 * PROC_POOL_ERROR_TOO_LARGE, and so is an end within a frame, PROC_POOL_ERROR_CRASHED. A message of
 * which the kernel dropped descriptors is OK, with fds_lost, and without payload if that was in one.
 *
 * AGAIN comes once without a system call after a read that has emptied the descriptor: who doesn't wait for it to
 * be readable asks twice.
 */
ProcChannelStatus proc_channel_receive (ProcChannel *self, ProcMessage **message, GError **error);

/* Whether the next proc_channel_receive() has a message, the end or an error without a system call. An
 * owner that takes only some of the messages at a time must come back for these by itself: the
 * descriptor isn't readable for what has been read.
 */
gboolean proc_channel_has_input (ProcChannel *self);

/* Whether a part of a frame has arrived and the rest has not: for a deadline on slow senders. */
gboolean proc_channel_is_mid_frame (ProcChannel *self);

/* Whether a part of what was queued was sent and the rest was not, or not yet. */
gboolean proc_channel_is_cut (ProcChannel *self);
