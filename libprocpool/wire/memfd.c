/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/byte-order.h"
#include "wire/mapping.h"
#include "wire/sealed-bytes.h"
#include "wire/variant-writer.h"

/* What the receiver needs: nobody can cut what it has checked, or change it, but perhaps its lender. */
#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define REQUIRED_SEALS (SIZE_SEALS | F_SEAL_WRITE)
#define LENT_SEALS (SIZE_SEALS | F_SEAL_FUTURE_WRITE)

/* As the system names it, in /proc for one. */
#define PAYLOAD "procpool-payload"

/* From so many bytes on a piece of a value is worth a system call of its own. */
#define LARGE_PIECE (16 * 1024)

/* What is smaller finds room in the socket as a whole. */
gsize proc_memfd_min_size = 256 * 1024;

/* What is smaller is written in a quarter of a millisecond, about what it takes to start a thread and hear from it. */
gsize proc_memfd_min_size_in_thread = 512 * 1024;

static void
set_error_from_errno (GError **error, const char *what, gsize size, int saved_errno)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED, "Can't %s shared memory of %" G_GSIZE_FORMAT " bytes: %s",
               what, size, g_strerror (saved_errno));
}

/* Beyond the limit the system sends SIGXFSZ, which ends a process that doesn't expect it. More memory than there is, it
 * goes looking for until it has ended other processes for it.
 */
static gboolean
may_be_so_large (gsize size)
{
  struct rlimit limit;
  struct sysinfo memory;

  errno = 0;
  if (getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
    errno = EFBIG;
  else if (sysinfo (&memory) == 0 && size / memory.mem_unit > (guint64) memory.totalram + memory.totalswap)
    errno = ENOMEM;

  return errno == 0;
}

/* Takes the memory now. Without it a full tmpfs would be no error here but a SIGBUS at the first touch. */
static gboolean
reserve (int fd, gsize size)
{
  int result;

  if (ftruncate (fd, size) != 0)
    return FALSE;
  do
    result = fallocate (fd, 0, 0, size);
  while (result != 0 && errno == EINTR);

  return result == 0 || errno == EOPNOTSUPP;
}

static int
create (const char *name, gsize size, GError **error)
{
  int fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd < 0)
    set_error_from_errno (error, "create", size, errno);
  return fd;
}

int
proc_memfd_new (gsize size, GError **error)
{
  g_auto (ProcFd) fd = create (PAYLOAD, size, error);

  if (fd < 0)
    return -1;
  if (!may_be_so_large (size) || !reserve (fd, size))
    {
      set_error_from_errno (error, "reserve", size, errno);
      return -1;
    }

  return proc_fd_steal (&fd);
}

gboolean
proc_memfd_seal (int fd, gsize size, GError **error)
{
  if (fcntl (fd, F_ADD_SEALS, REQUIRED_SEALS | F_SEAL_SEAL) == 0)
    return TRUE;

  set_error_from_errno (error, "seal", size, errno);
  return FALSE;
}

/* A ProcVariantSink. Writing takes half the time of a copy to mapped memory, for which the system has to clear each
 * page first, and to be asked for it.
 */
static gboolean
write_all (gconstpointer data, gsize size, gpointer user_data, GError **error)
{
  const int *fd = user_data;
  const guint8 *rest = data;

  for (gsize n_left = size; n_left > 0;)
    {
      gssize n = write (*fd, rest, n_left);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          set_error_from_errno (error, "write", size, errno);
          return FALSE;
        }
      rest += n;
      n_left -= (gsize) n;
    }

  return TRUE;
}

int
proc_memfd_new_written (GVariant *value, const char *name, GError **error)
{
  gsize size = g_variant_get_size (value);
  g_auto (ProcFd) fd = -1;
  g_autoptr (GVariant) ordered = NULL;

  /* Nothing can't be mapped. */
  g_return_val_if_fail (size > 0, -1);

  fd = create (name, size, error);
  if (fd < 0)
    return -1;
  if (!may_be_so_large (size))
    {
      set_error_from_errno (error, "reserve", size, errno);
      return -1;
    }

  ordered = proc_wire_order (value);
  if (!proc_variant_write (ordered, LARGE_PIECE, write_all, &fd, error))
    return -1;

  return proc_fd_steal (&fd);
}

int
proc_memfd_new_for_variant (GVariant *value, GError **error)
{
  g_auto (ProcFd) fd = proc_memfd_new_written (value, PAYLOAD, error);

  if (fd < 0 || !proc_memfd_seal (fd, g_variant_get_size (value), error))
    return -1;

  return proc_fd_steal (&fd);
}

static gboolean
refuse (const char *why, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL, "A payload came in a file descriptor that %s", why);
  return FALSE;
}

gboolean
proc_memfd_check (int fd, gsize size, ProcMemfdKind kind, GError **error)
{
  struct stat info;
  int seals;

  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    return refuse ("is no memfd", error);

  seals = fcntl (fd, F_GET_SEALS);
  if (seals < 0)
    return refuse ("is no memfd", error);
  if ((seals & REQUIRED_SEALS) != REQUIRED_SEALS &&
      (kind == PROC_MEMFD_SEALED || (seals & LENT_SEALS) != LENT_SEALS))
    return refuse ("is a memfd without the seals against shrinking, growing and writing", error);
  if (size == 0 || info.st_size < 0 || (guint64) info.st_size < size)
    return refuse ("is a memfd shorter than announced", error);
  return TRUE;
}

GBytes *
proc_memfd_map_failed (gsize size, GError **error)
{
  set_error_from_errno (error, "map", size, errno);
  return NULL;
}

static gboolean
is_sealed_for_ever (int fd)
{
  return (fcntl (fd, F_GET_SEALS) & F_SEAL_WRITE) != 0;
}

GBytes *
proc_memfd_map (int fd, gsize size, ProcMemfdKind kind, GError **error)
{
  gpointer address;

  if (!proc_memfd_check (fd, size, kind, error))
    return NULL;

  /* Private, since a shared mapping of what is sealed against writing fails before Linux 6.7; the pages are the same
   * ones either way. Writable, since a binding may give out the memory as an array of its language, which can't be
   * told to be read-only: whoever writes has copies of the pages of their own.
   */
  address = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED)
    return proc_memfd_map_failed (size, error);

  /* The lender gives nobody else what it has lent to one. */
  if (kind == PROC_MEMFD_OWN)
    return proc_mapping_to_bytes (address, size);

  return proc_sealed_bytes_new_received (address, size, fd, !is_sealed_for_ever (fd));
}
