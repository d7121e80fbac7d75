/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/frame.h"

#include <string.h>

#include "base/error.h"

#define TYPE_BIT(type) (1u << (type))

static const char frame_magic[4] = { 'P', 'R', 'C', '1' };

/* What a message may consist of, by its type. The codec of messages knows more of this, but it is built
 * on this module, and what a header alone can show to be wrong must be refused before there is a body.
 */
static const guint types_with_head =
    TYPE_BIT (PROC_MESSAGE_HELLO) | TYPE_BIT (PROC_MESSAGE_SETUP) | TYPE_BIT (PROC_MESSAGE_RUN) |
    TYPE_BIT (PROC_MESSAGE_ERROR) | TYPE_BIT (PROC_MESSAGE_PROGRESS) | TYPE_BIT (PROC_MESSAGE_LOG) |
    TYPE_BIT (PROC_MESSAGE_PIN);
static const guint types_with_payload =
    TYPE_BIT (PROC_MESSAGE_RUN) | TYPE_BIT (PROC_MESSAGE_RESULT) | TYPE_BIT (PROC_MESSAGE_OUTPUT);

/* The largest payload whose frame has a size that can still be told in a gsize. */
#define MAX_PAYLOAD_IN_MEMORY ((guint64) (G_MAXSSIZE - PROC_FRAME_MAX_HEAD - PROC_FRAME_MAX_TYPE - 64))

static void
write_u16 (guint8 *bytes, guint16 value)
{
  value = GUINT16_TO_LE (value);
  memcpy (bytes, &value, sizeof value);
}

static void
write_u32 (guint8 *bytes, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (bytes, &value, sizeof value);
}

static void
write_u64 (guint8 *bytes, guint64 value)
{
  value = GUINT64_TO_LE (value);
  memcpy (bytes, &value, sizeof value);
}

static guint16
read_u16 (const guint8 *bytes)
{
  guint16 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT16_FROM_LE (value);
}

static guint32
read_u32 (const guint8 *bytes)
{
  guint32 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT32_FROM_LE (value);
}

static guint64
read_u64 (const guint8 *bytes)
{
  guint64 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT64_FROM_LE (value);
}

ProcFrameFlags
proc_frame_flags_of (ProcMessageType type)
{
  if (type == PROC_MESSAGE_RUN)
    return PROC_FRAME_AHEAD | PROC_FRAME_EACH;
  if (type == PROC_MESSAGE_RESULT || type == PROC_MESSAGE_ERROR)
    return PROC_FRAME_RETIRE;

  return PROC_FRAME_NONE;
}

void
proc_frame_header_write (const ProcFrameHeader *header, guint8 bytes[PROC_FRAME_HEADER_SIZE])
{
  memcpy (bytes, frame_magic, sizeof frame_magic);
  bytes[4] = (guint8) header->type;
  bytes[5] = (guint8) header->flags;
  write_u16 (bytes + 6, (guint16) header->n_fds);
  write_u64 (bytes + 8, header->task_id);
  write_u32 (bytes + 16, header->head_size);
  write_u32 (bytes + 20, header->type_size);
  write_u64 (bytes + 24, header->payload_size);
}

static gboolean
check_start (const guint8 *bytes, GError **error)
{
  if (memcmp (bytes, frame_magic, sizeof frame_magic) != 0)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                   "A frame begins with the bytes %02x %02x %02x %02x and not with \"PRC1\": "
                   "the other side doesn't speak this protocol, or something else writes to its channel",
                   bytes[0], bytes[1], bytes[2], bytes[3]);
      return FALSE;
    }
  if (bytes[4] < PROC_MESSAGE_HELLO || bytes[4] > PROC_MESSAGE_LAST)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                   "A frame has the unknown message type %u", bytes[4]);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_sizes (const ProcFrameHeader *header, guint64 max_payload, GError **error)
{
  if (header->head_size > PROC_FRAME_MAX_HEAD)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "A frame announces a head of %u bytes, the limit is %u",
                   header->head_size, PROC_FRAME_MAX_HEAD);
      return FALSE;
    }
  if (header->type_size > PROC_FRAME_MAX_TYPE)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "A frame announces a type string of %u bytes, the limit is %u",
                   header->type_size, PROC_FRAME_MAX_TYPE);
      return FALSE;
    }
  max_payload = MIN (max_payload, MAX_PAYLOAD_IN_MEMORY);
  if (header->payload_size > max_payload)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "A frame announces a payload of %" G_GUINT64_FORMAT " bytes, the limit is %" G_GUINT64_FORMAT,
                   header->payload_size, max_payload);
      return FALSE;
    }
  if (header->n_fds > PROC_FRAME_MAX_FDS)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE,
                   "A frame announces %u file descriptors, the limit is %u", header->n_fds, PROC_FRAME_MAX_FDS);
      return FALSE;
    }
  return TRUE;
}

/* What is wrong with the parts that a frame of this type announces, NULL for nothing. */
static const char *
find_contradiction (const ProcFrameHeader *header)
{
  guint type = TYPE_BIT (header->type);

  if (header->flags & ~(PROC_FRAME_PLACE | proc_frame_flags_of (header->type)))
    return "a flag that is unknown or not for its message type";
  if (header->head_size > 0 && !(type & types_with_head))
    return "a head, which its message type has not";
  if (header->type_size > 0 && !(type & types_with_payload))
    return "a payload, which its message type has not";
  if (header->type_size == 0 && header->payload_size > 0)
    return "a payload without a type";
  if (header->type_size == 0 && header->type == PROC_MESSAGE_OUTPUT)
    return "no payload, which its message type must have";
  if ((header->flags & PROC_FRAME_MEMFD) && header->payload_size == 0)
    return "a memfd without a payload";
  if ((header->flags & PROC_FRAME_MEMFD) && header->n_fds == 0)
    return "a payload in a memfd, but no file descriptor";
  if ((header->flags & PROC_FRAME_PIECE) && (!(header->flags & PROC_FRAME_MEMFD) || header->payload_size < PROC_FRAME_PIECE_HEAD))
    return "a payload in two parts, which it isn't";
  return NULL;
}

gboolean
proc_frame_header_parse (const guint8 bytes[PROC_FRAME_HEADER_SIZE], guint64 max_payload, ProcFrameHeader *header, GError **error)
{
  const char *contradiction;

  if (!check_start (bytes, error))
    return FALSE;

  header->type = bytes[4];
  header->flags = bytes[5];
  header->n_fds = read_u16 (bytes + 6);
  header->task_id = read_u64 (bytes + 8);
  header->head_size = read_u32 (bytes + 16);
  header->type_size = read_u32 (bytes + 20);
  header->payload_size = read_u64 (bytes + 24);

  contradiction = find_contradiction (header);
  if (contradiction != NULL)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
                   "A frame of message type %u announces %s", header->type, contradiction);
      return FALSE;
    }

  return check_sizes (header, max_payload, error);
}

gsize
proc_frame_header_body_size (const ProcFrameHeader *header)
{
  gsize size = PROC_FRAME_PAD ((gsize) header->head_size) + PROC_FRAME_PAD ((gsize) header->type_size);

  if ((header->flags & PROC_FRAME_PLACE) != PROC_FRAME_MEMFD)
    size += PROC_FRAME_PAD ((gsize) header->payload_size);

  return size;
}
