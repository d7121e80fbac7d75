/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/mark.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* A cut would end with SIGBUS who looks. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* The mapping itself. All atomic; each side writes a cache line of its own. */
struct _ProcMark
{
  struct
  {
    guint64 n_sent;
    guint64 spare;
    guint64 padding[6];
  } host;
  struct
  {
    guint64 n_sent;
    guint64 id;
    guint64 padding[6];
  } helper;
};

#define SIZE sizeof (ProcMark)

static ProcMark *
map (int fd)
{
  void *address = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  return address != MAP_FAILED ? address : NULL;
}

/* Beyond it the system sends SIGXFSZ, which ends a process that doesn't expect it. */
static gboolean
may_write (void)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= SIZE;
}

ProcMark *
proc_mark_new (int *fd)
{
  g_auto (ProcFd) memory = memfd_create ("procpool-mark", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const ProcMark unset = { .helper.id = PROC_MARK_UNSET };
  ProcMark *self;

  if (memory < 0 || !may_write () || write (memory, &unset, sizeof unset) != sizeof unset || fcntl (memory, F_ADD_SEALS, SEALS) != 0)
    return NULL;

  self = map (memory);
  if (self != NULL)
    *fd = proc_fd_steal (&memory);

  return self;
}

ProcMark *
proc_mark_map (int fd)
{
  struct stat status;

  if (fstat (fd, &status) != 0 || status.st_size != SIZE || (fcntl (fd, F_GET_SEALS) & SEALS) != SEALS)
    return NULL;

  return map (fd);
}

void
proc_mark_free (ProcMark *self)
{
  munmap (self, SIZE);
}

void
proc_mark_set (ProcMark *self, guint64 id)
{
  __atomic_store_n (&self->helper.id, id, __ATOMIC_RELEASE);
}

guint64
proc_mark_get (ProcMark *self)
{
  return __atomic_load_n (&self->helper.id, __ATOMIC_ACQUIRE);
}

void
proc_mark_set_spare (ProcMark *self, gboolean spare)
{
  __atomic_store_n (&self->host.spare, spare ? 1 : 0, __ATOMIC_RELAXED);
}

gboolean
proc_mark_get_spare (ProcMark *self)
{
  return __atomic_load_n (&self->host.spare, __ATOMIC_RELAXED) != 0;
}

static guint64 *
find_n_sent (ProcMark *self, ProcMarkSide side)
{
  return side == PROC_MARK_HOST ? &self->host.n_sent : &self->helper.n_sent;
}

void
proc_mark_note_sent (ProcMark *self, ProcMarkSide side)
{
  __atomic_add_fetch (find_n_sent (self, side), 1, __ATOMIC_RELEASE);
}

guint64
proc_mark_get_n_sent (ProcMark *self, ProcMarkSide side)
{
  return __atomic_load_n (find_n_sent (self, side), __ATOMIC_ACQUIRE);
}

gboolean
proc_mark_wait (ProcMark *self, ProcMarkSide side, guint64 n_sent, ProcAwake *awake)
{
  return proc_awake_wait (awake, find_n_sent (self, side), n_sent);
}
