/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Headers: what is taken is within the limits, and has one form only. Input: a header. */

#include "fuzz.h"

#include <string.h>

#include "wire/frame.h"

static void
check (const guint8 *bytes, guint64 max_payload)
{
  guint8 again[PROC_FRAME_HEADER_SIZE];
  ProcFrameHeader header;
  gsize body_size;

  if (!proc_frame_header_parse (bytes, max_payload, &header, NULL))
    return;

  g_assert_true (header.payload_size <= max_payload);
  g_assert_true (header.head_size <= PROC_FRAME_MAX_HEAD);
  g_assert_true (header.type_size <= PROC_FRAME_MAX_TYPE);
  g_assert_true (header.n_fds <= PROC_FRAME_MAX_FDS);

  body_size = proc_frame_header_body_size (&header);
  g_assert_true (body_size % 8 == 0);
  g_assert_true (body_size >= header.head_size && body_size <= G_MAXSSIZE);
  if ((header.flags & PROC_FRAME_PLACE) != PROC_FRAME_MEMFD)
    g_assert_true (body_size >= header.payload_size);

  proc_frame_header_write (&header, again);
  g_assert_true (memcmp (again, bytes, sizeof again) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size != PROC_FRAME_HEADER_SIZE)
    return 0;

  check (data, 0);
  check (data, 1000);
  check (data, PROC_FRAME_DEFAULT_MAX_PAYLOAD);
  check (data, G_MAXUINT64);
  return 0;
}
