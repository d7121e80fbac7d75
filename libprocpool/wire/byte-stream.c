/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/byte-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The kernel's own limit for one message, SCM_MAX_FD: with room for as many, descriptors are dropped
 * only where this process can't have them.
 */
#define KERNEL_MAX_FDS 253

typedef union
{
  char bytes[CMSG_SPACE (KERNEL_MAX_FDS * sizeof (int))];
  struct cmsghdr align;
} ControlBuffer;

void
proc_byte_stream_init (ProcByteStream *self, int fd, gboolean passes_fds)
{
  int type;
  socklen_t size = sizeof type;
  int flags = fcntl (fd, F_GETFL);

  self->fd = fd;
  self->is_socket = getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  self->passes_fds = passes_fds && self->is_socket;

  if (flags >= 0 && !(flags & O_NONBLOCK))
    fcntl (fd, F_SETFL, flags | O_NONBLOCK);
}

static void
collect_fds (struct msghdr *message, GArray *fds)
{
  for (struct cmsghdr *control = CMSG_FIRSTHDR (message); control != NULL; control = CMSG_NXTHDR (message, control))
    {
      gsize size;
      guint before = fds->len;

      if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
        continue;

      size = control->cmsg_len - CMSG_LEN (0);
      g_array_set_size (fds, before + size / sizeof (int));
      memcpy (&g_array_index (fds, int, before), CMSG_DATA (control), size / sizeof (int) * sizeof (int));
    }
}

static gssize
receive_message (const ProcByteStream *self, guint8 *buffer, gsize size, GArray *fds, gboolean *fds_lost)
{
  ControlBuffer control;
  struct iovec part = { buffer, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  gssize n_bytes;

  /* Without room for descriptors the kernel throws away all that come. */
  if (self->passes_fds)
    {
      message.msg_control = &control;
      message.msg_controllen = sizeof control;
    }

  do
    n_bytes = recvmsg (self->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n_bytes < 0 && errno == EINTR);

  if (n_bytes >= 0 && self->passes_fds)
    {
      collect_fds (&message, fds);
      if (message.msg_flags & MSG_CTRUNC)
        *fds_lost = TRUE;
    }
  return n_bytes;
}

gssize
proc_byte_stream_read (const ProcByteStream *self, guint8 *buffer, gsize size, GArray *fds, gboolean *fds_lost)
{
  gssize n_bytes;

  if (self->is_socket)
    return receive_message (self, buffer, size, fds, fds_lost);

  do
    n_bytes = read (self->fd, buffer, size);
  while (n_bytes < 0 && errno == EINTR);

  return n_bytes;
}

static gssize
send_message (const ProcByteStream *self, const guint8 *bytes, gsize size, const int *fds, guint n_fds)
{
  ControlBuffer buffer;
  struct iovec part = { (guint8 *) bytes, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  gssize n_bytes;

  if (n_fds > 0)
    {
      struct cmsghdr *control;

      g_assert (n_fds <= KERNEL_MAX_FDS);
      message.msg_control = &buffer;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      memset (&buffer, 0, message.msg_controllen);
      control = CMSG_FIRSTHDR (&message);
      control->cmsg_level = SOL_SOCKET;
      control->cmsg_type = SCM_RIGHTS;
      control->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
      memcpy (CMSG_DATA (control), fds, n_fds * sizeof (int));
    }

  do
    n_bytes = sendmsg (self->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n_bytes < 0 && errno == EINTR);

  return n_bytes;
}

/* Only sockets can be told to raise no SIGPIPE: here it is blocked for the while, and taken out of the
 * pending ones if it is ours.
 */
static gssize
write_without_signal (int fd, const guint8 *bytes, gsize size)
{
  sigset_t pipe_signal, before, pending;
  gboolean was_pending;
  gssize n_bytes;
  int saved_errno;

  sigemptyset (&pipe_signal);
  sigaddset (&pipe_signal, SIGPIPE);
  sigpending (&pending);
  was_pending = sigismember (&pending, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_signal, &before);

  do
    n_bytes = write (fd, bytes, size);
  while (n_bytes < 0 && errno == EINTR);

  saved_errno = errno;
  if (n_bytes < 0 && saved_errno == EPIPE && !was_pending)
    {
      const struct timespec at_once = { 0, 0 };

      while (sigtimedwait (&pipe_signal, NULL, &at_once) < 0 && errno == EINTR)
        ;
    }
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = saved_errno;

  return n_bytes;
}

gssize
proc_byte_stream_write (const ProcByteStream *self, const guint8 *bytes, gsize size, const int *fds, guint n_fds)
{
  if (self->is_socket)
    return send_message (self, bytes, size, fds, n_fds);

  return write_without_signal (self->fd, bytes, size);
}
