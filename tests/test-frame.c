/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/frame.h"

#include <string.h>

#include "base/error.h"

#define MAX_PAYLOAD 1000

static const guint8 run_bytes[PROC_FRAME_HEADER_SIZE] = {
  'P', 'R', 'C', '1', 4, 1, 2, 0,
  8, 7, 6, 5, 4, 3, 2, 1,
  5, 0, 0, 0, 0, 2, 0, 0,
  0xe8, 3, 0, 0, 0, 0, 0, 0
};

static const ProcFrameHeader run_header = {
  .type = PROC_MESSAGE_RUN,
  .flags = PROC_FRAME_MEMFD,
  .n_fds = 2,
  .task_id = G_GUINT64_CONSTANT (0x0102030405060708),
  .head_size = 5,
  .type_size = 512,
  .payload_size = 1000,
};

static void
test_layout (void)
{
  guint8 bytes[PROC_FRAME_HEADER_SIZE];

  memset (bytes, 0xaa, sizeof bytes);
  proc_frame_header_write (&run_header, bytes);
  g_assert_cmpmem (bytes, sizeof bytes, run_bytes, sizeof run_bytes);
}

static void
test_parses_what_is_written (void)
{
  g_autoptr (GError) error = NULL;
  ProcFrameHeader header;

  g_assert_true (proc_frame_header_parse (run_bytes, MAX_PAYLOAD, &header, &error));
  g_assert_no_error (error);
  g_assert_cmpint (header.type, ==, run_header.type);
  g_assert_cmpint (header.flags, ==, run_header.flags);
  g_assert_cmpuint (header.n_fds, ==, run_header.n_fds);
  g_assert_cmpuint (header.task_id, ==, run_header.task_id);
  g_assert_cmpuint (header.head_size, ==, run_header.head_size);
  g_assert_cmpuint (header.type_size, ==, run_header.type_size);
  g_assert_cmpuint (header.payload_size, ==, run_header.payload_size);
}

static void
test_body_size (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RUN, .head_size = 1, .type_size = 8, .payload_size = 9 };

  g_assert_cmpuint (proc_frame_header_body_size (&header), ==, 8 + 8 + 16);
  header.payload_size = 0;
  g_assert_cmpuint (proc_frame_header_body_size (&header), ==, 8 + 8);

  /* A memfd's bytes aren't in the stream. */
  header.flags = PROC_FRAME_MEMFD;
  header.payload_size = 1 << 20;
  g_assert_cmpuint (proc_frame_header_body_size (&header), ==, 8 + 8);
}

static void
assert_refused (const ProcFrameHeader *header, guint64 max_payload, int code)
{
  guint8 bytes[PROC_FRAME_HEADER_SIZE];
  g_autoptr (GError) error = NULL;
  ProcFrameHeader parsed;

  proc_frame_header_write (header, bytes);
  g_assert_false (proc_frame_header_parse (bytes, max_payload, &parsed, &error));
  g_assert_error (error, PROC_POOL_ERROR, code);
}

static void
assert_taken (const ProcFrameHeader *header, guint64 max_payload)
{
  guint8 bytes[PROC_FRAME_HEADER_SIZE];
  g_autoptr (GError) error = NULL;
  ProcFrameHeader parsed;

  proc_frame_header_write (header, bytes);
  g_assert_true (proc_frame_header_parse (bytes, max_payload, &parsed, &error));
  g_assert_no_error (error);
}

static void
test_refuses_foreign_bytes (void)
{
  for (guint i = 0; i < 4; i++)
    {
      guint8 bytes[PROC_FRAME_HEADER_SIZE];
      g_autoptr (GError) error = NULL;
      ProcFrameHeader header;

      memcpy (bytes, run_bytes, sizeof bytes);
      bytes[i] ^= 0x20;
      g_assert_false (proc_frame_header_parse (bytes, MAX_PAYLOAD, &header, &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
    }
}

static void
test_refuses_unknown_types (void)
{
  ProcFrameHeader header = { .type = 0 };

  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_PROTOCOL);
  for (guint type = PROC_MESSAGE_LAST + 1; type < 256; type++)
    {
      header.type = type;
      assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_PROTOCOL);
    }
}

static void
test_refuses_unknown_flags (void)
{
  /* But for that of a memfd, which any with a payload may have. */
  static const ProcFrameFlags allowed[PROC_MESSAGE_LAST + 1] = {
    [PROC_MESSAGE_RUN] = PROC_FRAME_AHEAD | PROC_FRAME_EACH,
    [PROC_MESSAGE_RESULT] = PROC_FRAME_RETIRE,
    [PROC_MESSAGE_ERROR] = PROC_FRAME_RETIRE,
  };

  for (ProcMessageType type = PROC_MESSAGE_HELLO; type <= PROC_MESSAGE_LAST; type++)
    {
      for (guint bit = 1; bit < 8; bit++)
        {
          ProcFrameHeader header = { .type = type, .flags = 1 << bit };

          if (type == PROC_MESSAGE_OUTPUT)
            header.type_size = 1;
          if (allowed[type] & header.flags)
            assert_taken (&header, MAX_PAYLOAD);
          else
            assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_PROTOCOL);
        }
    }
}

static void
test_refuses_sizes_above_the_limits (void)
{
  static const guint64 too_large[] = {
    MAX_PAYLOAD + 1, G_MAXINT32, G_MAXUINT32, G_GUINT64_CONSTANT (1) << 32, (G_GUINT64_CONSTANT (1) << 32) + 8,
    G_MAXINT64, G_GUINT64_CONSTANT (1) << 63, G_MAXUINT64 - 7, G_MAXUINT64
  };
  ProcFrameHeader header = { .type = PROC_MESSAGE_RUN, .head_size = 8, .type_size = 2, .payload_size = MAX_PAYLOAD };

  assert_taken (&header, MAX_PAYLOAD);
  for (guint i = 0; i < G_N_ELEMENTS (too_large); i++)
    {
      header.payload_size = too_large[i];
      assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
    }
  header.payload_size = 0;

  header.head_size = PROC_FRAME_MAX_HEAD;
  assert_taken (&header, MAX_PAYLOAD);
  header.head_size = PROC_FRAME_MAX_HEAD + 1;
  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
  header.head_size = G_MAXUINT32;
  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
  header.head_size = 8;

  header.type_size = PROC_FRAME_MAX_TYPE;
  assert_taken (&header, MAX_PAYLOAD);
  header.type_size = PROC_FRAME_MAX_TYPE + 1;
  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
  header.type_size = G_MAXUINT32;
  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
  header.type_size = 2;

  header.n_fds = PROC_FRAME_MAX_FDS;
  assert_taken (&header, MAX_PAYLOAD);
  header.n_fds = PROC_FRAME_MAX_FDS + 1;
  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
  header.n_fds = G_MAXUINT16;
  assert_refused (&header, MAX_PAYLOAD, PROC_POOL_ERROR_TOO_LARGE);
}

/* Whatever limit is asked for, a body that is let through has a size that didn't wrap around. */
static void
test_no_overflow_without_a_limit (void)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RUN, .head_size = PROC_FRAME_MAX_HEAD, .type_size = PROC_FRAME_MAX_TYPE };

  for (guint64 below = 0; below <= 2 * PROC_FRAME_MAX_HEAD; below += 1024)
    {
      header.payload_size = G_MAXUINT64 - below;
      assert_refused (&header, G_MAXUINT64, PROC_POOL_ERROR_TOO_LARGE);
      header.payload_size = G_MAXSSIZE - MIN (below, (guint64) PROC_FRAME_MAX_HEAD);
      assert_refused (&header, G_MAXUINT64, PROC_POOL_ERROR_TOO_LARGE);
    }

  header.payload_size = G_MAXSSIZE - 2 * PROC_FRAME_MAX_HEAD;
  assert_taken (&header, G_MAXUINT64);
  g_assert_cmpuint (proc_frame_header_body_size (&header), >, header.payload_size);
  g_assert_cmpuint (proc_frame_header_body_size (&header), <=, G_MAXSSIZE);
}

static void
test_refuses_contradictions (void)
{
  static const ProcFrameHeader cases[] = {
    { .type = PROC_MESSAGE_RUN, .payload_size = 1 },                                            /* no type */
    { .type = PROC_MESSAGE_RUN, .flags = PROC_FRAME_MEMFD, .n_fds = 1 },                        /* no payload */
    { .type = PROC_MESSAGE_RUN, .flags = PROC_FRAME_MEMFD, .n_fds = 1, .type_size = 2 },        /* an empty payload */
    { .type = PROC_MESSAGE_RUN, .flags = PROC_FRAME_MEMFD, .type_size = 2, .payload_size = 9 }, /* no memfd */
    { .type = PROC_MESSAGE_READY, .head_size = 1 },
    { .type = PROC_MESSAGE_RESULT, .head_size = 1 },
    { .type = PROC_MESSAGE_CANCEL, .head_size = 1 },
    { .type = PROC_MESSAGE_FINISH, .head_size = 1 },
    { .type = PROC_MESSAGE_HELLO, .type_size = 1 },
    { .type = PROC_MESSAGE_ERROR, .type_size = 1, .payload_size = 1 },
    { .type = PROC_MESSAGE_OUTPUT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (&cases[i], MAX_PAYLOAD, PROC_POOL_ERROR_PROTOCOL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/frame/layout", test_layout);
  g_test_add_func ("/frame/parses-what-is-written", test_parses_what_is_written);
  g_test_add_func ("/frame/body-size", test_body_size);
  g_test_add_func ("/frame/refuses/foreign-bytes", test_refuses_foreign_bytes);
  g_test_add_func ("/frame/refuses/unknown-types", test_refuses_unknown_types);
  g_test_add_func ("/frame/refuses/unknown-flags", test_refuses_unknown_flags);
  g_test_add_func ("/frame/refuses/oversize", test_refuses_sizes_above_the_limits);
  g_test_add_func ("/frame/refuses/sizes-that-overflow", test_no_overflow_without_a_limit);
  g_test_add_func ("/frame/refuses/contradictions", test_refuses_contradictions);

  return g_test_run ();
}
