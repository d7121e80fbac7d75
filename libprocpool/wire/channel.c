/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/channel.h"

#include "base/error.h"
#include "base/fd.h"
#include "wire/inbox.h"
#include "wire/memfd.h"
#include "wire/outbox.h"
#include "wire/piece.h"
#include "wire/byte-stream.h"

/* The two halves share nothing but the descriptor: when sending has failed, what the other side sent
 * before it went can still be received.
 */
struct _ProcChannel
{
  ProcByteStream stream;
  guint64 max_payload; /* bytes */
  gboolean sends_memfd;
  gboolean borrows;
  ProcLending *lending; /* NULL: it doesn't lend */
  ProcInbox *inbox;
  ProcOutbox *outbox;
};

ProcChannel *
proc_channel_new (int fd, gboolean passes_fds, guint64 max_payload)
{
  ProcChannel *self;

  g_return_val_if_fail (fd >= 0, NULL);

  self = g_new0 (ProcChannel, 1);
  proc_byte_stream_init (&self->stream, fd, passes_fds);
  self->max_payload = max_payload;
  self->sends_memfd = self->stream.passes_fds;
  self->inbox = proc_inbox_new (&self->stream, max_payload);
  self->outbox = proc_outbox_new (&self->stream, max_payload);

  return self;
}

void
proc_channel_free (ProcChannel *self)
{
  proc_inbox_free (self->inbox);
  proc_outbox_free (self->outbox);
  g_clear_pointer (&self->lending, proc_lending_unref);
  proc_fd_close (self->stream.fd);
  g_free (self);
}

void
proc_channel_set_max_payload (ProcChannel *self, guint64 max_payload)
{
  self->max_payload = max_payload;
  proc_inbox_set_max_payload (self->inbox, max_payload);
  proc_outbox_set_max_payload (self->outbox, max_payload);
}

void
proc_channel_set_max_fds (ProcChannel *self, guint max_fds)
{
  proc_inbox_set_max_fds (self->inbox, max_fds);
}

void
proc_channel_forbid_memfd (ProcChannel *self)
{
  self->sends_memfd = FALSE;
}

void
proc_channel_lend (ProcChannel *self)
{
  if (!self->sends_memfd || self->lending != NULL)
    return;

  self->lending = proc_lending_new ();
  proc_inbox_set_lending (self->inbox, self->lending);
}

ProcLending *
proc_channel_get_lending (ProcChannel *self)
{
  return self->lending;
}

void
proc_channel_borrow (ProcChannel *self)
{
  self->borrows = TRUE;
  proc_inbox_set_borrows (self->inbox);
}

gboolean
proc_channel_has_piece (ProcChannel *self, GVariant *payload)
{
  return proc_piece_exists (payload, self->borrows);
}

int
proc_channel_get_fd (ProcChannel *self)
{
  return self->stream.fd;
}

gboolean
proc_channel_passes_fds (ProcChannel *self)
{
  return self->stream.passes_fds;
}

gboolean
proc_channel_uses_memfd (ProcChannel *self, gsize payload_size)
{
  return self->sends_memfd && payload_size >= proc_memfd_min_size && payload_size <= self->max_payload;
}

/* Whether a memfd can go along with the user's descriptors. */
static gboolean
has_room_for_memfd (ProcChannel *self, const ProcMessage *message)
{
  return self->stream.passes_fds &&
         (message->fds == NULL || g_unix_fd_list_get_length (message->fds) < PROC_FRAME_MAX_FDS);
}

/* TRUE if the payload lies in memory that is sent as it is, even if no descriptor is to be had. */
static gboolean
take_piece (ProcChannel *self, const ProcMessage *message, int *memfd, ProcPiece **piece)
{
  g_autoptr (ProcPiece) found = proc_piece_new (message->payload, self->borrows);

  if (found == NULL)
    return FALSE;

  *memfd = proc_piece_dup_memfd (found);
  if (*memfd >= 0 && !proc_piece_is_whole (found))
    *piece = g_steal_pointer (&found);
  return TRUE;
}

/* Makes a memfd where one is due. That none can be made is no failure, but a bad value is one. */
static gboolean
make_memfd (ProcChannel *self, const ProcMessage *message, int *memfd, ProcPiece **piece, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize size = message->payload != NULL ? g_variant_get_size (message->payload) : 0;

  if (!proc_channel_uses_memfd (self, size) || !has_room_for_memfd (self, message))
    return TRUE;

  if (take_piece (self, message, memfd, piece))
    return TRUE;

  *memfd = proc_lending_lend (self->lending, message->payload, &local_error);
  if (!g_error_matches (local_error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
proc_channel_queue (ProcChannel *self, const ProcMessage *message, int memfd, GError **error)
{
  g_auto (ProcFd) owned_memfd = memfd;
  g_autoptr (ProcPiece) piece = NULL;

  g_return_val_if_fail (memfd < 0 || message->payload != NULL, FALSE);

  if (memfd == -1 && !make_memfd (self, message, &owned_memfd, &piece, error))
    return FALSE;
  if (!has_room_for_memfd (self, message))
    proc_fd_clear (&owned_memfd);

  return proc_outbox_append (self->outbox, message, proc_fd_steal (&owned_memfd), piece, error);
}

ProcChannelStatus
proc_channel_flush (ProcChannel *self, GError **error)
{
  return proc_outbox_flush (self->outbox, error);
}

gboolean
proc_channel_has_output (ProcChannel *self)
{
  return !proc_outbox_is_empty (self->outbox);
}

ProcChannelStatus
proc_channel_receive (ProcChannel *self, ProcMessage **message, GError **error)
{
  return proc_inbox_receive (self->inbox, message, error);
}

gboolean
proc_channel_has_input (ProcChannel *self)
{
  return proc_inbox_has_input (self->inbox);
}

gboolean
proc_channel_is_mid_frame (ProcChannel *self)
{
  return proc_inbox_is_mid_frame (self->inbox);
}

gboolean
proc_channel_is_cut (ProcChannel *self)
{
  return proc_outbox_is_cut (self->outbox);
}
