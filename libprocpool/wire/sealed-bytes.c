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
} Sealed;

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

  proc_fd_close (self->memfd);
  proc_mapping_release (self->address, self->size);
  g_free (self);
}

GBytes *
proc_sealed_bytes_new (gpointer address, gsize size, int memfd)
{
  Sealed *self = g_new (Sealed, 1);

  self->address = address;
  self->size = size;
  self->memfd = memfd;

  proc_fork_keep_mutex (&fork_mutex);
  g_mutex_lock (&mutex);
  if (all == NULL)
    all = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (all, address, self);
  g_mutex_unlock (&mutex);

  return g_bytes_new_with_free_func (address, size, sealed_free, self);
}

static const Sealed *
find_locked (gconstpointer address, gsize size)
{
  const Sealed *found = all != NULL ? g_hash_table_lookup (all, address) : NULL;

  return found != NULL && found->size >= size ? found : NULL;
}

gboolean
proc_sealed_bytes_contains (gconstpointer address, gsize size)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);

  return find_locked (address, size) != NULL;
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

gboolean
proc_sealed_bytes_hold_variant (GVariant *value)
{
  return proc_sealed_bytes_contains (g_variant_get_data (value), g_variant_get_size (value)) && is_of_numbers (value);
}
