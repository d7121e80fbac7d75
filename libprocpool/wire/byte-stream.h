/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The system calls of a channel: bytes, and descriptors along with them, over a non-blocking descriptor.
 * Sockets by sendmsg() and recvmsg(), anything else, which passes no descriptors, by write() and read().
 */
typedef struct
{
  int fd; /* borrowed */
  gboolean is_socket;
  gboolean passes_fds;
} ProcByteStream;

/* Makes @fd non-blocking. */
void proc_byte_stream_init (ProcByteStream *self, int fd, gboolean passes_fds);

/* Reads once. Returns the number of bytes, 0 at the end, or -1 with errno set. Descriptors (close-on-exec)
 * are appended to @fds; @fds_lost is set, and never unset, if the kernel had to drop some.
 */
gssize proc_byte_stream_read (const ProcByteStream *self, guint8 *buffer, gsize size, GArray *fds, gboolean *fds_lost);

/* Writes once, without a SIGPIPE. Returns the number of bytes, or -1 with errno set. The @fds, borrowed,
 * have been sent if any byte has.
 */
gssize proc_byte_stream_write (const ProcByteStream *self, const guint8 *bytes, gsize size, const int *fds, guint n_fds);
