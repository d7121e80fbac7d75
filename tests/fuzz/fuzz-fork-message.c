/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a template says to its host. Input: the bytes of one packet, sent as they are; what is understood is sent back
 * and must be understood as the same.
 */

#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "wire/fork-message.h"

static gboolean
receive_packet (const int sockets[2], const guint8 *data, gsize size, ProcForkMessage *message)
{
  if (size == 0 || send (sockets[0], data, size, MSG_DONTWAIT) != (gssize) size)
    return FALSE;

  return proc_fork_message_receive (sockets[1], message) == PROC_CHANNEL_OK;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static int sockets[2] = { -1, -1 };
  ProcForkMessage message;
  ProcForkMessage again;

  if (sockets[0] < 0)
    g_assert_no_errno (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets));

  if (!receive_packet (sockets, data, size, &message))
    return 0;

  g_assert_cmpuint (message.n_fds, ==, 0);
  g_assert_cmpint (message.type, >=, PROC_FORK_REQUEST);
  g_assert_cmpint (message.type, <=, PROC_FORK_ENDED);
  g_assert_true (g_utf8_validate (message.text, -1, NULL));

  g_assert_cmpint (proc_fork_message_send (sockets[0], &message), ==, PROC_CHANNEL_OK);
  g_assert_cmpint (proc_fork_message_receive (sockets[1], &again), ==, PROC_CHANNEL_OK);
  g_assert_cmpint (again.type, ==, message.type);
  g_assert_cmpuint (again.id, ==, message.id);
  g_assert_cmpuint (again.what, ==, message.what);
  g_assert_cmpuint (again.code, ==, message.code);
  g_assert_cmpstr (again.text, ==, message.text);

  return 0;
}
