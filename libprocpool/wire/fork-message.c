/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/fork-message.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "wire/byte-stream.h"

/* The bytes: magic, type, three zeros, then the numbers, little-endian, then the text up to the packet's end. */
static const char magic[4] = { 'P', 'R', 'F', '1' };

typedef struct
{
  char magic[4];
  guint8 type;
  guint8 zeros[3];
  guint64 id;
  guint32 what;
  guint32 code;
} Header;

G_STATIC_ASSERT (sizeof (Header) == 24);

/* How many descriptors a message has. */
static gboolean
has_right_fds (const ProcForkMessage *message)
{
  switch (message->type)
    {
    case PROC_FORK_REQUEST:
      return message->what <= (PROC_FORK_STDOUT | PROC_FORK_STDERR) &&
             message->n_fds == 1u + ((message->what & PROC_FORK_STDOUT) != 0) + ((message->what & PROC_FORK_STDERR) != 0);
    case PROC_FORK_DONE:
      return message->n_fds <= 1;
    case PROC_FORK_FAILED:
    case PROC_FORK_ENDED:
    case PROC_FORK_FINISH:
      return message->n_fds == 0;
    default:
      return FALSE;
    }
}

ProcChannelStatus
proc_fork_message_send (int fd, const ProcForkMessage *message)
{
  const ProcByteStream stream = { .fd = fd, .is_socket = TRUE, .passes_fds = TRUE };
  guint8 bytes[sizeof (Header) + PROC_FORK_MAX_TEXT];
  Header header = {
    .type = (guint8) message->type,
    .id = GUINT64_TO_LE (message->id),
    .what = GUINT32_TO_LE (message->what),
    .code = GUINT32_TO_LE (message->code),
  };
  gsize length = strnlen (message->text, PROC_FORK_MAX_TEXT);

  memcpy (header.magic, magic, sizeof magic);
  memcpy (bytes, &header, sizeof header);
  memcpy (bytes + sizeof header, message->text, length);

  if (proc_byte_stream_write (&stream, bytes, sizeof header + length, message->fds, message->n_fds) >= 0)
    return PROC_CHANNEL_OK;

  if (errno == EAGAIN || errno == EWOULDBLOCK)
    return PROC_CHANNEL_AGAIN;

  return errno == EPIPE || errno == ECONNRESET ? PROC_CHANNEL_END : PROC_CHANNEL_ERROR;
}

static gboolean
parse (ProcForkMessage *message, const guint8 *bytes, gsize size)
{
  gsize length = size - sizeof (Header);
  Header header;

  if (size < sizeof header || length > PROC_FORK_MAX_TEXT)
    return FALSE;

  memcpy (&header, bytes, sizeof header);
  message->type = header.type;
  message->id = GUINT64_FROM_LE (header.id);
  message->what = GUINT32_FROM_LE (header.what);
  message->code = GUINT32_FROM_LE (header.code);
  memcpy (message->text, bytes + sizeof header, length);
  message->text[length] = '\0';

  return memcmp (header.magic, magic, sizeof magic) == 0 &&
         memcmp (header.zeros, "\0\0\0", sizeof header.zeros) == 0 && has_right_fds (message) &&
         g_utf8_validate_len (message->text, length, NULL);
}

ProcChannelStatus
proc_fork_message_receive (int fd, ProcForkMessage *message)
{
  const ProcByteStream stream = { .fd = fd, .is_socket = TRUE, .passes_fds = TRUE };
  /* A byte more than any message has: a packet that fills it was too long, and was cut. */
  guint8 bytes[sizeof (Header) + PROC_FORK_MAX_TEXT + 1];
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  gboolean fds_lost = FALSE;
  gssize n_bytes = proc_byte_stream_read (&stream, bytes, sizeof bytes, fds, &fds_lost);

  if (n_bytes < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? PROC_CHANNEL_AGAIN : PROC_CHANNEL_END;
  if (n_bytes == 0 && fds->len == 0)
    return PROC_CHANNEL_END;

  /* A lost pidfd is one less to watch; a lost channel leaves a request with too few. */
  memset (message->fds, -1, sizeof message->fds);
  message->n_fds = MIN (fds->len, PROC_FORK_MAX_FDS);
  for (guint i = 0; i < message->n_fds; i++)
    message->fds[i] = g_array_index (fds, int, i);

  if (fds->len <= PROC_FORK_MAX_FDS && parse (message, bytes, (gsize) n_bytes))
    return PROC_CHANNEL_OK;

  for (guint i = message->n_fds; i < fds->len; i++)
    proc_fd_close (g_array_index (fds, int, i));
  proc_fork_message_close_fds (message);
  return PROC_CHANNEL_ERROR;
}

void
proc_fork_message_close_fds (ProcForkMessage *message)
{
  for (guint i = 0; i < message->n_fds; i++)
    proc_fd_clear (&message->fds[i]);

  message->n_fds = 0;
}
