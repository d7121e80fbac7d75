/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/inbox.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/memfd.h"
#include "wire/piece.h"

/* Bytes are read into one buffer, as many as are there, and frames are taken from its front; only when
 * no whole frame is left is there a system call again. The buffer then holds nothing or the beginning of
 * one frame, which is moved to its start. It is small, for most channels are quiet most of the time; it grows when more
 * comes at once, and for a frame that it can't hold, but above LARGE_CAPACITY only as fast as bytes arrive, since the
 * sender's word alone is worth no memory. When nothing more is there it is small again.
 *
 * Descriptors wait in the order in which they came. The sender sends those of a frame with the frame's
 * first byte, so that they are there when the frame is whole, and none are left when the buffer is empty.
 *
 * A failure is final: it is repeated ever after. So is the end.
 */

#define SMALL_CAPACITY (4 * 1024)
#define USUAL_CAPACITY (64 * 1024)
#define LARGE_CAPACITY (256 * 1024)

/* How much is read for one message before the owner's main loop has its turn again. */
#define READ_BUDGET (1024 * 1024)

struct _ProcInbox
{
  const ProcByteStream *stream;
  guint64 max_payload;
  guint max_fds;
  gboolean borrows;
  ProcLending *lending; /* not owned; NULL: nothing is lent */

  /* What has been read and not yet handed out is from start to end. All frames have a multiple of 8
   * bytes, and so has start.
   */
  guint8 *buffer;
  gsize capacity;
  gsize start;
  gsize end;

  /* The header at start, if frame_size isn't 0: the size of the whole frame. */
  ProcFrameHeader header;
  gsize frame_size;

  GArray *fds;       /* owned descriptors */
  gboolean fds_lost; /* the kernel dropped descriptors, and no frame has missed them yet */

  gboolean was_filled;  /* the last read had no room for more */
  gboolean was_emptied; /* the last read took all there was: AGAIN is due without asking once more */
  gboolean ended;
  GError *failure;
};

ProcInbox *
proc_inbox_new (const ProcByteStream *stream, guint64 max_payload)
{
  ProcInbox *self = g_new0 (ProcInbox, 1);

  self->stream = stream;
  self->max_payload = max_payload;
  self->max_fds = PROC_FRAME_MAX_FDS;
  self->fds = g_array_new (FALSE, FALSE, sizeof (int));

  return self;
}

void
proc_inbox_set_max_payload (ProcInbox *self, guint64 max_payload)
{
  self->max_payload = max_payload;
}

void
proc_inbox_set_max_fds (ProcInbox *self, guint max_fds)
{
  self->max_fds = max_fds;
}

void
proc_inbox_set_borrows (ProcInbox *self)
{
  self->borrows = TRUE;
}

void
proc_inbox_set_lending (ProcInbox *self, ProcLending *lending)
{
  self->lending = lending;
}

static void
close_fds (ProcInbox *self)
{
  for (guint i = 0; i < self->fds->len; i++)
    proc_fd_close (g_array_index (self->fds, int, i));
  g_array_set_size (self->fds, 0);
}

void
proc_inbox_free (ProcInbox *self)
{
  close_fds (self);
  g_array_unref (self->fds);
  g_free (self->buffer);
  g_clear_error (&self->failure);
  g_free (self);
}

static ProcChannelStatus
fail (ProcInbox *self, GError *failure, GError **error)
{
  close_fds (self);
  g_clear_pointer (&self->buffer, g_free);
  self->capacity = self->start = self->end = self->frame_size = 0;
  self->failure = failure;

  g_propagate_error (error, g_error_copy (failure));
  return PROC_CHANNEL_ERROR;
}

static ProcChannelStatus
fail_literal (ProcInbox *self, int code, const char *text, GError **error)
{
  return fail (self, g_error_new_literal (PROC_POOL_ERROR, code, text), error);
}

/* Reads the header of the frame at the front, once enough of it is there. */
static gboolean
look_at_header (ProcInbox *self, GError **error)
{
  if (self->frame_size > 0 || self->end - self->start < PROC_FRAME_HEADER_SIZE)
    return TRUE;

  if (!proc_frame_header_parse (self->buffer + self->start, self->max_payload, &self->header, error))
    return FALSE;
  if (self->header.n_fds > 0 && !self->stream->passes_fds)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                   "A message of type %s announces %u file descriptors on a channel that passes none",
                   proc_message_type_to_string (self->header.type), self->header.n_fds);
      return FALSE;
    }

  if (self->header.n_fds > self->max_fds)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "A message of type %s announces %u file descriptors, the limit is %u",
                   proc_message_type_to_string (self->header.type), self->header.n_fds, self->max_fds);
      return FALSE;
    }

  self->frame_size = PROC_FRAME_HEADER_SIZE + proc_frame_header_body_size (&self->header);
  return TRUE;
}

static gboolean
has_frame (ProcInbox *self)
{
  return self->frame_size > 0 && self->end - self->start >= self->frame_size;
}

/* Takes the descriptors of the frame at the front out of the waiting ones, into @fds. */
static gboolean
take_fds (ProcInbox *self, GArray *fds, gboolean *lost, GError **error)
{
  guint n_fds = self->header.n_fds;

  *lost = FALSE;
  if (self->fds->len >= n_fds)
    {
      g_array_append_vals (fds, self->fds->data, n_fds);
      g_array_remove_range (self->fds, 0, n_fds);
      return TRUE;
    }
  if (self->fds_lost)
    {
      *lost = TRUE;
      self->fds_lost = FALSE;
      close_fds (self);
      return TRUE;
    }

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
               "A message of type %s announces %u file descriptors and came with %u",
               proc_message_type_to_string (self->header.type), n_fds, self->fds->len);
  return FALSE;
}

/* Its place in the stream. */
static const guint8 *
find_payload (ProcInbox *self)
{
  const guint8 *frame = self->buffer + self->start;

  return frame + PROC_FRAME_HEADER_SIZE + PROC_FRAME_PAD (self->header.head_size) + PROC_FRAME_PAD (self->header.type_size);
}

/* Maps the memfd that is the first of @fds and closes it. NULL with @lost: there is no descriptor left for it. */
static GBytes *
take_payload (ProcInbox *self, GArray *fds, gboolean *lost, GError **error)
{
  g_auto (ProcFd) memfd = g_array_index (fds, int, 0);
  ProcMemfdKind kind = self->borrows ? PROC_MEMFD_BORROWED : PROC_MEMFD_SEALED;

  g_array_remove_index (fds, 0);
  if (self->lending && proc_lending_exchange (self->lending, &memfd))
    kind = PROC_MEMFD_OWN;

  *lost = memfd < 0;
  if (*lost)
    return NULL;

  if (self->header.flags & PROC_FRAME_PIECE)
    return proc_piece_map (memfd, find_payload (self), self->header.payload_size, self->max_payload, kind, error);

  return proc_memfd_map (memfd, self->header.payload_size, kind, error);
}

/* The message of the frame at the front, which is whole. */
static ProcMessage *
parse_frame (ProcInbox *self, GError **error)
{
  g_autoptr (GArray) fds = NULL;
  g_autoptr (GUnixFDList) list = NULL;
  g_autoptr (GBytes) payload = NULL;
  gboolean lost = FALSE;
  gboolean mapped = TRUE;
  ProcMessage *message;

  if (self->header.n_fds > 0)
    {
      fds = g_array_new (FALSE, FALSE, sizeof (int));
      if (!take_fds (self, fds, &lost, error))
        return NULL;
    }
  if ((self->header.flags & PROC_FRAME_MEMFD) && !lost)
    {
      payload = take_payload (self, fds, &lost, error);
      mapped = payload != NULL || lost;
    }
  if (fds != NULL && fds->len > 0)
    list = g_unix_fd_list_new_from_array ((const int *) fds->data, fds->len);
  if (!mapped)
    return NULL;

  message = proc_message_parse (&self->header, self->buffer + self->start + PROC_FRAME_HEADER_SIZE, payload, list, error);
  if (message != NULL)
    message->fds_lost = lost;
  return message;
}

static void
free_buffer (ProcInbox *self)
{
  g_clear_pointer (&self->buffer, g_free);
  self->capacity = 0;
}

static void
drop_frame (ProcInbox *self)
{
  self->start += self->frame_size;
  self->frame_size = 0;

  if (self->start < self->end)
    return;

  self->start = self->end = 0;
  self->fds_lost = FALSE;
  if (self->capacity > LARGE_CAPACITY)
    free_buffer (self);
}

static void
set_capacity (ProcInbox *self, gsize capacity)
{
  self->buffer = g_realloc (self->buffer, capacity);
  self->capacity = capacity;
}

/* Called with at most the beginning of one frame in the buffer. */
static void
make_room (ProcInbox *self)
{
  if (self->capacity == 0)
    set_capacity (self, SMALL_CAPACITY);
  if (self->start > 0)
    {
      memmove (self->buffer, self->buffer + self->start, self->end - self->start);
      self->end -= self->start;
      self->start = 0;
    }

  /* The last read took all that it had room for, and there is more, as a rule. */
  if (self->was_filled && self->capacity < USUAL_CAPACITY)
    set_capacity (self, USUAL_CAPACITY);

  if (self->capacity >= self->frame_size)
    return;
  if (self->frame_size <= LARGE_CAPACITY)
    set_capacity (self, LARGE_CAPACITY);
  else if (self->end == self->capacity)
    set_capacity (self, MIN (self->capacity * 2, self->frame_size));
}

static ProcChannelStatus
rest (ProcInbox *self)
{
  if (self->start == self->end && self->capacity > SMALL_CAPACITY)
    free_buffer (self);

  return PROC_CHANNEL_AGAIN;
}

/* Reads once: OK if something has come or the end was met, AGAIN, or ERROR. */
static ProcChannelStatus
fill (ProcInbox *self, gsize *budget, GError **error)
{
  guint n_fds = self->fds->len;
  gsize room;
  gssize n_bytes;

  if (self->was_emptied)
    {
      self->was_emptied = FALSE;
      return rest (self);
    }

  make_room (self);
  room = self->capacity - self->end;
  n_bytes = proc_byte_stream_read (self->stream, self->buffer + self->end, room, self->fds, &self->fds_lost);

  if (n_bytes > 0)
    {
      /* Less than there was room for, and not for the sake of descriptors, at which a read stops. */
      self->was_emptied = (gsize) n_bytes < room && self->fds->len == n_fds;
      self->was_filled = (gsize) n_bytes == room;
      self->end += n_bytes;
      *budget -= MIN (*budget, (gsize) n_bytes);
    }
  else if (n_bytes == 0 || errno == ECONNRESET || errno == EPIPE)
    {
      self->ended = TRUE;
    }
  else if (errno == EAGAIN || errno == EWOULDBLOCK)
    return rest (self);
  else
    return fail (self,
                 g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED, "Can't read from the channel: %s", g_strerror (errno)),
                 error);

  if (self->fds->len > 2 * PROC_FRAME_MAX_FDS)
    return fail_literal (self, PROC_POOL_ERROR_PROTOCOL, "More file descriptors came over the channel than messages may have", error);
  return PROC_CHANNEL_OK;
}

/* There is no whole frame: what does that come to, before more is read? OK: read. */
static ProcChannelStatus
check_rest (ProcInbox *self, GError **error)
{
  if (self->start == self->end && self->fds->len > 0)
    return fail_literal (self, PROC_POOL_ERROR_PROTOCOL, "File descriptors came over the channel that no message announced", error);
  if (!self->ended)
    return PROC_CHANNEL_OK;
  if (self->start == self->end)
    return PROC_CHANNEL_END;

  return fail_literal (self, PROC_POOL_ERROR_CRASHED, "The other side closed the channel in the middle of a message", error);
}

ProcChannelStatus
proc_inbox_receive (ProcInbox *self, ProcMessage **message, GError **error)
{
  gsize budget = READ_BUDGET;
  GError *failure = NULL;
  ProcChannelStatus status;

  *message = NULL;
  if (self->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (self->failure));
      return PROC_CHANNEL_ERROR;
    }

  for (;;)
    {
      if (!look_at_header (self, &failure))
        return fail (self, failure, error);
      if (has_frame (self))
        break;

      status = check_rest (self, error);
      if (status == PROC_CHANNEL_OK)
        status = budget > 0 ? fill (self, &budget, error) : PROC_CHANNEL_AGAIN;
      if (status != PROC_CHANNEL_OK)
        return status;
    }

  *message = parse_frame (self, &failure);
  if (*message == NULL)
    return fail (self, failure, error);

  drop_frame (self);
  return PROC_CHANNEL_OK;
}

gboolean
proc_inbox_has_input (ProcInbox *self)
{
  if (self->failure != NULL || self->ended || !look_at_header (self, NULL) || has_frame (self))
    return TRUE;

  /* Who is told so waits for the descriptor next. */
  self->was_emptied = FALSE;
  return FALSE;
}

gboolean
proc_inbox_is_mid_frame (ProcInbox *self)
{
  return self->end > self->start && look_at_header (self, NULL) && !has_frame (self);
}
