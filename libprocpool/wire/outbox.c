/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/outbox.h"

#include <errno.h>
#include <fcntl.h>

#include "base/error.h"
#include "base/fd.h"

/* What is to be sent waits in segments. Descriptors have to be sent with the first byte of their frame,
 * and at most one set of them fits a system call, so that a frame with descriptors begins a segment; the
 * frames without any just add to the last segment there is.
 *
 * A failure is final: what was queued is dropped, and so is all that is queued from then on.
 */

/* A segment takes no more frames when it has so many bytes: what is sent of it is freed only with all. */
#define FULL_SEGMENT (1024 * 1024)

/* The largest buffer that is kept for the next messages when all is sent: each worker has one. */
#define KEPT_SEGMENT (4 * 1024)

/* How much is written before the owner's main loop has its turn again. */
#define WRITE_BUDGET (1024 * 1024)

typedef struct
{
  GByteArray *bytes;
  gsize sent;  /* how many of the bytes */
  GArray *fds; /* owned descriptors, to go with the first byte; NULL: none */
} Segment;

struct _ProcOutbox
{
  const ProcByteStream *stream;
  guint64 max_payload;
  GQueue segments;
  Segment *spare; /* nullable, empty: saves the allocations where messages are small */
  GError *failure;
  gboolean failed_cut; /* in the middle of what was to be sent */
};

static Segment *
segment_new (void)
{
  Segment *segment = g_new0 (Segment, 1);

  segment->bytes = g_byte_array_new ();
  return segment;
}

static void
segment_close_fds (Segment *segment)
{
  if (segment->fds == NULL)
    return;

  for (guint i = 0; i < segment->fds->len; i++)
    proc_fd_close (g_array_index (segment->fds, int, i));
  g_clear_pointer (&segment->fds, g_array_unref);
}

static void
segment_free (gpointer data)
{
  Segment *segment = data;

  segment_close_fds (segment);
  g_byte_array_unref (segment->bytes);
  g_free (segment);
}

ProcOutbox *
proc_outbox_new (const ProcByteStream *stream, guint64 max_payload)
{
  ProcOutbox *self = g_new0 (ProcOutbox, 1);

  self->stream = stream;
  self->max_payload = max_payload;
  g_queue_init (&self->segments);

  return self;
}

static void
clear (ProcOutbox *self)
{
  g_queue_clear_full (&self->segments, segment_free);
  g_clear_pointer (&self->spare, segment_free);
}

void
proc_outbox_set_max_payload (ProcOutbox *self, guint64 max_payload)
{
  self->max_payload = max_payload;
}

void
proc_outbox_free (ProcOutbox *self)
{
  clear (self);
  g_clear_error (&self->failure);
  g_free (self);
}

/* Keeps an empty segment for later or frees it. @size: what it has held. */
static void
put_aside (ProcOutbox *self, Segment *segment, gsize size)
{
  segment_close_fds (segment);
  if (self->spare != NULL || size > KEPT_SEGMENT)
    {
      segment_free (segment);
      return;
    }

  g_byte_array_set_size (segment->bytes, 0);
  segment->sent = 0;
  self->spare = segment;
}

/* Duplicates of the message's descriptors, since its list may change before they are sent. */
static gboolean
collect_fds (const ProcMessage *message, int *memfd, GArray **collected, GError **error)
{
  int n_fds = 0;
  const int *fds = message->fds != NULL ? g_unix_fd_list_peek_fds (message->fds, &n_fds) : NULL;
  g_autoptr (GArray) array = NULL;

  *collected = NULL;
  if (n_fds == 0 && *memfd < 0)
    return TRUE;

  array = g_array_sized_new (FALSE, FALSE, sizeof (int), n_fds + 1);
  for (int i = 0; i < n_fds; i++)
    {
      int fd = fcntl (fds[i], F_DUPFD_CLOEXEC, 3);

      if (fd < 0)
        {
          g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED,
                       "Can't send file descriptor %d with a message of type %s: %s",
                       fds[i], proc_message_type_to_string (message->type), g_strerror (errno));
          for (guint j = 0; j < array->len; j++)
            proc_fd_close (g_array_index (array, int, j));
          return FALSE;
        }
      g_array_append_val (array, fd);
    }
  if (*memfd >= 0)
    {
      int fd = proc_fd_steal (memfd);

      g_array_prepend_val (array, fd);
    }

  *collected = g_steal_pointer (&array);
  return TRUE;
}

static gboolean
passes_fds_of (ProcOutbox *self, const ProcMessage *message, GError **error)
{
  if (self->stream->passes_fds || message->fds == NULL || g_unix_fd_list_get_length (message->fds) == 0)
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED,
               "Can't send file descriptors with a message of type %s: this channel passes none",
               proc_message_type_to_string (message->type));
  return FALSE;
}

static Segment *
get_segment (ProcOutbox *self, gboolean fresh)
{
  Segment *last = g_queue_peek_tail (&self->segments);

  if (!fresh && last != NULL && last->bytes->len < FULL_SEGMENT)
    return last;

  last = self->spare != NULL ? g_steal_pointer (&self->spare) : segment_new ();
  g_queue_push_tail (&self->segments, last);
  return last;
}

gboolean
proc_outbox_append (ProcOutbox *self, const ProcMessage *message, int memfd, const ProcPiece *piece, GError **error)
{
  g_auto (ProcFd) owned_memfd = memfd;
  GArray *fds;
  Segment *segment;
  gsize n_before;

  if (self->failure != NULL)
    return TRUE;
  if (!passes_fds_of (self, message, error) || !collect_fds (message, &owned_memfd, &fds, error))
    return FALSE;

  segment = get_segment (self, fds != NULL);
  if (fds != NULL)
    segment->fds = fds;
  n_before = segment->bytes->len;
  if (proc_message_serialize (message, memfd >= 0, piece, self->max_payload, segment->bytes, error))
    return TRUE;

  if (n_before == 0)
    {
      g_queue_pop_tail (&self->segments);
      put_aside (self, segment, 0);
    }
  return FALSE;
}

static ProcChannelStatus
fail (ProcOutbox *self, int saved_errno, GError **error)
{
  self->failed_cut = proc_outbox_is_cut (self);
  clear (self);
  if (saved_errno == EPIPE || saved_errno == ECONNRESET)
    self->failure = g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED, "The other side closed the channel");
  else
    self->failure = g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED, "Can't write to the channel: %s", g_strerror (saved_errno));

  g_propagate_error (error, g_error_copy (self->failure));
  return PROC_CHANNEL_ERROR;
}

static gssize
write_segment (ProcOutbox *self, Segment *segment)
{
  const int *fds = segment->fds != NULL ? (const int *) segment->fds->data : NULL;
  guint n_fds = segment->fds != NULL ? segment->fds->len : 0;
  gssize n_bytes = proc_byte_stream_write (self->stream, segment->bytes->data + segment->sent,
                                           segment->bytes->len - segment->sent, fds, n_fds);

  if (n_bytes > 0)
    {
      segment->sent += n_bytes;
      segment_close_fds (segment);
    }
  return n_bytes;
}

ProcChannelStatus
proc_outbox_flush (ProcOutbox *self, GError **error)
{
  gssize budget = WRITE_BUDGET;

  if (self->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (self->failure));
      return PROC_CHANNEL_ERROR;
    }

  while (!g_queue_is_empty (&self->segments))
    {
      Segment *segment = g_queue_peek_head (&self->segments);
      gssize n_bytes;

      if (budget <= 0)
        return PROC_CHANNEL_AGAIN;
      n_bytes = write_segment (self, segment);
      if (n_bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return PROC_CHANNEL_AGAIN;
      if (n_bytes < 0)
        return fail (self, errno, error);

      budget -= n_bytes;
      if (segment->sent == segment->bytes->len)
        {
          g_queue_pop_head (&self->segments);
          put_aside (self, segment, segment->bytes->len);
        }
    }

  return PROC_CHANNEL_OK;
}

gboolean
proc_outbox_is_empty (ProcOutbox *self)
{
  return g_queue_is_empty (&self->segments);
}

gboolean
proc_outbox_is_cut (ProcOutbox *self)
{
  const Segment *segment = g_queue_peek_head (&self->segments);

  return self->failed_cut || (segment != NULL && segment->sent > 0);
}
