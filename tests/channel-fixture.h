/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/channel.h"

/* What the tests of the channel share. */

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
} ChannelFixture;

static inline guint
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

static inline void
set_up (ChannelFixture *fixture, gconstpointer unused)
{
  int fds[2];

  fixture->n_fds = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->near = proc_channel_new (fds[0], TRUE, MAX_PAYLOAD);
  fixture->far = proc_channel_new (fds[1], TRUE, MAX_PAYLOAD);
  fixture->far_fd = -1;
}

static inline void
set_up_bare (ChannelFixture *fixture, gconstpointer unused)
{
  int fds[2];

  fixture->n_fds = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->near = proc_channel_new (fds[0], TRUE, MAX_PAYLOAD);
  fixture->far_fd = fds[1];
}

static inline void
set_up_without_fds (ChannelFixture *fixture, gconstpointer unused)
{
  int fds[2];

  fixture->n_fds = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->near = proc_channel_new (fds[0], FALSE, MAX_PAYLOAD);
  fixture->far = proc_channel_new (fds[1], FALSE, MAX_PAYLOAD);
  fixture->far_fd = -1;
}

static inline void
tear_down (ChannelFixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->near, proc_channel_free);
  g_clear_pointer (&fixture->far, proc_channel_free);
  proc_fd_clear (&fixture->far_fd);
  g_assert_cmpuint (count_fds (), ==, fixture->n_fds);
}

/* ---- messages ---- */

static inline ProcMessage *
new_run (guint64 id, GVariant *arguments)
{
  return proc_message_new_run (id, "function", arguments);
}

static inline GVariant *
new_pattern (gsize size)
{
  guint8 *bytes = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    bytes[i] = i * 31 + i / 4096;
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

static inline void
assert_pattern (GVariant *value, gsize size)
{
  g_autoptr (GVariant) expected = g_variant_ref_sink (new_pattern (size));

  g_assert_cmpvariant (value, expected);
}

static inline void
queue (ProcChannel *channel, ProcMessage *owned)
{
  g_autoptr (ProcMessage) message = owned;
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_channel_queue (channel, message, -1, &error));
  g_assert_no_error (error);
}

static inline void
assert_flushed (ProcChannel *channel)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (proc_channel_flush (channel, &error), ==, PROC_CHANNEL_OK);
  g_assert_no_error (error);
  g_assert_false (proc_channel_has_output (channel));
}

static inline void
send_now (ProcChannel *channel, ProcMessage *owned)
{
  queue (channel, owned);
  assert_flushed (channel);
}

/* Without waiting for the descriptor, and therefore twice: the first time AGAIN may be from memory. */
static inline ProcChannelStatus
receive_now (ProcChannel *channel, ProcMessage **message, GError **error)
{
  ProcChannelStatus status = proc_channel_receive (channel, message, error);

  return status == PROC_CHANNEL_AGAIN ? proc_channel_receive (channel, message, error) : status;
}

static inline ProcMessage *
receive (ProcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  ProcMessage *message;
  ProcChannelStatus status = receive_now (channel, &message, &error);

  g_assert_no_error (error);
  g_assert_cmpint (status, ==, PROC_CHANNEL_OK);
  return message;
}

static inline void
assert_received (ProcChannel *channel, guint64 id)
{
  g_autoptr (ProcMessage) message = receive (channel);

  g_assert_cmpuint (message->task_id, ==, id);
}

static inline void
assert_status (ProcChannel *channel, ProcChannelStatus expected)
{
  g_autoptr (GError) error = NULL;
  ProcMessage *message;
  ProcChannelStatus status = receive_now (channel, &message, &error);

  g_assert_no_error (error);
  g_assert_cmpint (status, ==, expected);
  g_assert_null (message);
}

/* Twice: a failure is final. */
static inline void
assert_fails (ProcChannel *channel, int code)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      ProcMessage *message;

      g_assert_cmpint (receive_now (channel, &message, &error), ==, PROC_CHANNEL_ERROR);
      g_assert_error (error, PROC_POOL_ERROR, code);
      g_assert_null (message);
      g_assert_true (proc_channel_has_input (channel));
      g_assert_false (proc_channel_is_mid_frame (channel));
    }
}

/* Both ends in turn, until a message has come through that is larger than the socket's buffer. */
static inline ProcMessage *
pump (ProcChannel *from, ProcChannel *to)
{
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      ProcMessage *message;
      ProcChannelStatus sent = proc_channel_flush (from, &error);
      ProcChannelStatus received;

      g_assert_no_error (error);
      received = receive_now (to, &message, &error);
      g_assert_no_error (error);
      if (received == PROC_CHANNEL_OK)
        return message;
      g_assert_cmpint (received, ==, PROC_CHANNEL_AGAIN);
      g_assert_true (sent == PROC_CHANNEL_AGAIN || proc_channel_is_mid_frame (to));
    }
}

static inline GByteArray *
to_bytes (ProcMessage *owned, gboolean memfd)
{
  g_autoptr (ProcMessage) message = owned;
  GByteArray *bytes = g_byte_array_new ();

  g_assert_true (proc_message_serialize (message, memfd, NULL, MAX_PAYLOAD, bytes, NULL));
  return bytes;
}

static inline void
write_bytes (int fd, const guint8 *bytes, gsize size)
{
  g_assert_cmpint (write (fd, bytes, size), ==, size);
}
