/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "channel-fixture.h"

#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

/* ---- messages ---- */

static void
test_round_trip (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new ("(si)", "text", 42));
  g_autoptr (ProcMessage) message = NULL;

  assert_status (fixture->far, PROC_CHANNEL_AGAIN);
  send_now (fixture->near, new_run (7, arguments));
  message = receive (fixture->far);
  g_assert_cmpint (message->type, ==, PROC_MESSAGE_RUN);
  g_assert_cmpuint (message->task_id, ==, 7);
  g_assert_cmpstr (message->function, ==, "function");
  g_assert_cmpvariant (message->payload, arguments);
  g_assert_null (message->fds);
  assert_status (fixture->far, PROC_CHANNEL_AGAIN);

  /* And back. */
  send_now (fixture->far, proc_message_new (PROC_MESSAGE_RESULT, 7, NULL, NULL));
  assert_received (fixture->near, 7);
}

static void
test_many_at_once (ChannelFixture *fixture, gconstpointer unused)
{
  const guint n_messages = 50;

  for (guint i = 1; i <= n_messages; i++)
    queue (fixture->near, new_run (i, g_variant_new_uint32 (i)));
  g_assert_true (proc_channel_has_output (fixture->near));
  assert_flushed (fixture->near);
  g_assert_false (proc_channel_has_input (fixture->far));

  for (guint i = 1; i <= n_messages; i++)
    {
      assert_received (fixture->far, i);

      /* All have been read with the first. */
      g_assert_cmpint (proc_channel_has_input (fixture->far), ==, i < n_messages);
      g_assert_false (proc_channel_is_mid_frame (fixture->far));
    }
  assert_status (fixture->far, PROC_CHANNEL_AGAIN);
}

static void
test_more_than_is_read_at_once (ChannelFixture *fixture, gconstpointer unused)
{
  const guint n_messages = 1000;

  for (guint i = 1; i <= n_messages; i++)
    queue (fixture->near, new_run (i, g_variant_new_uint32 (i)));
  assert_flushed (fixture->near);

  for (guint i = 1; i <= n_messages; i++)
    assert_received (fixture->far, i);
  assert_status (fixture->far, PROC_CHANNEL_AGAIN);
  g_assert_false (proc_channel_is_mid_frame (fixture->far));
}

/* A small message costs one system call: what the last read left is known without another. */
static void
test_remembers_that_all_is_read (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  ProcMessage *message;

  send_now (fixture->near, new_run (1, NULL));
  assert_received (fixture->far, 1);
  send_now (fixture->near, new_run (2, NULL));
  g_assert_cmpint (proc_channel_receive (fixture->far, &message, &error), ==, PROC_CHANNEL_AGAIN);
  g_assert_no_error (error);
  assert_received (fixture->far, 2);
}

static void
test_full_socket (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  guint n_queued = 0;
  guint n_received = 0;

  while (proc_channel_flush (fixture->near, &error) == PROC_CHANNEL_OK)
    queue (fixture->near, new_run (++n_queued, new_pattern (10000)));
  g_assert_no_error (error);
  for (guint i = 0; i < 300; i++)
    queue (fixture->near, new_run (++n_queued, new_pattern (10000)));
  g_assert_cmpint (proc_channel_flush (fixture->near, &error), ==, PROC_CHANNEL_AGAIN);
  g_assert_true (proc_channel_has_output (fixture->near));

  while (n_received < n_queued)
    {
      g_autoptr (ProcMessage) message = pump (fixture->near, fixture->far);

      g_assert_cmpuint (message->task_id, ==, ++n_received);
      assert_pattern (message->payload, 10000);
    }
  g_assert_false (proc_channel_has_output (fixture->near));
}

static void
test_one_byte_at_a_time (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (7, g_variant_new_string ("text")), FALSE);

  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < bytes->len; i++)
        {
          assert_status (fixture->near, PROC_CHANNEL_AGAIN);
          g_assert_cmpint (proc_channel_is_mid_frame (fixture->near), ==, i > 0);
          write_bytes (fixture->far_fd, bytes->data + i, 1);
        }
      assert_received (fixture->near, 7);
      g_assert_false (proc_channel_is_mid_frame (fixture->near));
    }
}

/* The end of one frame and the beginning of the next in what is read at once. */
static void
test_frames_cut_anywhere (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) frame = to_bytes (new_run (7, g_variant_new_string ("text")), FALSE);
  g_autoptr (GByteArray) two = g_byte_array_new ();

  g_byte_array_append (two, frame->data, frame->len);
  g_byte_array_append (two, frame->data, frame->len);
  for (guint cut = frame->len; cut < two->len; cut++)
    {
      write_bytes (fixture->far_fd, two->data, cut);
      assert_received (fixture->near, 7);
      assert_status (fixture->near, PROC_CHANNEL_AGAIN);
      write_bytes (fixture->far_fd, two->data + cut, two->len - cut);
      assert_received (fixture->near, 7);
      assert_status (fixture->near, PROC_CHANNEL_AGAIN);
    }
}

static void
test_large_inline (ChannelFixture *fixture, gconstpointer unused)
{
  static const gsize sizes[] = { 60000, 65536, 70000, LARGE, 10 * 1024 * 1024, 0, 100, 9 * 1024 * 1024 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (ProcMessage) message = NULL;

      g_assert_false (proc_channel_uses_memfd (fixture->near, sizes[i]));
      queue (fixture->near, new_run (i, new_pattern (sizes[i])));
      queue (fixture->near, new_run (100 + i, NULL));
      message = pump (fixture->near, fixture->far);
      g_assert_cmpuint (message->task_id, ==, i);
      assert_pattern (message->payload, sizes[i]);
      proc_message_free (g_steal_pointer (&message));
      message = pump (fixture->near, fixture->far);
      g_assert_cmpuint (message->task_id, ==, 100 + i);
    }
}

/* A header is no reason to reserve what it announces. */
static void
test_announced_size_takes_no_memory (ChannelFixture *fixture, gconstpointer unused)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .type_size = 2, .payload_size = MAX_PAYLOAD };
  guint8 bytes[PROC_FRAME_HEADER_SIZE];

  proc_frame_header_write (&header, bytes);
  write_bytes (fixture->far_fd, bytes, sizeof bytes);
  assert_status (fixture->near, PROC_CHANNEL_AGAIN);
  g_assert_true (proc_channel_is_mid_frame (fixture->near));
  g_assert_cmpuint (mallinfo2 ().hblkhd, <, MAX_PAYLOAD / 2);
}

static void
test_unsendable_leaves_no_trace (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (ProcMessage) odd = new_run (2, g_variant_new_from_data (G_VARIANT_TYPE_STRING, "abc", 3, FALSE, NULL, NULL));
  g_autofree char *name = g_strnfill (PROC_FRAME_MAX_HEAD, 'x');
  g_autoptr (ProcMessage) large = proc_message_new_run (3, name, NULL);
  g_autoptr (GError) error = NULL;

  queue (fixture->near, new_run (1, NULL));
  g_assert_false (proc_channel_queue (fixture->near, odd, -1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  g_clear_error (&error);
  g_assert_false (proc_channel_queue (fixture->near, large, -1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE);
  queue (fixture->near, new_run (4, NULL));

  assert_flushed (fixture->near);
  assert_received (fixture->far, 1);
  assert_received (fixture->far, 4);
  assert_status (fixture->far, PROC_CHANNEL_AGAIN);
}

/* ---- ends ---- */

static void
test_end (ChannelFixture *fixture, gconstpointer unused)
{
  send_now (fixture->near, new_run (1, NULL));
  queue (fixture->near, new_run (2, NULL));
  assert_flushed (fixture->near);
  g_clear_pointer (&fixture->near, proc_channel_free);

  assert_received (fixture->far, 1);
  assert_received (fixture->far, 2);
  assert_status (fixture->far, PROC_CHANNEL_END);
  assert_status (fixture->far, PROC_CHANNEL_END);
  g_assert_true (proc_channel_has_input (fixture->far));
}

static void
test_partial (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, g_variant_new_string ("text")), FALSE);

  for (guint size = 1; size < bytes->len; size++)
    {
      write_bytes (fixture->far_fd, bytes->data, bytes->len);
      write_bytes (fixture->far_fd, bytes->data, size);
      proc_fd_clear (&fixture->far_fd);
      assert_received (fixture->near, 1);
      assert_fails (fixture->near, PROC_POOL_ERROR_CRASHED);
      proc_channel_free (fixture->near);
      set_up_bare (fixture, NULL);
    }
}

/* The other side went without reading what it was sent, after it had replied. */
static void
test_sending_to_nobody (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  send_now (fixture->far, proc_message_new (PROC_MESSAGE_RESULT, 1, NULL, NULL));
  send_now (fixture->near, new_run (2, NULL));
  g_clear_pointer (&fixture->far, proc_channel_free);

  queue (fixture->near, new_run (3, NULL));
  g_assert_cmpint (proc_channel_flush (fixture->near, &error), ==, PROC_CHANNEL_ERROR);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
  g_clear_error (&error);
  g_assert_false (proc_channel_has_output (fixture->near));
  queue (fixture->near, new_run (4, NULL));
  g_assert_cmpint (proc_channel_flush (fixture->near, &error), ==, PROC_CHANNEL_ERROR);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);

  assert_received (fixture->near, 1);
  assert_status (fixture->near, PROC_CHANNEL_END);
}

/* The reset comes to the side that reads first. */
static void
test_reset_is_an_end (ChannelFixture *fixture, gconstpointer unused)
{
  send_now (fixture->near, new_run (2, NULL));
  g_clear_pointer (&fixture->far, proc_channel_free);
  assert_status (fixture->near, PROC_CHANNEL_END);
}

/* ---- what a hostile peer sends ---- */

static void
test_garbage (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);

  write_bytes (fixture->far_fd, bytes->data, bytes->len);
  write_bytes (fixture->far_fd, (const guint8 *) "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35);
  assert_received (fixture->near, 1);
  assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);
}

static void
test_oversize (ChannelFixture *fixture, gconstpointer unused)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .type_size = 2, .payload_size = MAX_PAYLOAD + 1 };
  guint8 bytes[PROC_FRAME_HEADER_SIZE];

  proc_frame_header_write (&header, bytes);
  write_bytes (fixture->far_fd, bytes, sizeof bytes);
  assert_fails (fixture->near, PROC_POOL_ERROR_TOO_LARGE);
}

/* ---- not a socket ---- */

static void
test_fifo (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-channel-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "fifo", NULL);
  g_autoptr (ProcChannel) channel = NULL;
  g_autoptr (ProcMessage) message = NULL;

  /* Open for both, it gives back what is written to it. */
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  channel = proc_channel_new (open (path, O_RDWR | O_CLOEXEC), TRUE, MAX_PAYLOAD);
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (rmdir (directory), ==, 0);

  g_assert_false (proc_channel_uses_memfd (channel, LARGE));
  assert_status (channel, PROC_CHANNEL_AGAIN);
  send_now (channel, new_run (1, g_variant_new_string ("text")));
  assert_received (channel, 1);
  queue (channel, new_run (2, new_pattern (LARGE)));
  message = pump (channel, channel);
  assert_pattern (message->payload, LARGE);
}

static void
test_broken_pipe (void)
{
  g_autoptr (ProcChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  channel = proc_channel_new (fds[1], FALSE, MAX_PAYLOAD);
  proc_fd_close (fds[0]);

  /* No SIGPIPE, which would end this process. */
  queue (channel, new_run (1, NULL));
  g_assert_cmpint (proc_channel_flush (channel, &error), ==, PROC_CHANNEL_ERROR);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
}

static void
test_unreadable (void)
{
  g_autoptr (ProcChannel) channel = NULL;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  channel = proc_channel_new (fds[1], FALSE, MAX_PAYLOAD);
  assert_fails (channel, PROC_POOL_ERROR_FAILED);
  proc_fd_close (fds[0]);
}

#define ADD(path, set_up, test) g_test_add ("/channel/" path, ChannelFixture, NULL, set_up, test, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("round-trip", set_up, test_round_trip);
  ADD ("many-at-once", set_up, test_many_at_once);
  ADD ("more-than-at-once", set_up, test_more_than_is_read_at_once);
  ADD ("remembers-that-all-is-read", set_up, test_remembers_that_all_is_read);
  ADD ("full-socket", set_up, test_full_socket);
  ADD ("one-byte", set_up_bare, test_one_byte_at_a_time);
  ADD ("frames-cut-anywhere", set_up_bare, test_frames_cut_anywhere);
  ADD ("large-inline", set_up_without_fds, test_large_inline);
  ADD ("announced-size-takes-no-memory", set_up_bare, test_announced_size_takes_no_memory);
  ADD ("unsendable-leaves-no-trace", set_up, test_unsendable_leaves_no_trace);
  ADD ("end/between-frames", set_up, test_end);
  ADD ("end/partial", set_up_bare, test_partial);
  ADD ("end/sending-to-nobody", set_up, test_sending_to_nobody);
  ADD ("end/reset", set_up, test_reset_is_an_end);
  ADD ("hostile/garbage", set_up_bare, test_garbage);
  ADD ("hostile/oversize", set_up_bare, test_oversize);

  g_test_add_func ("/channel/not-a-socket/fifo", test_fifo);
  g_test_add_func ("/channel/not-a-socket/broken-pipe", test_broken_pipe);
  g_test_add_func ("/channel/not-a-socket/unreadable", test_unreadable);

  return g_test_run ();
}
