/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The fixed-size header of a frame, and its checks. Pure: bytes in, numbers out.
 *
 * All numbers are little-endian:
 *
 *   offset size
 *        0    4  magic "PRC1"
 *        4    1  type, a ProcMessageType
 *        5    1  flags, ProcFrameFlags
 *        6    2  number of file descriptors that come with the frame
 *        8    8  task id, 0 where the message belongs to no task
 *       16    4  size of the head in bytes
 *       20    4  size of the payload's type string in bytes, without a NUL; 0: no payload
 *       24    8  size of the payload in bytes
 *
 * After the header: the head, the type string and the payload, each padded with zeros to a multiple of
 * 8 bytes, so that all of them are aligned when the frame is. With PROC_FRAME_MEMFD the payload is not
 * in the stream but in a sealed memfd, the frame's first descriptor. With PROC_FRAME_PIECE as well, the payload's place in the
 * stream has where the memfd's content belongs, and what is around it: see wire/piece.h.
 */

#define PROC_FRAME_HEADER_SIZE 32

/* A part's size with its padding. Not for sizes that haven't been checked: it would overflow. */
#define PROC_FRAME_PAD(size) (((size) + 7) & ~(gsize) 7)

/* What goes before the rest of a payload in two parts: offset and size of the other part, as numbers of 8 bytes. */
#define PROC_FRAME_PIECE_HEAD 16

#define PROC_FRAME_MAX_HEAD (1024 * 1024)
#define PROC_FRAME_MAX_TYPE 4096
#define PROC_FRAME_MAX_FDS 64

/* What a channel takes for a payload unless told otherwise (ProcPool:max-message): 1 GiB. */
#define PROC_FRAME_DEFAULT_MAX_PAYLOAD (G_GUINT64_CONSTANT (1) << 30)

typedef enum
{
  PROC_MESSAGE_HELLO = 1, /* helper to host, first: version and process */
  PROC_MESSAGE_SETUP,     /* host to helper, first: version and options */
  PROC_MESSAGE_READY,     /* helper to host: initialized */
  PROC_MESSAGE_RUN,       /* host to helper: a task, with its arguments as payload */
  PROC_MESSAGE_RESULT,    /* helper to host: the task's result as payload */
  PROC_MESSAGE_ERROR,     /* helper to host: the task, or with task id 0 the start, failed */
  PROC_MESSAGE_CANCEL,    /* host to helper: tell the task to stop; it is replied to all the same */
  PROC_MESSAGE_PROGRESS,  /* helper to host */
  PROC_MESSAGE_OUTPUT,    /* helper to host: a partial value as payload */
  PROC_MESSAGE_LOG,       /* helper to host: a log record */
  PROC_MESSAGE_PIN,       /* host to helper: run on these cores from now on */
  PROC_MESSAGE_FINISH,    /* host to helper: no more tasks: run the finalizer and exit */
  PROC_MESSAGE_RECALL,    /* host to helper: return the task, if it isn't begun */
  PROC_MESSAGE_RETURNED,  /* helper to host: it wasn't, and won't be */
} ProcMessageType;

#define PROC_MESSAGE_LAST PROC_MESSAGE_RETURNED

typedef enum
{
  PROC_FRAME_NONE = 0,
  PROC_FRAME_MEMFD = 1 << 0,  /* the payload is in the first descriptor */
  PROC_FRAME_RETIRE = 1 << 1, /* with RESULT or ERROR: replace this helper after its tasks in flight */
  PROC_FRAME_AHEAD = 1 << 2,  /* with RUN: to be begun when all those before it have been replied to */
  PROC_FRAME_EACH = 1 << 3,   /* with RUN: for each element of the payload, an array */
  PROC_FRAME_PIECE = 1 << 4,  /* with MEMFD: only a part of it is there, and the rest in the stream */
} ProcFrameFlags;

typedef struct
{
  ProcMessageType type;
  ProcFrameFlags flags;
  guint n_fds;
  guint64 task_id;
  guint32 head_size;
  guint32 type_size;
  guint64 payload_size;
} ProcFrameHeader;

/* Where the payload is: as the channel finds best, whatever the message. */
#define PROC_FRAME_PLACE (PROC_FRAME_MEMFD | PROC_FRAME_PIECE)

/* The flags that a message of this type may have, besides those. */
ProcFrameFlags proc_frame_flags_of (ProcMessageType type);

void proc_frame_header_write (const ProcFrameHeader *header, guint8 bytes[PROC_FRAME_HEADER_SIZE]);

/* Refuses (PROC_POOL_ERROR_PROTOCOL, PROC_POOL_ERROR_TOO_LARGE) all that can be seen to be wrong from
 * the header alone, before a byte of the body is allocated: magic, type, unknown flags, sizes above the
 * limits, descriptors above PROC_FRAME_MAX_FDS, a memfd flag without a descriptor or a payload, a
 * piece without a memfd or too short, a payload without a type or with a message that has none, a head where the type has none, an OUTPUT
 * without a payload, a flag on a message that it isn't for.
 */
gboolean proc_frame_header_parse (const guint8 bytes[PROC_FRAME_HEADER_SIZE], guint64 max_payload, ProcFrameHeader *header, GError **error);

/* The number of bytes that follow the header in the stream. Can't overflow for a parsed header. */
gsize proc_frame_header_body_size (const ProcFrameHeader *header);
