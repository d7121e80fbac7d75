/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "poll.h"

#include <errno.h>
#include <poll.h>

/* GLib's own default casts in the same way: the two structures are alike. */
G_STATIC_ASSERT (sizeof (GPollFD) == sizeof (struct pollfd));

gint
procpool_poll (GPollFD *fds, guint n_fds, gint timeout)
{
  int saved_errno;
  int n_ready;

  if (timeout == 0)
    return poll ((struct pollfd *) fds, n_fds, 0);

  Py_BEGIN_ALLOW_THREADS
  n_ready = poll ((struct pollfd *) fds, n_fds, timeout);
  saved_errno = errno;
  Py_END_ALLOW_THREADS

  /* A handler in Python runs here at the latest. What it raises between two functions has nobody to go to. */
  if (n_ready < 0 && saved_errno == EINTR && PyErr_CheckSignals () != 0)
    PyErr_Clear ();

  errno = saved_errno;
  return n_ready;
}
