/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What host and template say to one another: these bytes, and nothing else is taken for it. */

#include "wire/fork-message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "testing.h"
#include "wire/byte-stream.h"

typedef struct
{
  int ends[2];
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, self->ends), ==, 0);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  proc_fd_clear (&self->ends[0]);
  proc_fd_clear (&self->ends[1]);
}

static void
send_bytes (Fixture *self, const void *bytes, gsize size, const int *fds, guint n_fds)
{
  const ProcByteStream stream = { .fd = self->ends[0], .is_socket = TRUE, .passes_fds = TRUE };

  g_assert_cmpint (proc_byte_stream_write (&stream, bytes, size, fds, n_fds), ==, size);
}

static const guint8 ended_bytes[] = {
  'P', 'R', 'F', '1', 5, 0, 0, 0,
  0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
  2, 0, 0, 0,
  11, 0, 0, 0,
};

static void
test_bytes (Fixture *self, gconstpointer unused)
{
  const ProcForkMessage message = { .type = PROC_FORK_ENDED, .id = G_GUINT64_CONSTANT (0x0102030405060708), .what = PROC_FORK_END_SIGNALED, .code = 11 };
  guint8 bytes[100];

  g_assert_cmpint (proc_fork_message_send (self->ends[0], &message), ==, PROC_CHANNEL_OK);
  g_assert_cmpint (read (self->ends[1], bytes, sizeof bytes), ==, sizeof ended_bytes);
  g_assert_cmpmem (bytes, sizeof ended_bytes, ended_bytes, sizeof ended_bytes);
}

static void
test_text (Fixture *self, gconstpointer unused)
{
  ProcForkMessage message = { .type = PROC_FORK_FAILED, .id = 7, .text = "too many threads: “gmain”" };
  ProcForkMessage received;

  g_assert_cmpint (proc_fork_message_send (self->ends[0], &message), ==, PROC_CHANNEL_OK);
  memset (message.text, 'x', PROC_FORK_MAX_TEXT);
  g_assert_cmpint (proc_fork_message_send (self->ends[0], &message), ==, PROC_CHANNEL_OK);

  g_assert_cmpint (proc_fork_message_receive (self->ends[1], &received), ==, PROC_CHANNEL_OK);
  g_assert_cmpint (received.type, ==, PROC_FORK_FAILED);
  g_assert_cmpuint (received.id, ==, 7);
  g_assert_cmpstr (received.text, ==, "too many threads: “gmain”");
  g_assert_cmpint (proc_fork_message_receive (self->ends[1], &received), ==, PROC_CHANNEL_OK);
  g_assert_cmpuint (strlen (received.text), ==, PROC_FORK_MAX_TEXT);
  g_assert_cmpint (proc_fork_message_receive (self->ends[1], &received), ==, PROC_CHANNEL_AGAIN);
}

static void
test_descriptors (Fixture *self, gconstpointer unused)
{
  const ProcForkMessage message = { .type = PROC_FORK_REQUEST, .id = 1, .what = PROC_FORK_STDERR, .fds = { 0, 1 }, .n_fds = 2 };
  ProcForkMessage received;

  g_assert_cmpint (proc_fork_message_send (self->ends[0], &message), ==, PROC_CHANNEL_OK);
  g_assert_cmpint (proc_fork_message_receive (self->ends[1], &received), ==, PROC_CHANNEL_OK);
  g_assert_cmpuint (received.what, ==, PROC_FORK_STDERR);
  g_assert_cmpuint (received.n_fds, ==, 2);
  g_assert_cmpint (fcntl (received.fds[0], F_GETFD) & FD_CLOEXEC, !=, 0);
  proc_fork_message_close_fds (&received);
  g_assert_cmpuint (received.n_fds, ==, 0);
}

static void
test_end (Fixture *self, gconstpointer unused)
{
  const ProcForkMessage message = { .type = PROC_FORK_FINISH };
  ProcForkMessage received;

  proc_fd_clear (&self->ends[0]);
  g_assert_cmpint (proc_fork_message_receive (self->ends[1], &received), ==, PROC_CHANNEL_END);
  g_assert_cmpint (proc_fork_message_send (self->ends[1], &message), ==, PROC_CHANNEL_END);
}

/* None of it is taken, and no descriptor stays behind. */
static void
test_nonsense (Fixture *self, gconstpointer unused)
{
  const int fds[] = { 0, 0, 0, 0, 0 };
  const guint n_fds = test_count_fds ();
  guint8 bytes[sizeof ended_bytes + PROC_FORK_MAX_TEXT + 1];
  ProcForkMessage received;
  const struct
  {
    guint position;
    guint8 byte;
    gsize size;
    guint n_fds;
  } cases[] = {
    { 0, 'p', sizeof ended_bytes, 0 },     /* another magic */
    { 6, 1, sizeof ended_bytes, 0 },       /* not zero */
    { 4, 0, sizeof ended_bytes, 0 },       /* unknown types */
    { 4, 6, sizeof ended_bytes, 0 },
    { 4, 1, sizeof ended_bytes, 0 },       /* a request without a channel */
    { 4, 1, sizeof ended_bytes, 1 },       /* … and without the output that it announces */
    { 4, 5, sizeof ended_bytes, 1 },       /* descriptors that have no place there */
    { 4, 3, sizeof ended_bytes, 2 },
    { 4, 1, sizeof ended_bytes, 5 },
    { 4, 5, sizeof ended_bytes - 1, 0 },   /* cut */
    { 4, 5, 1, 0 },
    { 4, 5, sizeof bytes, 0 },             /* too long */
    { 24, 0xff, sizeof ended_bytes + 1, 0 }, /* not UTF-8 */
    { 24, 0, sizeof ended_bytes + 1, 0 },  /* a NUL */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      memset (bytes, 'x', sizeof bytes);
      memcpy (bytes, ended_bytes, sizeof ended_bytes);
      bytes[cases[i].position] = cases[i].byte;
      send_bytes (self, bytes, cases[i].size, fds, cases[i].n_fds);
      g_assert_cmpint (proc_fork_message_receive (self->ends[1], &received), ==, PROC_CHANNEL_ERROR);
      g_assert_cmpuint (test_count_fds (), ==, n_fds);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/fork-message/bytes", Fixture, NULL, set_up, test_bytes, tear_down);
  g_test_add ("/fork-message/text", Fixture, NULL, set_up, test_text, tear_down);
  g_test_add ("/fork-message/descriptors", Fixture, NULL, set_up, test_descriptors, tear_down);
  g_test_add ("/fork-message/end", Fixture, NULL, set_up, test_end, tear_down);
  g_test_add ("/fork-message/nonsense", Fixture, NULL, set_up, test_nonsense, tear_down);

  return g_test_run ();
}
