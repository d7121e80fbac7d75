/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Messages: what is taken can be used, and sent again as the same bytes. Input: a frame; what its header
 * announces and isn't there is zeros. With the flag MEMFD the bytes behind the body are the payload.
 */

#include "fuzz.h"

#include <string.h>

#include "wire/message.h"

#define MAX_PAYLOAD (64 * 1024)

/* How much of a frame may be missing. */
#define MAX_ZEROS 256

static void
check (const ProcMessage *message, const ProcFrameHeader *header, const guint8 *frame, gsize frame_size)
{
  g_autoptr (GByteArray) again = g_byte_array_new ();
  g_autofree char *head = message->head != NULL ? g_variant_print (message->head, TRUE) : NULL;
  g_autofree char *payload = message->payload != NULL ? g_variant_print (message->payload, TRUE) : NULL;

  g_assert_true (message->function == NULL || g_utf8_validate (message->function, -1, NULL));
  g_assert_true (head == NULL || g_utf8_validate (head, -1, NULL));
  g_assert_true (payload == NULL || g_utf8_validate (payload, -1, NULL));
  g_assert_true (message->type == header->type);
  g_assert_true (message->task_id == header->task_id);

  /* How it was taken apart isn't known any more. */
  if (header->flags & PROC_FRAME_PIECE)
    return;

  g_assert_true (proc_message_serialize (message, (header->flags & PROC_FRAME_MEMFD) != 0, NULL, MAX_PAYLOAD, again, NULL));
  g_assert_true (again->len == frame_size);

  /* Not the number of descriptors, of which there are none here. */
  g_assert_true (memcmp (again->data, frame, 6) == 0);
  g_assert_true (memcmp (again->data + 8, frame + 8, frame_size - 8) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  ProcFrameHeader header;
  gsize frame_size;
  g_autofree guint8 *frame = NULL;
  g_autoptr (GBytes) mapped = NULL;
  g_autoptr (ProcMessage) message = NULL;

  if (size < PROC_FRAME_HEADER_SIZE || !proc_frame_header_parse (data, MAX_PAYLOAD, &header, NULL))
    return 0;
  frame_size = PROC_FRAME_HEADER_SIZE + proc_frame_header_body_size (&header);
  if (frame_size > size + MAX_ZEROS)
    return 0;

  frame = g_malloc0 (frame_size);
  memcpy (frame, data, MIN (size, frame_size));
  if (header.flags & PROC_FRAME_MEMFD)
    mapped = g_bytes_new (data + MIN (size, frame_size), size - MIN (size, frame_size));

  message = proc_message_parse (&header, frame + PROC_FRAME_HEADER_SIZE, mapped, NULL, NULL);
  if (message != NULL)
    check (message, &header, frame, frame_size);
  return 0;
}
