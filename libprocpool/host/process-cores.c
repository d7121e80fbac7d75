/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/process-cores.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The kernel refuses a set smaller than its own, whose size it doesn't tell: hence a few sizes, up to
 * many times the largest that Linux can be built for.
 */
#define LARGEST_SET (1 << 18)

static int *
ids_from_set (const cpu_set_t *set, gsize set_size, gsize *n_ids)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int));

  for (int id = 0; id < CPU_SETSIZE; id++)
    if (CPU_ISSET_S (id, set_size, set))
      g_array_append_val (ids, id);

  *n_ids = ids->len;
  return ids->len > 0 ? (int *) g_array_free (g_steal_pointer (&ids), FALSE) : NULL;
}

int *
proc_process_cores_get_affinity (gsize *n_ids)
{
  *n_ids = 0;

  for (int n = CPU_SETSIZE; n <= LARGEST_SET; n *= 4)
    {
      gsize set_size = CPU_ALLOC_SIZE (n);
      cpu_set_t *set = CPU_ALLOC (n);
      int *ids = NULL;
      int error_number = 0;

      CPU_ZERO_S (set_size, set);
      if (sched_getaffinity (0, set_size, set) == 0)
        ids = ids_from_set (set, set_size, n_ids);
      else
        error_number = errno;
      CPU_FREE (set);

      if (error_number != EINVAL)
        return ids;
    }

  return NULL;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  int first = *(const int *) a;
  int second = *(const int *) b;

  return (first > second) - (first < second);
}

/* Whether @id can be one of the cores; @usable may be NULL: then the system tells when it is pinned to. */
static gboolean
check_id (int id, const int *usable, gsize n_usable, GError **error)
{
  if (id < 0)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "Core %d can't be: the numbers of cores begin at 0", id);
      return FALSE;
    }

  if (id >= CPU_SETSIZE)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "Core %d is unknown: the largest number that a core can have is %d",
                   id, CPU_SETSIZE - 1);
      return FALSE;
    }

  if (usable != NULL && bsearch (&id, usable, n_usable, sizeof (int), compare_ids) == NULL)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                   "Core %d is unknown: it isn't one of the %" G_GSIZE_FORMAT " that this process may use, "
                   "which lie between %d and %d",
                   id, n_usable, usable[0], usable[n_usable - 1]);
      return FALSE;
    }

  return TRUE;
}

int *
proc_process_cores_sort (const int *ids, gsize n_ids, GError **error)
{
  g_autofree int *sorted = NULL;
  g_autofree int *usable = NULL;
  gsize n_usable;

  if (n_ids == 0)
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                           "The list of cores is empty: a core resource needs at least one");
      return NULL;
    }

  usable = proc_process_cores_get_affinity (&n_usable);
  sorted = g_memdup2 (ids, n_ids * sizeof (int));
  qsort (sorted, n_ids, sizeof (int), compare_ids);

  for (gsize i = 0; i < n_ids; i++)
    {
      if (!check_id (sorted[i], usable, n_usable, error))
        return NULL;

      if (i > 0 && sorted[i] == sorted[i - 1])
        {
          g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES,
                       "Core %d is in the list of cores twice", sorted[i]);
          return NULL;
        }
    }

  return g_steal_pointer (&sorted);
}

/* The path within the cgroup v2 tree: the line "0::/path". Lines of other numbers are of version 1. */
static char *
read_cgroup_path (const char *cgroup_file)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (cgroup_file, &text, NULL, NULL))
    return NULL;

  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "0::/"))
      return g_strdup (lines[i] + strlen ("0::/"));

  return NULL;
}

/* One cgroup's own quota: "max 100000" or "150000 100000", microseconds of each period. The root has
 * none, and neither has a cgroup without the cpu controller.
 */
static guint
read_quota (const char *folder)
{
  g_autofree char *file = g_build_filename (folder, "cpu.max", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;
  guint64 quota;
  guint64 period;
  guint64 n_cores;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    return 0;

  words = g_strsplit (g_strstrip (text), " ", 2);
  if (g_strv_length (words) != 2 ||
      !g_ascii_string_to_unsigned (words[0], 10, 0, G_MAXUINT64, &quota, NULL) ||
      !g_ascii_string_to_unsigned (words[1], 10, 1, G_MAXUINT64, &period, NULL))
    return 0;

  n_cores = quota / period + (quota % period != 0 ? 1 : 0);
  return (guint) CLAMP (n_cores, 1, G_MAXUINT);
}

guint
proc_process_cores_get_quota (const char *mount_root, const char *cgroup_file)
{
  g_autofree char *path = read_cgroup_path (cgroup_file);
  g_auto (GStrv) names = NULL;
  g_autoptr (GString) folder = g_string_new (mount_root);
  guint smallest;

  if (path == NULL)
    return 0;

  smallest = read_quota (folder->str);

  /* A process outside of the cgroup namespace that is mounted here has a path through "..": of its
   * cgroups only what is at the mount itself can be seen.
   */
  names = g_strsplit (path, "/", -1);
  if (g_strv_contains ((const char *const *) names, ".."))
    return smallest;

  for (guint i = 0; names[i] != NULL; i++)
    {
      guint quota;

      g_string_append_printf (folder, "/%s", names[i]);
      quota = read_quota (folder->str);
      if (quota > 0 && (smallest == 0 || quota < smallest))
        smallest = quota;
    }

  return smallest;
}

guint
proc_process_cores_count (void)
{
  guint n_cores = g_get_num_processors ();
  guint quota = proc_process_cores_get_quota ("/sys/fs/cgroup", "/proc/self/cgroup");

  return quota > 0 ? MIN (quota, n_cores) : n_cores;
}
