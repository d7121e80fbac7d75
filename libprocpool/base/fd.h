/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <unistd.h>

/* An owned file descriptor: `g_auto(ProcFd) fd = -1;` closes it at the end of the scope, and
 * proc_fd_steal() hands it over.
 */
typedef int ProcFd;

static inline void
proc_fd_close (int fd)
{
  /* Not g_close(): its errors have no reader, and Linux frees the number even on EINTR. */
  if (fd >= 0)
    close (fd);
}

static inline int
proc_fd_steal (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

static inline void
proc_fd_clear (int *fd)
{
  proc_fd_close (proc_fd_steal (fd));
}

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (ProcFd, proc_fd_close, -1)
