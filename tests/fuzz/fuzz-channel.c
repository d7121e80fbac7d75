/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A whole channel, through a socket pair. Input: a byte with the size of the pieces in which the rest is
 * written, a byte with the number of descriptors that each piece has, in bits what channel it is and which descriptor is
 * the first, then what is written.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "wire/channel.h"
#include "wire/memfd.h"

#define MAX_PAYLOAD (64 * 1024)
#define MAX_FDS 4

#define NO_FDS 0x80
#define LENDS 0x40
#define LENT_FIRST 0x20

/* What the other side sends: a good memfd, what isn't one, and what it was lent, if it was. */
static int memfd = -1;
static int device;
static int lent;

static void
open_fds (ProcChannel *channel, guint8 options)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string ("text"));

  if (memfd < 0)
    {
      memfd = proc_memfd_new_for_variant (value, NULL);
      device = open ("/dev/null", O_RDWR | O_CLOEXEC);
    }
  if (options & LENDS)
    proc_channel_lend (channel);
  if (proc_channel_get_lending (channel))
    lent = proc_lending_lend (proc_channel_get_lending (channel), value, NULL);
  else
    lent = dup (device);
}

static void
get_fds (int fds[MAX_FDS], gboolean lent_first)
{
  fds[0] = lent_first ? lent : memfd;
  fds[1] = device;
  fds[2] = lent_first ? memfd : lent;
  fds[3] = device;
}

static void
write_piece (int fd, const guint8 *bytes, gsize size, guint n_fds, gboolean lent_first)
{
  union
  {
    char bytes[CMSG_SPACE (MAX_FDS * sizeof (int))];
    struct cmsghdr align;
  } buffer = { 0 };
  struct iovec part = { (guint8 *) bytes, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  int fds[MAX_FDS];

  if (n_fds > 0)
    {
      struct cmsghdr *control = &buffer.align;

      get_fds (fds, lent_first);
      message.msg_control = &buffer;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      control->cmsg_level = SOL_SOCKET;
      control->cmsg_type = SCM_RIGHTS;
      control->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
      memcpy (CMSG_DATA (control), fds, n_fds * sizeof (int));
    }
  g_assert_true (sendmsg (fd, &message, MSG_NOSIGNAL) == (gssize) size);
}

/* FALSE at the end. Until AGAIN has come twice: the first time may be from memory. */
static gboolean
drain (ProcChannel *channel)
{
  for (guint n_again = 0; n_again < 2;)
    {
      g_autoptr (ProcMessage) message = NULL;
      g_autoptr (GError) error = NULL;
      ProcChannelStatus status = proc_channel_receive (channel, &message, &error);

      g_assert_true ((message != NULL) == (status == PROC_CHANNEL_OK));
      g_assert_true ((error != NULL) == (status == PROC_CHANNEL_ERROR));
      if (status == PROC_CHANNEL_END || status == PROC_CHANNEL_ERROR)
        return FALSE;

      n_again = status == PROC_CHANNEL_AGAIN ? n_again + 1 : 0;
      g_assert_false (status == PROC_CHANNEL_AGAIN && proc_channel_has_input (channel));
    }
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  ProcChannel *channel;
  gsize piece_size;
  guint n_fds;
  int fds[2];

  if (size < 2 || size > 32 * 1024)
    return 0;
  piece_size = data[0] == 0 ? size : data[0];
  n_fds = (data[1] & 0x1f) % (MAX_FDS + 1);

  g_assert_true (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  channel = proc_channel_new (fds[0], !(data[1] & NO_FDS), MAX_PAYLOAD);
  open_fds (channel, data[1]);

  for (gsize offset = 2; offset < size; offset += piece_size)
    {
      write_piece (fds[1], data + offset, MIN (piece_size, size - offset), n_fds, (data[1] & LENT_FIRST) != 0);
      if (!drain (channel))
        break;
    }
  proc_fd_close (fds[1]);
  g_assert_false (drain (channel));
  proc_fd_clear (&lent);

  proc_channel_free (channel);
  return 0;
}
