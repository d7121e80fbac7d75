/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/sealed-bytes.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/fork.h"
#include "wire/mapping.h"
#include "wire/type-nodes.h"

/* A GBytes tells nobody what is behind it, and a GVariant made of one even less: so what there is, is looked up by its
 * address. It is on the list from before anybody else has the bytes until nobody has them any more.
 */
typedef struct
{
  gpointer address;
  gsize size;
  int memfd;
  gboolean borrowed;
  GBytes *received; /* these very bytes, if they were received; not owned, since they own this */
} Sealed;

/* Of what was received, as long as somebody has it, so many descriptors are kept at most: they aren't the program's to count. */
#define MAX_RECEIVED 64

static int n_received; /* atomic */

static GMutex mutex;
static ProcForkMutex fork_mutex = { .mutex = &mutex };
static GHashTable *all; /* address → Sealed, owned by its GBytes; NULL: none yet */

static void
sealed_free (gpointer data)
{
  Sealed *self = data;

  g_mutex_lock (&mutex);
  g_hash_table_remove (all, self->address);
  g_mutex_unlock (&mutex);

  if (self->received != NULL)
    g_atomic_int_add (&n_received, -1);
  proc_fd_close (self->memfd);
  proc_mapping_release (self->address, self->size);
  g_free (self);
}

static Sealed *
sealed_new (gpointer address, gsize size, int memfd)
{
  Sealed *self = g_new0 (Sealed, 1);

  self->address = address;
  self->size = size;
  self->memfd = memfd;

  return self;
}

static void
put_on_list (Sealed *self)
{
  proc_fork_keep_mutex (&fork_mutex);
  g_mutex_lock (&mutex);
  if (all == NULL)
    all = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (all, self->address, self);
  g_mutex_unlock (&mutex);
}

GBytes *
proc_sealed_bytes_new (gpointer address, gsize size, int memfd)
{
  Sealed *self = sealed_new (address, size, memfd);

  put_on_list (self);
  return g_bytes_new_with_free_func (address, size, sealed_free, self);
}

GBytes *
proc_sealed_bytes_new_received (gpointer address, gsize size, int memfd, gboolean borrowed)
{
  Sealed *self;
  int kept = -1;

  if (g_atomic_int_add (&n_received, 1) < MAX_RECEIVED)
    kept = fcntl (memfd, F_DUPFD_CLOEXEC, 3);
  if (kept < 0)
    {
      g_atomic_int_add (&n_received, -1);
      return proc_mapping_to_bytes (address, size);
    }

  self = sealed_new (address, size, kept);
  self->borrowed = borrowed;
  self->received = g_bytes_new_with_free_func (address, size, sealed_free, self);
  put_on_list (self);
  return self->received;
}

static const Sealed *
find_locked (gconstpointer address, gsize size)
{
  const Sealed *found = all != NULL ? g_hash_table_lookup (all, address) : NULL;

  return found != NULL && found->size >= size ? found : NULL;
}

int
proc_sealed_bytes_dup_memfd (gconstpointer address, gsize size)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  const Sealed *found = find_locked (address, size);

  return found != NULL ? fcntl (found->memfd, F_DUPFD_CLOEXEC, 3) : -1;
}

/* Any bytes are such a value. */
static gboolean
is_of_numbers (GVariant *value)
{
  const char *type = g_variant_get_type_string (value);
  g_auto (ProcTypeNodes) nodes;

  return proc_type_nodes_init (&nodes, type, strlen (type), 1) && nodes.root->kind == 'a' && nodes.root[1].loose &&
         g_variant_get_size (value) % nodes.root[1].fixed_size == 0;
}

/* Whether nobody who has @value can have changed it. */
static gboolean
is_unchanged (GVariant *value, gboolean to_lender)
{
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (value);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  const Sealed *found = find_locked (g_variant_get_data (value), g_variant_get_size (value));

  return found != NULL && (found->received == NULL || found->received == bytes) && (!found->borrowed || to_lender);
}

gboolean
proc_sealed_bytes_hold_variant (GVariant *value, gboolean to_lender)
{
  return is_unchanged (value, to_lender) && is_of_numbers (value);
}
