/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/mapping.h"

#include <sys/mman.h>

#include "base/fork.h"

/* The system gives back pages at some 7 GB a second: with many of them that is not for a main loop. One thread does it
 * for all, since the system lets only one at a time change what is mapped.
 *
 *   idle ── something is put on the list ──> draining ── the list is empty for a moment ──> idle
 *
 * The thread is there while draining. To make one takes longer than to give back what nobody has read, as often
 * with what was only passed on: so it stays for what may come next.
 */

/* From so many bytes on, unmapping is left to the thread: about half a millisecond's worth. */
#define LARGE_MAPPING (4 * 1024 * 1024)

/* How much is unmapped at once: meanwhile no other thread can map anything, as it does for an allocation now and then. More
 * where nobody has read what came before it, so that there were no pages, which is known by how long it took in microseconds.
 */
#define MIN_PORTION ((gsize) LARGE_MAPPING)
#define MAX_PORTION (4 * MIN_PORTION)
#define TIME_WITHOUT_PAGES 20

/* How long the thread waits for more, in microseconds. */
#define STAY (50 * 1000)

typedef struct
{
  gpointer address;
  gsize size;
} Mapping;

static GMutex mutex; /* for the list and the state */
static GCond more;
static GQueue list = G_QUEUE_INIT;
static gboolean draining;
static guint generation; /* of the process that has the thread: a fork of it has none */
static ProcForkMutex fork_mutex = { .mutex = &mutex };

static Mapping *
take_next (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  gint64 end = g_get_monotonic_time () + STAY;
  Mapping *next;

  while (g_queue_is_empty (&list) && g_cond_wait_until (&more, &mutex, end))
    ;

  next = g_queue_pop_head (&list);
  draining = next != NULL;
  return next;
}

static void
unmap (Mapping *mapping)
{
  guint8 *address = mapping->address;
  gsize portion = MIN_PORTION;
  gint64 before = g_get_monotonic_time ();

  for (gsize done = 0; done < mapping->size;)
    {
      gsize size = MIN (mapping->size - done, portion);
      gint64 now;

      munmap (address + done, size);
      done += size;
      now = g_get_monotonic_time ();
      portion = now - before < TIME_WITHOUT_PAGES ? MAX_PORTION : MIN_PORTION;
      before = now;
    }
  g_free (mapping);
}

static gpointer
drain (gpointer unused)
{
  Mapping *mapping;

  while ((mapping = take_next ()) != NULL)
    unmap (mapping);

  return NULL;
}

/* FALSE if there is no thread to be had. */
static gboolean
unmap_in_thread (Mapping *mapping)
{
  g_autoptr (GMutexLocker) locker = NULL;
  guint own_generation = proc_fork_get_generation ();

  proc_fork_keep_mutex (&fork_mutex);
  locker = g_mutex_locker_new (&mutex);
  if (!draining || generation != own_generation)
    {
      GThread *thread = g_thread_try_new ("procpool-unmap", drain, NULL, NULL);

      if (thread == NULL)
        return FALSE;
      g_thread_unref (thread);
    }

  draining = TRUE;
  generation = own_generation;
  g_queue_push_tail (&list, mapping);
  g_cond_signal (&more);
  return TRUE;
}

static void
release (gpointer data)
{
  Mapping *mapping = data;

  if (mapping->size < LARGE_MAPPING || !unmap_in_thread (mapping))
    unmap (mapping);
}

static Mapping *
mapping_new (gpointer address, gsize size)
{
  Mapping *mapping = g_new (Mapping, 1);

  mapping->address = address;
  mapping->size = size;
  return mapping;
}

GBytes *
proc_mapping_to_bytes (gpointer address, gsize size)
{
  return g_bytes_new_with_free_func (address, size, release, mapping_new (address, size));
}

void
proc_mapping_release (gpointer address, gsize size)
{
  release (mapping_new (address, size));
}
