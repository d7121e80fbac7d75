/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/channel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/memfd.h"

#define MAX_PAYLOAD (64 * 1024 * 1024)
#define LARGE (300 * 1024)

/* Two channels that are connected, or one and the bare other end; and, for each test, how many
 * descriptors there were before.
 */
typedef struct
{
  ProcChannel *near;
  ProcChannel *far;
  int far_fd;
  guint n_fds;
} Fixture;

static guint
count_fds (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  guint n_fds = 0;

  g_assert_nonnull (directory);
  while (readdir (directory) != NULL)
    n_fds++;
  closedir (directory);
  return n_fds;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  int fds[2];

  fixture->n_fds = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->near = proc_channel_new (fds[0], TRUE, MAX_PAYLOAD);
  fixture->far = proc_channel_new (fds[1], TRUE, MAX_PAYLOAD);
  fixture->far_fd = -1;
}

static void
set_up_bare (Fixture *fixture, gconstpointer unused)
{
  int fds[2];

  fixture->n_fds = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->near = proc_channel_new (fds[0], TRUE, MAX_PAYLOAD);
  fixture->far_fd = fds[1];
}

static void
set_up_without_fds (Fixture *fixture, gconstpointer unused)
{
  int fds[2];

  fixture->n_fds = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->near = proc_channel_new (fds[0], FALSE, MAX_PAYLOAD);
  fixture->far = proc_channel_new (fds[1], FALSE, MAX_PAYLOAD);
  fixture->far_fd = -1;
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->near, proc_channel_free);
  g_clear_pointer (&fixture->far, proc_channel_free);
  proc_fd_clear (&fixture->far_fd);
  g_assert_cmpuint (count_fds (), ==, fixture->n_fds);
}

/* ---- messages ---- */

static ProcMessage *
new_run (guint64 id, GVariant *arguments)
{
  return proc_message_new (PROC_MESSAGE_RUN, id, g_variant_new_string ("function"), arguments);
}

static GVariant *
new_pattern (gsize size)
{
  guint8 *bytes = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    bytes[i] = i * 31 + i / 4096;
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

static void
assert_pattern (GVariant *value, gsize size)
{
  g_autoptr (GVariant) expected = g_variant_ref_sink (new_pattern (size));

  g_assert_cmpvariant (value, expected);
}

static void
queue (ProcChannel *channel, ProcMessage *owned)
{
  g_autoptr (ProcMessage) message = owned;
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_channel_queue (channel, message, -1, &error));
  g_assert_no_error (error);
}

static void
assert_flushed (ProcChannel *channel)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (proc_channel_flush (channel, &error), ==, PROC_CHANNEL_OK);
  g_assert_no_error (error);
  g_assert_false (proc_channel_has_output (channel));
}

static void
send_now (ProcChannel *channel, ProcMessage *owned)
{
  queue (channel, owned);
  assert_flushed (channel);
}

static ProcMessage *
receive (ProcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  ProcMessage *message;
  ProcChannelStatus status = proc_channel_receive (channel, &message, &error);

  g_assert_no_error (error);
  g_assert_cmpint (status, ==, PROC_CHANNEL_OK);
  return message;
}

static void
assert_received (ProcChannel *channel, guint64 id)
{
  g_autoptr (ProcMessage) message = receive (channel);

  g_assert_cmpuint (message->task_id, ==, id);
}

static void
assert_status (ProcChannel *channel, ProcChannelStatus expected)
{
  g_autoptr (GError) error = NULL;
  ProcMessage *message;
  ProcChannelStatus status = proc_channel_receive (channel, &message, &error);

  g_assert_no_error (error);
  g_assert_cmpint (status, ==, expected);
  g_assert_null (message);
}

/* Twice: a failure is final. */
static void
assert_fails (ProcChannel *channel, int code)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      ProcMessage *message;

      g_assert_cmpint (proc_channel_receive (channel, &message, &error), ==, PROC_CHANNEL_ERROR);
      g_assert_error (error, PROC_POOL_ERROR, code);
      g_assert_null (message);
      g_assert_true (proc_channel_has_input (channel));
      g_assert_false (proc_channel_is_mid_frame (channel));
    }
}

/* Both ends in turn, until a message has come through that is larger than the socket's buffer. */
static ProcMessage *
pump (ProcChannel *from, ProcChannel *to)
{
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      ProcMessage *message;
      ProcChannelStatus sent = proc_channel_flush (from, &error);
      ProcChannelStatus received;

      g_assert_no_error (error);
      received = proc_channel_receive (to, &message, &error);
      g_assert_no_error (error);
      if (received == PROC_CHANNEL_OK)
        return message;
      g_assert_cmpint (received, ==, PROC_CHANNEL_AGAIN);
      g_assert_true (sent == PROC_CHANNEL_AGAIN || proc_channel_is_mid_frame (to));
    }
}

static GByteArray *
to_bytes (ProcMessage *owned, gboolean memfd)
{
  g_autoptr (ProcMessage) message = owned;
  GByteArray *bytes = g_byte_array_new ();

  g_assert_true (proc_message_serialize (message, memfd, MAX_PAYLOAD, bytes, NULL));
  return bytes;
}

static void
write_bytes (int fd, const guint8 *bytes, gsize size)
{
  g_assert_cmpint (write (fd, bytes, size), ==, size);
}

/* ---- descriptors ---- */

/* A pipe, to tell one descriptor from another and an open one from a closed one. */
typedef struct
{
  int reading;
  int writing;
} Pipe;

static void
pipe_open (Pipe *self)
{
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  self->reading = fds[0];
  self->writing = fds[1];
}

/* Closes both ends, and says whether the writing end is open anywhere else. */
static gboolean
pipe_close (Pipe *self)
{
  char byte;
  gssize n_bytes;

  proc_fd_clear (&self->writing);
  n_bytes = read (self->reading, &byte, 1);
  proc_fd_clear (&self->reading);
  return n_bytes != 0;
}

static GUnixFDList *
new_list (int fd, guint n)
{
  GUnixFDList *list = g_unix_fd_list_new ();

  for (guint i = 0; i < n; i++)
    g_assert_cmpint (g_unix_fd_list_append (list, fd, NULL), >=, 0);
  return list;
}

/* Sends bytes with so many duplicates of @fd, without a channel. */
static void
send_with_fds (int socket, const guint8 *bytes, gsize size, int fd, guint n)
{
  union
  {
    char bytes[CMSG_SPACE (253 * sizeof (int))];
    struct cmsghdr align;
  } buffer = { 0 };
  struct iovec part = { (guint8 *) bytes, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &buffer, .msg_controllen = CMSG_SPACE (n * sizeof (int)) };
  struct cmsghdr *control = CMSG_FIRSTHDR (&message);

  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN (n * sizeof (int));
  for (guint i = 0; i < n; i++)
    memcpy (CMSG_DATA (control) + i * sizeof (int), &fd, sizeof (int));
  g_assert_cmpint (sendmsg (socket, &message, 0), ==, size);
}

/* Allows as many more descriptors as @n, and returns what to set the limit to afterwards. */
static struct rlimit
limit_fds (guint n)
{
  struct rlimit before;
  struct rlimit limit;
  g_autofree int *opened = g_new (int, n + 1);
  int highest;

  /* The limit is on the number, and there may be holes below: take the lowest free ones and see. */
  for (guint i = 0; i <= n; i++)
    opened[i] = dup (0);
  highest = opened[n];
  for (guint i = 0; i <= n; i++)
    proc_fd_close (opened[i]);

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = highest;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  return before;
}

/* ---- tests: messages ---- */

static void
test_round_trip (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new ("(si)", "text", 42));
  g_autoptr (ProcMessage) message = NULL;

  assert_status (fixture->far, PROC_CHANNEL_AGAIN);
  send_now (fixture->near, new_run (7, arguments));
  message = receive (fixture->far);
  g_assert_cmpint (message->type, ==, PROC_MESSAGE_RUN);
  g_assert_cmpuint (message->task_id, ==, 7);
  g_assert_cmpstr (g_variant_get_string (message->head, NULL), ==, "function");
  g_assert_cmpvariant (message->payload, arguments);
  g_assert_null (message->fds);
  assert_status (fixture->far, PROC_CHANNEL_AGAIN);

  /* And back. */
  send_now (fixture->far, proc_message_new (PROC_MESSAGE_RESULT, 7, NULL, NULL));
  assert_received (fixture->near, 7);
}

static void
test_many_at_once (Fixture *fixture, gconstpointer unused)
{
  const guint n_messages = 300;

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
test_full_socket (Fixture *fixture, gconstpointer unused)
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
test_one_byte_at_a_time (Fixture *fixture, gconstpointer unused)
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
test_frames_cut_anywhere (Fixture *fixture, gconstpointer unused)
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
test_large_inline (Fixture *fixture, gconstpointer unused)
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
test_announced_size_takes_no_memory (Fixture *fixture, gconstpointer unused)
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
test_unsendable_leaves_no_trace (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ProcMessage) odd = new_run (2, g_variant_new_from_data (G_VARIANT_TYPE_STRING, "abc", 3, FALSE, NULL, NULL));
  g_autoptr (ProcMessage) many = new_run (3, NULL);
  g_autoptr (GUnixFDList) list = new_list (0, PROC_FRAME_MAX_FDS + 1);
  g_autoptr (GError) error = NULL;

  queue (fixture->near, new_run (1, NULL));
  g_assert_false (proc_channel_queue (fixture->near, odd, -1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  g_clear_error (&error);
  many->fds = g_object_ref (list);
  g_assert_false (proc_channel_queue (fixture->near, many, -1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE);
  queue (fixture->near, new_run (4, NULL));

  assert_flushed (fixture->near);
  assert_received (fixture->far, 1);
  assert_received (fixture->far, 4);
  assert_status (fixture->far, PROC_CHANNEL_AGAIN);
}

/* ---- tests: memfds and descriptors ---- */

static void
test_memfd (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ProcMessage) message = NULL;
  guint n_fds = count_fds ();

  g_assert_true (proc_channel_uses_memfd (fixture->near, LARGE));
  send_now (fixture->near, new_run (1, new_pattern (LARGE)));
  send_now (fixture->near, new_run (2, g_variant_new_uint32 (2)));

  message = receive (fixture->far);
  g_assert_cmpuint (message->task_id, ==, 1);
  g_assert_null (message->fds);
  assert_pattern (message->payload, LARGE);
  assert_received (fixture->far, 2);

  /* The mapping needs no descriptor. */
  g_assert_cmpuint (count_fds (), ==, n_fds);
}

static void
test_memfd_made_before (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ProcMessage) sent = new_run (1, new_pattern (LARGE));
  g_autoptr (ProcMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  int memfd = proc_memfd_new_for_variant (sent->payload, NULL);

  g_assert_true (proc_channel_queue (fixture->near, sent, memfd, &error));
  assert_flushed (fixture->near);
  message = receive (fixture->far);
  assert_pattern (message->payload, LARGE);

  /* Taken, though the message isn't. */
  memfd = proc_memfd_new_for_variant (sent->payload, NULL);
  sent->fds = new_list (0, PROC_FRAME_MAX_FDS + 1);
  g_assert_false (proc_channel_queue (fixture->near, sent, memfd, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE);
  g_assert_cmpint (fcntl (memfd, F_GETFD), ==, -1);
}

static void
test_memfd_that_cannot_be_made (Fixture *fixture, gconstpointer unused)
{
  struct rlimit limit = limit_fds (0);
  g_autoptr (ProcMessage) message = NULL;

  queue (fixture->near, new_run (1, new_pattern (LARGE)));
  message = pump (fixture->near, fixture->far);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  assert_pattern (message->payload, LARGE);
}

static void
test_descriptors (Fixture *fixture, gconstpointer unused)
{
  /* So many, and with a payload in a memfd or not. */
  static const guint counts[] = { 1, 2, 0, 3, PROC_FRAME_MAX_FDS - 1, PROC_FRAME_MAX_FDS };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    for (guint large = 0; large <= 1; large++)
      {
        g_autoptr (ProcMessage) message = NULL;
        ProcMessage *sent = new_run (i, new_pattern (large ? LARGE : 100));
        gsize size = large ? LARGE : 100;
        Pipe pipe;
        int n_received = 0;

        pipe_open (&pipe);
        sent->fds = counts[i] > 0 ? new_list (pipe.writing, counts[i]) : NULL;
        queue (fixture->near, sent);
        message = pump (fixture->near, fixture->far);
        assert_pattern (message->payload, size);
        g_assert_cmpint (message->fds != NULL, ==, counts[i] > 0);
        if (message->fds != NULL)
          {
            const int *fds = g_unix_fd_list_peek_fds (message->fds, &n_received);

            for (int j = 0; j < n_received; j++)
              {
                char byte;

                g_assert_cmpint (fcntl (fds[j], F_GETFD), ==, FD_CLOEXEC);
                write_bytes (fds[j], (const guint8 *) "x", 1);
                g_assert_cmpint (read (pipe.reading, &byte, 1), ==, 1);
              }
          }
        g_assert_cmpint (n_received, ==, counts[i]);
        proc_message_free (g_steal_pointer (&message));
        g_assert_false (pipe_close (&pipe));
      }
}

/* Messages with and without descriptors in one go: each gets its own. */
static void
test_descriptors_in_order (Fixture *fixture, gconstpointer unused)
{
  Pipe pipes[20];

  for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
    {
      ProcMessage *sent = new_run (i, new_pattern (i % 3 == 1 ? LARGE : i * 100));

      pipe_open (&pipes[i]);
      if (i % 2 == 1)
        sent->fds = new_list (pipes[i].writing, i % 5 + 1);
      queue (fixture->near, sent);
    }
  assert_flushed (fixture->near);

  for (guint i = 0; i < G_N_ELEMENTS (pipes); i++)
    {
      g_autoptr (ProcMessage) message = receive (fixture->far);

      g_assert_cmpuint (message->task_id, ==, i);
      g_assert_cmpint (message->fds != NULL, ==, i % 2 == 1);
      if (message->fds != NULL)
        {
          const int *fds = g_unix_fd_list_peek_fds (message->fds, NULL);
          char byte;

          g_assert_cmpint (g_unix_fd_list_get_length (message->fds), ==, i % 5 + 1);
          write_bytes (fds[i % 5], (const guint8 *) "x", 1);
          g_assert_cmpint (read (pipes[i].reading, &byte, 1), ==, 1);
        }
      proc_message_free (g_steal_pointer (&message));
      g_assert_false (pipe_close (&pipes[i]));
    }
}

/* What becomes of the message's list after it is queued is of no account. */
static void
test_descriptors_are_the_channels_own (Fixture *fixture, gconstpointer unused)
{
  ProcMessage *sent = new_run (1, NULL);
  g_autoptr (GUnixFDList) list = NULL;
  g_autoptr (ProcMessage) message = NULL;
  Pipe pipe;
  int n_stolen;
  g_autofree int *stolen = NULL;

  pipe_open (&pipe);
  list = new_list (pipe.writing, 1);
  sent->fds = g_object_ref (list);
  queue (fixture->near, sent);
  stolen = g_unix_fd_list_steal_fds (list, &n_stolen);
  proc_fd_close (stolen[0]);

  assert_flushed (fixture->near);
  message = receive (fixture->far);
  g_assert_cmpint (g_unix_fd_list_get_length (message->fds), ==, 1);
  g_assert_true (pipe_close (&pipe));
}

static void
test_unsent_and_unread_descriptors_are_closed (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);
  ProcMessage *message = new_run (1, NULL);
  Pipe unsent;
  Pipe unread;
  guint8 two = 2;

  pipe_open (&unsent);
  pipe_open (&unread);
  message->fds = new_list (unsent.writing, 2);
  queue (fixture->near, message);

  /* Of a frame that never ends. */
  bytes->data[6] = two;
  send_with_fds (fixture->far_fd, bytes->data, bytes->len - 1, unread.writing, 2);
  assert_status (fixture->near, PROC_CHANNEL_AGAIN);

  g_clear_pointer (&fixture->near, proc_channel_free);
  g_assert_false (pipe_close (&unsent));
  g_assert_false (pipe_close (&unread));
}

static void
test_lost_descriptors (Fixture *fixture, gconstpointer unused)
{
  ProcMessage *sent;
  struct rlimit limit;
  Pipe pipe;

  pipe_open (&pipe);
  queue (fixture->near, new_run (1, NULL));
  sent = new_run (2, g_variant_new_uint32 (2));
  sent->fds = new_list (pipe.writing, 3);
  queue (fixture->near, sent);
  queue (fixture->near, new_run (3, new_pattern (LARGE)));
  queue (fixture->near, new_run (4, NULL));
  assert_flushed (fixture->near);

  /* Room for one of the three, and then not for the memfd. */
  limit = limit_fds (1);
  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr (ProcMessage) message = NULL;

      if (i == 3)
        {
          g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
          limit = limit_fds (0);
        }
      message = receive (fixture->far);
      g_assert_cmpuint (message->task_id, ==, i);
      g_assert_cmpint (message->fds_lost, ==, i > 1);
      g_assert_null (message->fds);
      g_assert_cmpint (message->payload != NULL, ==, i == 2);
    }
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_false (pipe_close (&pipe));

  /* The channel goes on. */
  assert_received (fixture->far, 4);
  send_now (fixture->near, new_run (5, new_pattern (LARGE)));
  assert_received (fixture->far, 5);
}

static void
test_no_descriptors_on_a_plain_stream (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ProcMessage) sent = new_run (1, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);
  Pipe pipe;

  sent->fds = new_list (0, 1);
  g_assert_false (proc_channel_queue (fixture->near, sent, -1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  g_assert_false (proc_channel_has_output (fixture->near));

  /* What comes unasked is gone at once. */
  pipe_open (&pipe);
  send_with_fds (proc_channel_get_fd (fixture->near), bytes->data, bytes->len, pipe.writing, 2);
  assert_received (fixture->far, 1);
  g_assert_false (pipe_close (&pipe));

  /* And must not be announced. */
  bytes->data[6] = 1;
  write_bytes (proc_channel_get_fd (fixture->near), bytes->data, bytes->len);
  assert_fails (fixture->far, PROC_POOL_ERROR_PROTOCOL);
}

/* ---- tests: ends ---- */

static void
test_end (Fixture *fixture, gconstpointer unused)
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
test_partial (Fixture *fixture, gconstpointer unused)
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
test_sending_to_nobody (Fixture *fixture, gconstpointer unused)
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
test_reset_is_an_end (Fixture *fixture, gconstpointer unused)
{
  send_now (fixture->near, new_run (2, NULL));
  g_clear_pointer (&fixture->far, proc_channel_free);
  assert_status (fixture->near, PROC_CHANNEL_END);
}

/* ---- tests: what a hostile peer sends ---- */

static void
test_garbage (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);

  write_bytes (fixture->far_fd, bytes->data, bytes->len);
  write_bytes (fixture->far_fd, (const guint8 *) "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35);
  assert_received (fixture->near, 1);
  assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);
}

static void
test_oversize (Fixture *fixture, gconstpointer unused)
{
  ProcFrameHeader header = { .type = PROC_MESSAGE_RESULT, .type_size = 2, .payload_size = MAX_PAYLOAD + 1 };
  guint8 bytes[PROC_FRAME_HEADER_SIZE];

  proc_frame_header_write (&header, bytes);
  write_bytes (fixture->far_fd, bytes, sizeof bytes);
  assert_fails (fixture->near, PROC_POOL_ERROR_TOO_LARGE);
}

static void
test_missing_descriptors (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);
  Pipe pipe;

  pipe_open (&pipe);
  bytes->data[6] = 3;
  send_with_fds (fixture->far_fd, bytes->data, bytes->len, pipe.writing, 2);
  assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);
  g_assert_false (pipe_close (&pipe));
}

static void
test_unannounced_descriptors (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);
  Pipe pipe;

  pipe_open (&pipe);
  send_with_fds (fixture->far_fd, bytes->data, bytes->len, pipe.writing, 2);
  assert_received (fixture->near, 1);
  assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);
  g_assert_false (pipe_close (&pipe));
}

static void
test_descriptor_flood (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, NULL), FALSE);
  Pipe pipe;

  /* One by one, within a frame that never ends. */
  pipe_open (&pipe);
  for (guint i = 0; i < 10; i++)
    send_with_fds (fixture->far_fd, bytes->data + i, 1, pipe.writing, 50);
  assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);

  /* Those that are still in the socket end with it. */
  g_clear_pointer (&fixture->near, proc_channel_free);
  g_assert_false (pipe_close (&pipe));
}

static void
test_bad_memfds (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, g_variant_new_string ("text")), TRUE);
  g_autoptr (GVariant) shorter = g_variant_ref_sink (g_variant_new_string ("tex"));
  g_autoptr (GVariant) not_normal = g_variant_ref_sink (g_variant_new_bytestring ("texts"));
  Pipe pipe;
  int bad[3];

  pipe_open (&pipe);
  bad[0] = dup (pipe.reading);
  g_assert_false (pipe_close (&pipe));
  bad[1] = proc_memfd_new_for_variant (shorter, NULL);
  bad[2] = proc_memfd_new_for_variant (not_normal, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      send_with_fds (fixture->far_fd, bytes->data, bytes->len, bad[i], 1);
      assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);
      proc_fd_close (bad[i]);
      tear_down (fixture, NULL);
      set_up_bare (fixture, NULL);
    }
}

/* ---- tests: not a socket ---- */

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
  Pipe pipe;

  pipe_open (&pipe);
  channel = proc_channel_new (proc_fd_steal (&pipe.writing), FALSE, MAX_PAYLOAD);
  proc_fd_close (pipe.reading);

  /* No SIGPIPE, which would end this process. */
  queue (channel, new_run (1, NULL));
  g_assert_cmpint (proc_channel_flush (channel, &error), ==, PROC_CHANNEL_ERROR);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
}

#define ADD(path, set_up, test) g_test_add ("/channel/" path, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("round-trip", set_up, test_round_trip);
  ADD ("many-at-once", set_up, test_many_at_once);
  ADD ("full-socket", set_up, test_full_socket);
  ADD ("one-byte", set_up_bare, test_one_byte_at_a_time);
  ADD ("frames-cut-anywhere", set_up_bare, test_frames_cut_anywhere);
  ADD ("large-inline", set_up_without_fds, test_large_inline);
  ADD ("announced-size-takes-no-memory", set_up_bare, test_announced_size_takes_no_memory);
  ADD ("unsendable-leaves-no-trace", set_up, test_unsendable_leaves_no_trace);

  ADD ("memfd/round-trip", set_up, test_memfd);
  ADD ("memfd/made-before", set_up, test_memfd_made_before);
  ADD ("memfd/cannot-be-made", set_up, test_memfd_that_cannot_be_made);
  ADD ("descriptors/round-trip", set_up, test_descriptors);
  ADD ("descriptors/in-order", set_up, test_descriptors_in_order);
  ADD ("descriptors/are-the-channels-own", set_up, test_descriptors_are_the_channels_own);
  ADD ("descriptors/closed-with-the-channel", set_up_bare, test_unsent_and_unread_descriptors_are_closed);
  ADD ("descriptors/lost", set_up, test_lost_descriptors);
  ADD ("descriptors/none-on-a-plain-stream", set_up_without_fds, test_no_descriptors_on_a_plain_stream);

  ADD ("end/between-frames", set_up, test_end);
  ADD ("end/partial", set_up_bare, test_partial);
  ADD ("end/sending-to-nobody", set_up, test_sending_to_nobody);
  ADD ("end/reset", set_up, test_reset_is_an_end);

  ADD ("hostile/garbage", set_up_bare, test_garbage);
  ADD ("hostile/oversize", set_up_bare, test_oversize);
  ADD ("hostile/missing-descriptors", set_up_bare, test_missing_descriptors);
  ADD ("hostile/unannounced-descriptors", set_up_bare, test_unannounced_descriptors);
  ADD ("hostile/descriptor-flood", set_up_bare, test_descriptor_flood);
  ADD ("hostile/bad-memfds", set_up_bare, test_bad_memfds);

  g_test_add_func ("/channel/not-a-socket/fifo", test_fifo);
  g_test_add_func ("/channel/not-a-socket/broken-pipe", test_broken_pipe);

  return g_test_run ();
}
