/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "helper/affinity.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Far above the largest machine's number: a bound on what a mask takes. */
#define MAX_CORES (1 << 16)

typedef struct
{
  gsize size;
  cpu_set_t *set;
} CoreMask;

/* The cores from before the first pinning; none until then. Used by the main thread alone. */
static CoreMask original;

/* The kernel refuses a mask smaller than its own, whose size it doesn't tell. */
static gboolean
core_mask_read (CoreMask *mask)
{
  for (int n_cores = CPU_SETSIZE; n_cores <= MAX_CORES; n_cores *= 2)
    {
      gsize size = CPU_ALLOC_SIZE (n_cores);
      cpu_set_t *set = CPU_ALLOC (n_cores);

      CPU_ZERO_S (size, set);
      if (sched_getaffinity (0, size, set) == 0)
        {
          *mask = (CoreMask){ size, set };
          return TRUE;
        }

      CPU_FREE (set);
      if (errno != EINVAL)
        break;
    }

  return FALSE;
}

/* A core that no machine has stays out, and a mask of nothing else is refused by the kernel. */
static CoreMask
core_mask_new (const int *cores, gsize n_cores)
{
  CoreMask mask = { CPU_ALLOC_SIZE (MAX_CORES), CPU_ALLOC (MAX_CORES) };

  CPU_ZERO_S (mask.size, mask.set);
  for (gsize i = 0; i < n_cores; i++)
    {
      if (cores[i] >= 0 && cores[i] < MAX_CORES)
        CPU_SET_S (cores[i], mask.size, mask.set);
    }

  return mask;
}

/* The calling thread decides whether it worked; of the others, some may end meanwhile. One that is
 * started meanwhile by a thread not yet reached is missed: between two tasks there is hardly one.
 */
static int
apply_to_all_threads (const CoreMask *mask)
{
  DIR *directory;
  const struct dirent *entry;

  if (sched_setaffinity (0, mask->size, mask->set) < 0)
    return errno;

  directory = opendir ("/proc/self/task");
  if (directory == NULL)
    return 0;

  while ((entry = readdir (directory)) != NULL)
    {
      int thread = atoi (entry->d_name); /* 0 for "." and ".." */

      if (thread > 0)
        sched_setaffinity (thread, mask->size, mask->set);
    }

  closedir (directory);
  return 0;
}

static char *
describe (const int *cores, gsize n_cores)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < n_cores; i++)
    g_string_append_printf (text, i == 0 ? "%d" : ", %d", cores[i]);

  return g_string_free (text, FALSE);
}

gboolean
proc_affinity_pin (const int *cores, gsize n_cores, GError **error)
{
  CoreMask mask;
  int failure;

  if (original.set == NULL && !core_mask_read (&original))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "can't find out the cores of this process: %s", g_strerror (errno));
      return FALSE;
    }

  if (n_cores == 0)
    {
      apply_to_all_threads (&original);
      return TRUE;
    }

  mask = core_mask_new (cores, n_cores);
  failure = apply_to_all_threads (&mask);
  CPU_FREE (mask.set);

  if (failure != 0)
    {
      g_autofree char *list = describe (cores, n_cores);

      apply_to_all_threads (&original);
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "can't pin this process to cores %s: %s; it runs unpinned", list, g_strerror (failure));
      return FALSE;
    }

  return TRUE;
}
