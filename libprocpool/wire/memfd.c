/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/byte-order.h"
#include "wire/normal.h"

/* What the receiver needs: nobody can change or cut what it has checked. */
#define REQUIRED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* From so many bytes on, unmapping is left to a thread: about half a millisecond's worth. */
#define LARGE_MAPPING (4 * 1024 * 1024)

typedef struct
{
  void *address;
  gsize size;
} Mapping;

static void
set_error_from_errno (GError **error, const char *what, gsize size, int saved_errno)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED, "Can't %s shared memory of %" G_GSIZE_FORMAT " bytes: %s",
               what, size, g_strerror (saved_errno));
}

/* Beyond it the system sends SIGXFSZ, which ends a process that doesn't expect it. */
static gboolean
may_be_so_large (gsize size)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur)
    return TRUE;

  errno = EFBIG;
  return FALSE;
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

static gboolean
refuse_value (GVariant *value, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
               "Can't send a value of type %.64s that is not in normal form or nested deeper than %u levels; "
               "for bytes from elsewhere see g_variant_get_normal_form()",
               g_variant_get_type_string (value), PROC_NORMAL_MAX_DEPTH);
  return FALSE;
}

/* As it is put together, straight into the memory. */
static gboolean
store_value (int fd, GVariant *value, gsize size, GError **error)
{
  void *address;
  gboolean normal;

  if (!reserve (fd, size))
    {
      set_error_from_errno (error, "reserve", size, errno);
      return FALSE;
    }

  address = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (address == MAP_FAILED)
    {
      set_error_from_errno (error, "map", size, errno);
      return FALSE;
    }

  g_variant_store (value, address);
  normal = proc_normal_check (g_variant_get_type (value), address, size);
  munmap (address, size);

  return normal || refuse_value (value, error);
}

static gboolean
write_all (int fd, const guint8 *data, gsize size)
{
  while (size > 0)
    {
      gssize n = write (fd, data, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }

  return TRUE;
}

/* One that lies in memory already, in one piece. Writing takes less than half the time of a copy to mapped memory, for
 * which the system has to clear each page first, and to be asked for it.
 */
static gboolean
write_value (int fd, GVariant *value, gsize size, GError **error)
{
  gconstpointer data = g_variant_get_data (value);

  if (!proc_normal_check (g_variant_get_type (value), data, size))
    return refuse_value (value, error);
  if (write_all (fd, data, size))
    return TRUE;

  set_error_from_errno (error, "write", size, errno);
  return FALSE;
}

/* Nobody puts together numbers one by one, if there are many. */
static gboolean
is_in_one_piece (GVariant *value)
{
  const GVariantType *type = g_variant_get_type (value);

  return g_variant_type_is_array (type) && strchr ("bynqiuxtd", *g_variant_type_peek_string (g_variant_type_element (type))) != NULL;
}

int
proc_memfd_new_for_variant (GVariant *value, GError **error)
{
  gsize size = g_variant_get_size (value);
  g_auto (ProcFd) fd = -1;
  g_autoptr (GVariant) ordered = NULL;
  gboolean filled;

  /* Nothing can't be mapped. */
  g_return_val_if_fail (size > 0, -1);

  fd = memfd_create ("procpool-payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    {
      set_error_from_errno (error, "create", size, errno);
      return -1;
    }
  if (!may_be_so_large (size))
    {
      set_error_from_errno (error, "reserve", size, errno);
      return -1;
    }

  ordered = proc_wire_order (value);
  filled = is_in_one_piece (value) ? write_value (fd, ordered, size, error) : store_value (fd, ordered, size, error);
  if (!filled)
    return -1;
  if (fcntl (fd, F_ADD_SEALS, REQUIRED_SEALS | F_SEAL_SEAL) != 0)
    {
      set_error_from_errno (error, "seal", size, errno);
      return -1;
    }

  return proc_fd_steal (&fd);
}

static gpointer
unmap (gpointer data)
{
  Mapping *mapping = data;

  munmap (mapping->address, mapping->size);
  g_free (mapping);

  return NULL;
}

/* The system gives back pages at some 7 GB a second: with many of them that is not for a main loop. */
static void
mapping_free (gpointer data)
{
  Mapping *mapping = data;
  GThread *thread = mapping->size >= LARGE_MAPPING ? g_thread_try_new ("procpool-unmap", unmap, mapping, NULL) : NULL;

  if (thread != NULL)
    g_thread_unref (thread);
  else
    unmap (mapping);
}

static gboolean
refuse (const char *why, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL, "A payload came in a file descriptor that %s", why);
  return FALSE;
}

static gboolean
check (int fd, gsize size, GError **error)
{
  struct stat info;
  int seals;

  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    return refuse ("is no memfd", error);

  seals = fcntl (fd, F_GET_SEALS);
  if (seals < 0)
    return refuse ("is no memfd", error);
  if ((seals & REQUIRED_SEALS) != REQUIRED_SEALS)
    return refuse ("is a memfd without the seals against shrinking, growing and writing", error);
  if (size == 0 || info.st_size < 0 || (guint64) info.st_size < size)
    return refuse ("is a memfd shorter than announced", error);
  return TRUE;
}

GBytes *
proc_memfd_map (int fd, gsize size, GError **error)
{
  Mapping *mapping;
  void *address;

  if (!check (fd, size, error))
    return NULL;

  /* Private, since a shared mapping of what is sealed against writing fails before Linux 6.7; the pages are the same
   * ones either way. Writable, since a binding may give out the memory as an array of its language, which can't be
   * told to be read-only: whoever writes has copies of the pages of their own.
   */
  address = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED)
    {
      set_error_from_errno (error, "map", size, errno);
      return NULL;
    }

  mapping = g_new (Mapping, 1);
  mapping->address = address;
  mapping->size = size;
  return g_bytes_new_with_free_func (address, size, mapping_free, mapping);
}
