/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/lending.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/byte-order.h"
#include "wire/mapping.h"
#include "wire/memfd.h"
#include "wire/variant-writer.h"

/* A region is a memfd that nobody can map or open to write any more (F_SEAL_FUTURE_WRITE), but for the mapping that the
 * lender made before:
 *
 *   filling ── the value is written ──> lent ── its last borrower lets it go ──> free ── taken ──> filling
 *
 * That it was let go nobody has to say: what goes out is a file description of its own, with a lock (flock()) that lasts
 * as long as any descriptor or mapping of it, in whatever process. The region is free when the lock of the lender's own
 * can be had. A borrower that reads on without one is lied to about its own messages, and about nobody else's: memory
 * is never lent to two helper processes.
 */

/* While one is let go, as it is in a thread when it is large, and one is on its way, there is one to be filled. */
#define MAX_REGIONS 3

/* More, in bytes, isn't kept from the rest of the system for one helper process. */
#define MAX_TOTAL ((gsize) 256 * 1024 * 1024)

/* From so many bytes on a piece of a value is copied from where it lies. */
#define LARGE_PIECE (16 * 1024)

typedef struct
{
  int fd;
  dev_t device;
  ino_t inode;
  guint8 *memory;
  gsize size;
  gboolean filling;
  gboolean used; /* since the last trimming */
} Region;

struct _ProcLending
{
  gatomicrefcount ref_count;
  GMutex mutex;       /* for the list and the states; who fills a region has its memory for itself */
  GPtrArray *regions; /* of Region */
  int n_regions;      /* of the list; atomic */
};

static void
region_free (gpointer data)
{
  Region *self = data;

  proc_fd_close (self->fd);
  proc_mapping_release (self->memory, self->size);
  g_free (self);
}

ProcLending *
proc_lending_new (void)
{
  ProcLending *self = g_new0 (ProcLending, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->regions = g_ptr_array_new_with_free_func (region_free);

  return self;
}

ProcLending *
proc_lending_ref (ProcLending *self)
{
  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

void
proc_lending_unref (ProcLending *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_ptr_array_unref (self->regions);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static void
note_count (ProcLending *self)
{
  g_atomic_int_set (&self->n_regions, (int) self->regions->len);
}

/* A description of the memfd that only reads, with the borrowers' lock. -1 where there is no /proc, or no descriptor. */
static int
open_locked (int memfd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", memfd);
  g_auto (ProcFd) fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || flock (fd, LOCK_SH | LOCK_NB) != 0)
    return -1;
  return proc_fd_steal (&fd);
}

static gboolean
region_is_free (Region *self)
{
  return !self->filling && flock (self->fd, LOCK_EX | LOCK_NB) == 0 && flock (self->fd, LOCK_UN) == 0;
}

/* A small message doesn't take up the memory of a large one. */
static gboolean
region_fits (Region *self, gsize size)
{
  return size <= self->size && size >= self->size / 2;
}

static Region *
take_region (ProcLending *self, gsize size)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  for (guint i = 0; i < self->regions->len; i++)
    {
      Region *region = self->regions->pdata[i];

      if (!region_fits (region, size) || !region_is_free (region))
        continue;

      region->filling = region->used = TRUE;
      return region;
    }

  return NULL;
}

static gboolean
has_room_locked (ProcLending *self, gsize size)
{
  gsize total = size;

  for (guint i = 0; i < self->regions->len; i++)
    total += ((Region *) self->regions->pdata[i])->size;

  return self->regions->len < MAX_REGIONS && total <= MAX_TOTAL;
}

/* Whether one more may be added, if need be in the place of free ones of another size. */
static gboolean
make_room_locked (ProcLending *self, gsize size)
{
  for (guint i = self->regions->len; i > 0 && !has_room_locked (self, size); i--)
    {
      if (region_is_free (self->regions->pdata[i - 1]))
        g_ptr_array_remove_index (self->regions, i - 1);
    }
  note_count (self);
  return has_room_locked (self, size);
}

/* A ProcVariantSink. */
static gboolean
copy_piece (gconstpointer data, gsize size, gpointer user_data, GError **error)
{
  guint8 **end = user_data;

  memcpy (*end, data, size);
  *end += size;
  return TRUE;
}

static int
fill_region (ProcLending *self, Region *region, GVariant *value, GError **error)
{
  g_autoptr (GVariant) ordered = proc_wire_order (value);
  g_autoptr (GMutexLocker) locker = NULL;
  guint8 *end = region->memory;
  gboolean filled = proc_variant_write (ordered, LARGE_PIECE, copy_piece, &end, error);
  int fd;

  locker = g_mutex_locker_new (&self->mutex);
  region->filling = FALSE;
  if (!filled)
    return -1;

  fd = open_locked (region->fd);
  g_clear_pointer (&locker, g_mutex_locker_free);
  return fd >= 0 ? fd : proc_memfd_new_for_variant (value, error);
}

/* Takes @memfd, which is filled and not sealed, if it succeeds. */
static int
add_region (ProcLending *self, int memfd, gsize size)
{
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_auto (ProcFd) lent = -1;
  struct stat info;
  void *memory;
  Region *region;

  if (!make_room_locked (self, size) || fstat (memfd, &info) != 0)
    return -1;
  lent = open_locked (memfd);
  if (lent < 0)
    return -1;
  memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
  if (memory == MAP_FAILED)
    return -1;
  if (fcntl (memfd, F_ADD_SEALS, seals) != 0)
    {
      munmap (memory, size);
      return -1;
    }

  region = g_new0 (Region, 1);
  region->fd = memfd;
  region->device = info.st_dev;
  region->inode = info.st_ino;
  region->memory = memory;
  region->size = size;
  region->used = TRUE;
  g_ptr_array_add (self->regions, region);
  note_count (self);
  return proc_fd_steal (&lent);
}

int
proc_lending_lend (ProcLending *self, GVariant *value, GError **error)
{
  gsize size = g_variant_get_size (value);
  g_auto (ProcFd) memfd = -1;
  Region *region;
  int lent;

  if (self == NULL || size > MAX_TOTAL)
    return proc_memfd_new_for_variant (value, error);

  region = take_region (self, size);
  if (region != NULL)
    return fill_region (self, region, value, error);

  /* The first time it is written as what isn't lent: that takes half the time of touching new memory. */
  memfd = proc_memfd_new_written (value, "procpool-loan", error);
  if (memfd < 0)
    return -1;

  lent = add_region (self, memfd, size);
  if (lent < 0)
    return proc_memfd_seal (memfd, size, error) ? proc_fd_steal (&memfd) : -1;

  proc_fd_steal (&memfd);
  return lent;
}

static Region *
find_region (ProcLending *self, int fd)
{
  struct stat info;

  if (fstat (fd, &info) != 0)
    return NULL;

  for (guint i = 0; i < self->regions->len; i++)
    {
      Region *region = self->regions->pdata[i];

      if (region->inode == info.st_ino && region->device == info.st_dev)
        return region;
    }
  return NULL;
}

gboolean
proc_lending_exchange (ProcLending *self, int *fd)
{
  g_autoptr (GMutexLocker) locker = NULL;
  Region *region;

  if (proc_lending_is_empty (self))
    return FALSE;

  locker = g_mutex_locker_new (&self->mutex);
  region = find_region (self, *fd);

  /* Who has it lent doesn't send it while it is filled: so this is one who has let it go and reads on. */
  if (region == NULL || region->filling)
    return FALSE;

  region->used = TRUE;
  proc_fd_close (*fd);
  *fd = open_locked (region->fd);
  return TRUE;
}

gboolean
proc_lending_trim (ProcLending *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  for (guint i = self->regions->len; i > 0; i--)
    {
      Region *region = self->regions->pdata[i - 1];

      if (!region->used && region_is_free (region))
        g_ptr_array_remove_index (self->regions, i - 1);
      else
        region->used = FALSE;
    }
  note_count (self);

  return self->regions->len > 0;
}

gboolean
proc_lending_is_empty (ProcLending *self)
{
  return g_atomic_int_get (&self->n_regions) == 0;
}
