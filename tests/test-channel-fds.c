/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "channel-fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "wire/memfd.h"

/* ---- descriptors to tell by ---- */

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

/* ---- payloads in memfds, and descriptors of messages ---- */

static void
test_memfd (ChannelFixture *fixture, gconstpointer unused)
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

  /* For when it is sent on. */
  g_assert_cmpuint (count_fds (), ==, n_fds + 1);
  g_clear_pointer (&message, proc_message_free);
  g_assert_cmpuint (count_fds (), ==, n_fds);
}

static void
test_memfd_made_before (ChannelFixture *fixture, gconstpointer unused)
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
test_memfd_of_a_value_nobody_takes (ChannelFixture *fixture, gconstpointer unused)
{
  g_autofree guint8 *zeros = g_malloc0 (LARGE);
  g_autoptr (ProcMessage) message = new_run (1, g_variant_new_from_data (G_VARIANT_TYPE_STRING_ARRAY, zeros, LARGE, FALSE, NULL, NULL));
  g_autoptr (GError) error = NULL;

  g_assert_false (proc_channel_queue (fixture->near, message, -1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  g_assert_false (proc_channel_has_output (fixture->near));
}

static void
test_memfd_that_cannot_be_made (ChannelFixture *fixture, gconstpointer unused)
{
  struct rlimit limit = limit_fds (0);
  g_autoptr (ProcMessage) message = NULL;

  queue (fixture->near, new_run (1, new_pattern (LARGE)));
  message = pump (fixture->near, fixture->far);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  assert_pattern (message->payload, LARGE);
}

static void
test_descriptors (ChannelFixture *fixture, gconstpointer unused)
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
test_descriptors_in_order (ChannelFixture *fixture, gconstpointer unused)
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
test_descriptors_are_the_channels_own (ChannelFixture *fixture, gconstpointer unused)
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
test_no_room_to_queue_descriptors (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (ProcMessage) message = new_run (1, NULL);
  g_autoptr (GError) error = NULL;
  struct rlimit limit;
  gboolean queued;

  message->fds = new_list (0, 3);
  limit = limit_fds (2);
  queued = proc_channel_queue (fixture->near, message, -1, &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);

  g_assert_false (queued);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  g_assert_false (proc_channel_has_output (fixture->near));
  send_now (fixture->near, new_run (2, NULL));
  assert_received (fixture->far, 2);
}

static void
test_unsent_and_unread_descriptors_are_closed (ChannelFixture *fixture, gconstpointer unused)
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
test_lost_descriptors (ChannelFixture *fixture, gconstpointer unused)
{
  ProcMessage *sent;
  struct rlimit limit;
  Pipe pipe;
  const char *preload = g_getenv ("LD_PRELOAD");

  if (preload != NULL && strstr (preload, "vgpreload") != NULL)
    {
      g_test_skip ("valgrind doesn't apply the limit to descriptors that are received");
      return;
    }

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
test_no_descriptors_on_a_plain_stream (ChannelFixture *fixture, gconstpointer unused)
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

/* ---- what a hostile peer sends ---- */

static void
test_missing_descriptors (ChannelFixture *fixture, gconstpointer unused)
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
test_unannounced_descriptors (ChannelFixture *fixture, gconstpointer unused)
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
test_descriptor_flood (ChannelFixture *fixture, gconstpointer unused)
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
test_bad_memfds (ChannelFixture *fixture, gconstpointer unused)
{
  g_autoptr (GByteArray) bytes = to_bytes (new_run (1, g_variant_new_string ("text")), TRUE);
  g_autoptr (GVariant) shorter = g_variant_ref_sink (g_variant_new_string ("tex"));
  g_autoptr (GVariant) not_normal = g_variant_ref_sink (g_variant_new_bytestring ("texts"));

  /* A pipe, a memfd that is too short, and one with something else in it. */
  for (guint i = 0; i < 3; i++)
    {
      Pipe pipe;
      int bad = i == 1 ? proc_memfd_new_for_variant (shorter, NULL) : proc_memfd_new_for_variant (not_normal, NULL);

      pipe_open (&pipe);
      send_with_fds (fixture->far_fd, bytes->data, bytes->len, i == 0 ? pipe.reading : bad, 1);
      assert_fails (fixture->near, PROC_POOL_ERROR_PROTOCOL);
      proc_fd_close (bad);
      g_assert_false (pipe_close (&pipe));
      tear_down (fixture, NULL);
      set_up_bare (fixture, NULL);
    }
}

#define ADD(path, set_up, test) g_test_add ("/channel/" path, ChannelFixture, NULL, set_up, test, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("memfd/round-trip", set_up, test_memfd);
  ADD ("memfd/made-before", set_up, test_memfd_made_before);
  ADD ("memfd/value-nobody-takes", set_up, test_memfd_of_a_value_nobody_takes);
  ADD ("memfd/cannot-be-made", set_up, test_memfd_that_cannot_be_made);
  ADD ("descriptors/round-trip", set_up, test_descriptors);
  ADD ("descriptors/in-order", set_up, test_descriptors_in_order);
  ADD ("descriptors/are-the-channels-own", set_up, test_descriptors_are_the_channels_own);
  ADD ("descriptors/no-room-to-queue", set_up, test_no_room_to_queue_descriptors);
  ADD ("descriptors/closed-with-the-channel", set_up_bare, test_unsent_and_unread_descriptors_are_closed);
  ADD ("descriptors/lost", set_up, test_lost_descriptors);
  ADD ("descriptors/none-on-a-plain-stream", set_up_without_fds, test_no_descriptors_on_a_plain_stream);
  ADD ("hostile/missing-descriptors", set_up_bare, test_missing_descriptors);
  ADD ("hostile/unannounced-descriptors", set_up_bare, test_unannounced_descriptors);
  ADD ("hostile/descriptor-flood", set_up_bare, test_descriptor_flood);
  ADD ("hostile/bad-memfds", set_up_bare, test_bad_memfds);

  return g_test_run ();
}
