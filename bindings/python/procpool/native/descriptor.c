/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "descriptor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "generation.h"

gboolean
procpool_descriptor_open (Descriptor *self)
{
  *self = (Descriptor) { epoll_create1 (EPOLL_CLOEXEC), NULL, 0, procpool_generation_get () };

  if (self->epoll_fd < 0)
    PyErr_SetFromErrno (PyExc_OSError);
  return self->epoll_fd >= 0;
}

void
procpool_descriptor_close (Descriptor *self)
{
  if (self->epoll_fd >= 0)
    close (self->epoll_fd);
  self->epoll_fd = -1;
  g_clear_pointer (&self->watched, g_free);
  self->n_watched = 0;
}

/* What epoll watches is shared by a fork and its parent: each would be woken by what is the other's. */
int
procpool_descriptor_get (Descriptor *self)
{
  int fresh;

  if (self->generation == procpool_generation_get ())
    return self->epoll_fd;

  self->generation = procpool_generation_get ();
  g_clear_pointer (&self->watched, g_free);
  self->n_watched = 0;
  fresh = epoll_create1 (EPOLL_CLOEXEC);
  if (fresh >= 0)
    {
      dup3 (fresh, self->epoll_fd, O_CLOEXEC);
      close (fresh);
    }
  return self->epoll_fd;
}

static gboolean
is_same (const Descriptor *self, const GPollFD *fds, guint n_fds)
{
  if (self->n_watched != n_fds)
    return FALSE;

  for (guint i = 0; i < n_fds; i++)
    {
      if (self->watched[i].fd != fds[i].fd || self->watched[i].events != fds[i].events)
        return FALSE;
    }
  return TRUE;
}

/* The conditions of poll() and of epoll are the same bits. */
static void
add (Descriptor *self, const GPollFD *fd)
{
  struct epoll_event event = { .events = fd->events, .data.fd = fd->fd };

  /* Listed twice, by two sources: the second only adds its conditions. */
  if (epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd->fd, &event) != 0)
    {
      for (guint i = 0; i < self->n_watched; i++)
        {
          if (self->watched[i].fd == fd->fd)
            event.events |= self->watched[i].events;
        }
      epoll_ctl (self->epoll_fd, EPOLL_CTL_MOD, fd->fd, &event);
    }
}

void
procpool_descriptor_watch (Descriptor *self, const GPollFD *fds, guint n_fds)
{
  procpool_descriptor_get (self);
  if (is_same (self, fds, n_fds))
    return;

  /* One that was closed meanwhile has left by itself. */
  for (guint i = 0; i < self->n_watched; i++)
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, self->watched[i].fd, NULL);

  g_free (self->watched);
  self->watched = g_memdup2 (fds, n_fds * sizeof *fds);
  self->n_watched = n_fds;
  for (guint i = 0; i < n_fds; i++)
    add (self, &fds[i]);
}
