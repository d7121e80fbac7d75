/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <procpool/procpool.h>

#include <glib/gstdio.h>
#include <sched.h>

#include "host/process-cores.h"

static void
assert_ids (ProcCoreResource *resource, const int *expected, gsize n_expected)
{
  gsize n_ids;
  const int *ids = proc_core_resource_get_ids (resource, &n_ids);

  g_assert_cmpmem (ids, n_ids * sizeof (int), expected, n_expected * sizeof (int));
}

static ProcCoreResource *
acquire (ProcCoreResource *resource, guint n_cores)
{
  g_autoptr (GError) error = NULL;
  ProcCoreResource *part = proc_core_resource_acquire (resource, n_cores, &error);

  g_assert_no_error (error);
  g_assert_nonnull (part);
  g_assert_cmpuint (proc_core_resource_get_n_cores (part), ==, n_cores);
  return part;
}

static void
release (ProcCoreResource *resource, ProcCoreResource *part)
{
  g_autoptr (GError) error = NULL;

  proc_core_resource_release (resource, part, &error);
  g_assert_no_error (error);
}

static void
assert_not_acquired (ProcCoreResource *resource, guint n_cores, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_core_resource_acquire (resource, n_cores, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_NOT_ENOUGH_CORES);
  g_assert_cmpstr (error->message, ==, message);
}

static void
assert_not_released (ProcCoreResource *resource, ProcCoreResource *part)
{
  g_autoptr (GError) error = NULL;
  guint n_free = proc_core_resource_get_n_free (resource);

  g_assert_false (proc_core_resource_release (resource, part, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, n_free);
}

static ProcCoreResource *
combine (ProcCoreResource *first, ProcCoreResource *second)
{
  g_autoptr (GError) error = NULL;
  ProcCoreResource *combined = proc_core_resource_combine (first, second, &error);

  g_assert_no_error (error);
  g_assert_nonnull (combined);
  return combined;
}

static void
assert_not_combined (ProcCoreResource *first, ProcCoreResource *second)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_core_resource_combine (first, second, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES);
}

/* The cores that this process may use, as a resource; skips the test if they are fewer than @n_cores. */
static ProcCoreResource *
new_with_ids (gsize n_cores)
{
  g_autoptr (GError) error = NULL;
  gsize n_ids;
  g_autofree int *ids = proc_process_cores_get_affinity (&n_ids);
  ProcCoreResource *resource;

  if (n_ids < n_cores)
    {
      g_test_skip ("this process may use too few cores");
      return NULL;
    }

  resource = proc_core_resource_new_for_ids (ids, n_cores, &error);
  g_assert_no_error (error);
  return resource;
}

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  guint *n_notifications = user_data;

  (*n_notifications)++;
}

static void
test_count_has_no_ids (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) part = acquire (resource, 3);
  gsize n_ids = 1;

  g_assert_cmpuint (proc_core_resource_get_n_cores (resource), ==, 4);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 1);
  g_assert_null (proc_core_resource_get_ids (resource, &n_ids));
  g_assert_cmpuint (n_ids, ==, 0);
  g_assert_null (proc_core_resource_get_ids (part, NULL));
}

static void
test_properties_tell_cores (void)
{
  g_autoptr (ProcCoreResource) resource = g_object_new (PROC_TYPE_CORE_RESOURCE, "n-cores", 3, NULL);
  g_autoptr (ProcCoreResource) part = acquire (resource, 1);
  guint n_cores;
  guint n_free;

  g_object_get (resource, "n-cores", &n_cores, "n-free", &n_free, NULL);
  g_assert_cmpuint (n_cores, ==, 3);
  g_assert_cmpuint (n_free, ==, 2);
  g_object_get (part, "n-cores", &n_cores, "n-free", &n_free, NULL);
  g_assert_cmpuint (n_cores, ==, 1);
  g_assert_cmpuint (n_free, ==, 1);
}

static void
test_no_cores_is_a_programmer_error (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (1);

  g_test_expect_message ("libprocpool", G_LOG_LEVEL_CRITICAL, "*n_cores > 0*");
  g_assert_null (proc_core_resource_new (0));
  g_test_assert_expected_messages ();

  g_test_expect_message ("libprocpool", G_LOG_LEVEL_CRITICAL, "*n_cores > 0*");
  g_assert_null (proc_core_resource_acquire (resource, 0, NULL));
  g_test_assert_expected_messages ();
}

static void
assert_ids_refused (const int *ids, gsize n_ids, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_core_resource_new_for_ids (ids, n_ids, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_CORES);
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_invalid_ids_are_refused (void)
{
  gsize n_ids;
  g_autofree int *usable = proc_process_cores_get_affinity (&n_ids);
  g_autofree char *twice = g_strdup_printf ("Core %d is in the list of cores twice", usable[0]);

  assert_ids_refused (NULL, 0, "is empty");
  assert_ids_refused ((int[]){ usable[0], usable[0] }, 2, twice);
  assert_ids_refused ((int[]){ usable[0], -3 }, 2, "Core -3 can't be");
  assert_ids_refused ((int[]){ CPU_SETSIZE }, 1, "is unknown: the largest number");
  assert_ids_refused ((int[]){ usable[0], G_MAXINT }, 2, "Core 2147483647 is unknown");
}

static void
test_core_outside_of_affinity_is_refused (void)
{
  gsize n_ids;
  g_autofree int *usable = proc_process_cores_get_affinity (&n_ids);
  g_autofree char *unknown = g_strdup_printf ("Core %d is unknown", usable[n_ids - 1]);
  cpu_set_t all;
  cpu_set_t first;

  if (n_ids < 2)
    {
      g_test_skip ("this process may use a single core");
      return;
    }

  CPU_ZERO (&first);
  CPU_SET (usable[0], &first);
  g_assert_no_errno (sched_getaffinity (0, sizeof all, &all));
  g_assert_no_errno (sched_setaffinity (0, sizeof first, &first));
  assert_ids_refused ((int[]){ usable[0], usable[n_ids - 1] }, 2, unknown);
  g_assert_no_errno (sched_setaffinity (0, sizeof all, &all));
}

static void
test_ids_are_sorted_and_taken_from_the_lowest (void)
{
  g_autoptr (GError) error = NULL;
  gsize n_ids;
  g_autofree int *usable = proc_process_cores_get_affinity (&n_ids);
  g_autoptr (ProcCoreResource) resource = NULL;
  g_autoptr (ProcCoreResource) first = NULL;
  g_autoptr (ProcCoreResource) second = NULL;
  g_autoptr (ProcCoreResource) again = NULL;

  if (n_ids < 2)
    {
      g_test_skip ("this process may use a single core");
      return;
    }

  resource = proc_core_resource_new_for_ids ((int[]){ usable[1], usable[0] }, 2, &error);
  g_assert_no_error (error);
  assert_ids (resource, usable, 2);

  first = acquire (resource, 1);
  second = acquire (resource, 1);
  assert_ids (first, &usable[0], 1);
  assert_ids (second, &usable[1], 1);

  release (resource, first);
  again = acquire (resource, 1);
  assert_ids (again, &usable[0], 1);
}

static void
test_process_has_its_affinity (void)
{
  gsize n_ids;
  g_autofree int *usable = proc_process_cores_get_affinity (&n_ids);
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new_for_process ();

  g_assert_cmpuint (proc_core_resource_get_n_cores (resource), >=, 1);
  g_assert_cmpuint (proc_core_resource_get_n_cores (resource), <=, n_ids);
  if (proc_core_resource_get_ids (resource, NULL) != NULL)
    assert_ids (resource, usable, n_ids);
}

static void
test_too_many_cores_are_refused (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) part = acquire (resource, 3);

  assert_not_acquired (resource, 5, "The acquisition asks for 5 cores of a resource that has 4");
  assert_not_acquired (resource, 2, "The acquisition asks for 2 cores of a resource that has 4, 1 free now");
  assert_not_acquired (part, 4, "The acquisition asks for 4 cores of a resource that has 3");
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 1);
}

static void
test_double_release_is_refused (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) part = acquire (resource, 3);

  release (resource, part);
  assert_not_released (resource, part);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 4);
  g_assert_cmpuint (proc_core_resource_get_n_free (part), ==, 0);
  assert_not_acquired (part, 1, "The acquisition asks for 1 core of a resource that has 3, 0 free now");
}

static void
test_foreign_release_is_refused (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) stranger = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) combined = combine (resource, stranger);
  g_autoptr (ProcCoreResource) part = acquire (resource, 1);
  g_autoptr (ProcCoreResource) nested = acquire (part, 1);

  assert_not_released (stranger, part);
  assert_not_released (combined, part);
  assert_not_released (resource, nested);
  assert_not_released (resource, resource);
  release (part, nested);
  release (resource, part);
}

static void
test_dropped_part_gives_its_cores_back (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (4);
  ProcCoreResource *part = acquire (resource, 3);
  guint n_notifications = 0;

  g_signal_connect (resource, "notify::n-free", G_CALLBACK (count_notification), &n_notifications);
  g_object_unref (part);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 4);
  g_assert_cmpuint (n_notifications, ==, 1);

  part = acquire (resource, 4);
  release (resource, part);
  g_object_unref (part);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 4);
  g_assert_cmpuint (n_notifications, ==, 3);
}

static void
test_part_keeps_its_resource (void)
{
  ProcCoreResource *resource = proc_core_resource_new (4);
  ProcCoreResource *part = acquire (resource, 2);
  g_autoptr (ProcCoreResource) nested = acquire (part, 1);

  g_object_add_weak_pointer (G_OBJECT (resource), (gpointer *) &resource);
  g_object_unref (resource);
  g_object_unref (part);
  g_assert_nonnull (resource);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 2);

  g_clear_object (&nested);
  g_assert_null (resource);
}

static void
test_part_is_a_resource (void)
{
  g_autoptr (ProcCoreResource) resource = new_with_ids (2);
  g_autoptr (ProcCoreResource) part = NULL;
  g_autoptr (ProcCoreResource) nested = NULL;

  if (resource == NULL)
    return;

  part = acquire (resource, 2);
  nested = acquire (part, 1);
  assert_ids (nested, proc_core_resource_get_ids (resource, NULL), 1);
  g_assert_cmpuint (proc_core_resource_get_n_free (part), ==, 1);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 0);

  /* Its cores would be used twice. */
  assert_not_released (resource, part);
  release (part, nested);
  release (resource, part);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 2);
}

static void
test_free_cores_are_notified_once_each_change (void)
{
  g_autoptr (ProcCoreResource) first = proc_core_resource_new (2);
  g_autoptr (ProcCoreResource) second = proc_core_resource_new (2);
  g_autoptr (ProcCoreResource) combined = combine (first, second);
  g_autoptr (ProcCoreResource) part = NULL;
  guint n_first = 0;
  guint n_second = 0;
  guint n_combined = 0;

  g_signal_connect (first, "notify::n-free", G_CALLBACK (count_notification), &n_first);
  g_signal_connect (second, "notify::n-free", G_CALLBACK (count_notification), &n_second);
  g_signal_connect (combined, "notify::n-free", G_CALLBACK (count_notification), &n_combined);

  part = acquire (combined, 3);
  g_assert_cmpuint (n_first, ==, 1);
  g_assert_cmpuint (n_second, ==, 1);
  g_assert_cmpuint (n_combined, ==, 1);

  assert_not_acquired (combined, 2, "The acquisition asks for 2 cores of a resource that has 4, 1 free now");
  g_assert_cmpuint (n_combined, ==, 1);

  g_clear_object (&part);
  part = acquire (first, 1);
  g_assert_cmpuint (n_first, ==, 3);
  g_assert_cmpuint (n_second, ==, 2);
  g_assert_cmpuint (n_combined, ==, 3);
}

static void
acquire_another (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ProcCoreResource **another = user_data;

  if (*another == NULL)
    *another = acquire (PROC_CORE_RESOURCE (object), 1);
}

static void
test_acquiring_in_a_notification_works (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (2);
  g_autoptr (ProcCoreResource) part = acquire (resource, 2);
  g_autoptr (ProcCoreResource) another = NULL;

  g_signal_connect (resource, "notify::n-free", G_CALLBACK (acquire_another), &another);
  release (resource, part);
  g_assert_nonnull (another);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 1);
}

static void
test_combined_takes_from_the_first_first (void)
{
  g_autoptr (ProcCoreResource) first = proc_core_resource_new (2);
  g_autoptr (ProcCoreResource) second = proc_core_resource_new (3);
  g_autoptr (ProcCoreResource) combined = combine (first, second);
  g_autoptr (ProcCoreResource) direct = NULL;
  g_autoptr (ProcCoreResource) part = NULL;

  g_assert_cmpuint (proc_core_resource_get_n_cores (combined), ==, 5);

  direct = acquire (first, 1);
  g_assert_cmpuint (proc_core_resource_get_n_free (combined), ==, 4);

  part = acquire (combined, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (first), ==, 0);
  g_assert_cmpuint (proc_core_resource_get_n_free (second), ==, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (combined), ==, 2);

  release (combined, part);
  g_assert_cmpuint (proc_core_resource_get_n_free (first), ==, 1);
  g_assert_cmpuint (proc_core_resource_get_n_free (second), ==, 3);
}

static void
test_combined_takes_all_or_nothing (void)
{
  g_autoptr (ProcCoreResource) first = proc_core_resource_new (2);
  g_autoptr (ProcCoreResource) second = proc_core_resource_new (2);
  g_autoptr (ProcCoreResource) combined = combine (first, second);
  g_autoptr (ProcCoreResource) direct = acquire (second, 1);

  assert_not_acquired (combined, 4, "The acquisition asks for 4 cores of a resource that has 4, 3 free now");
  g_assert_cmpuint (proc_core_resource_get_n_free (first), ==, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (second), ==, 1);
  g_assert_cmpuint (proc_core_resource_get_n_free (direct), ==, 1);
}

static void
test_combined_has_ids_if_both_do (void)
{
  g_autoptr (ProcCoreResource) resource = new_with_ids (2);
  g_autoptr (ProcCoreResource) low = NULL;
  g_autoptr (ProcCoreResource) high = NULL;
  g_autoptr (ProcCoreResource) combined = NULL;
  g_autoptr (ProcCoreResource) count = proc_core_resource_new (1);
  g_autoptr (ProcCoreResource) mixed = NULL;
  g_autoptr (ProcCoreResource) part = NULL;
  const int *ids;

  if (resource == NULL)
    return;

  ids = proc_core_resource_get_ids (resource, NULL);
  low = acquire (resource, 1);
  high = acquire (resource, 1);
  combined = combine (high, low);
  assert_ids (combined, (int[]){ ids[1], ids[0] }, 2);

  part = acquire (combined, 1);
  assert_ids (part, &ids[1], 1);
  g_assert_cmpuint (proc_core_resource_get_n_free (high), ==, 0);
  g_clear_object (&part);

  mixed = combine (combined, count);
  g_assert_null (proc_core_resource_get_ids (mixed, NULL));
  part = acquire (mixed, 3);
  g_assert_null (proc_core_resource_get_ids (part, NULL));
  g_assert_cmpuint (proc_core_resource_get_n_free (low), ==, 0);
  g_assert_cmpuint (proc_core_resource_get_n_free (combined), ==, 0);
}

static void
test_combining_shared_cores_is_refused (void)
{
  g_autoptr (ProcCoreResource) first = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) second = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) third = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) one_two = combine (first, second);
  g_autoptr (ProcCoreResource) two_three = combine (second, third);
  g_autoptr (ProcCoreResource) part = acquire (first, 2);
  g_autoptr (ProcCoreResource) nested = acquire (part, 1);

  assert_not_combined (first, first);
  assert_not_combined (one_two, second);
  assert_not_combined (one_two, two_three);
  assert_not_combined (first, part);
  assert_not_combined (nested, first);
  assert_not_combined (nested, one_two);
}

static void
test_combining_equal_ids_is_refused (void)
{
  g_autoptr (ProcCoreResource) resource = new_with_ids (1);
  g_autoptr (ProcCoreResource) same = new_with_ids (1);
  g_autoptr (ProcCoreResource) count = proc_core_resource_new (1);
  g_autoptr (ProcCoreResource) mixed = combine (count, same);

  assert_not_combined (resource, same);
  assert_not_combined (mixed, resource);
}

static void
test_combining_more_than_a_number_holds_is_refused (void)
{
  g_autoptr (ProcCoreResource) first = proc_core_resource_new (G_MAXUINT);
  g_autoptr (ProcCoreResource) second = proc_core_resource_new (1);

  assert_not_combined (first, second);
}

static void
test_parts_of_one_resource_can_be_combined (void)
{
  g_autoptr (ProcCoreResource) resource = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) first = acquire (resource, 1);
  g_autoptr (ProcCoreResource) second = acquire (resource, 2);
  g_autoptr (ProcCoreResource) combined = combine (first, second);
  g_autoptr (ProcCoreResource) part = acquire (combined, 3);

  assert_not_released (resource, first);
  release (combined, part);
  release (resource, first);
  g_assert_cmpuint (proc_core_resource_get_n_free (combined), ==, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (resource), ==, 2);
}

static void
test_combined_keeps_both (void)
{
  ProcCoreResource *first = proc_core_resource_new (1);
  ProcCoreResource *second = proc_core_resource_new (1);
  ProcCoreResource *combined = combine (first, second);
  g_autoptr (ProcCoreResource) part = NULL;

  g_object_unref (first);
  g_object_unref (second);
  part = acquire (combined, 2);
  g_object_unref (combined);
  g_assert_cmpuint (proc_core_resource_get_n_free (part), ==, 2);
}

static void
test_contains_compares_counts (void)
{
  g_autoptr (ProcCoreResource) three = proc_core_resource_new (3);
  g_autoptr (ProcCoreResource) four = proc_core_resource_new (4);
  g_autoptr (ProcCoreResource) part = acquire (four, 4);

  g_assert_true (proc_core_resource_contains (four, three));
  g_assert_true (proc_core_resource_contains (four, four));
  g_assert_true (proc_core_resource_contains (four, part));
  g_assert_false (proc_core_resource_contains (three, four));
}

static void
test_contains_compares_ids (void)
{
  g_autoptr (ProcCoreResource) resource = new_with_ids (2);
  g_autoptr (ProcCoreResource) low = NULL;
  g_autoptr (ProcCoreResource) high = NULL;
  g_autoptr (ProcCoreResource) count = proc_core_resource_new (1);

  if (resource == NULL)
    return;

  low = acquire (resource, 1);
  high = acquire (resource, 1);
  g_assert_true (proc_core_resource_contains (resource, high));
  g_assert_false (proc_core_resource_contains (low, high));
  g_assert_false (proc_core_resource_contains (low, resource));
  g_assert_true (proc_core_resource_contains (low, count));
  g_assert_true (proc_core_resource_contains (count, high));
}

/* Threads that draw from two resources and from what is combined of them. Whoever has a core is alone with
 * it, and at the end all are back.
 */
#define N_ROUNDS 20000

typedef struct
{
  ProcCoreResource *resource;
  guint n_cores;
  int *n_users; /* for each core id */
} Drawer;

static gpointer
draw (gpointer data)
{
  Drawer *drawer = data;

  for (guint round = 0; round < N_ROUNDS; round++)
    {
      g_autoptr (ProcCoreResource) part = proc_core_resource_acquire (drawer->resource, drawer->n_cores, NULL);
      gsize n_ids = 0;
      const int *ids = part != NULL ? proc_core_resource_get_ids (part, &n_ids) : NULL;

      for (gsize i = 0; i < n_ids; i++)
        g_assert_cmpint (g_atomic_int_add (&drawer->n_users[ids[i]], 1), ==, 0);
      for (gsize i = 0; i < n_ids; i++)
        g_atomic_int_add (&drawer->n_users[ids[i]], -1);

      /* The others are dropped. */
      if (part != NULL && round % 2 == 0)
        release (drawer->resource, part);
    }

  return NULL;
}

static gpointer
view (gpointer data)
{
  Drawer *drawers = data;

  for (guint round = 0; round < N_ROUNDS / 4; round++)
    {
      g_autoptr (ProcCoreResource) combined = combine (drawers[0].resource, drawers[1].resource);

      g_assert_cmpuint (proc_core_resource_get_n_free (combined), <=, 2);
    }

  return NULL;
}

static void
test_threads_share_a_resource (void)
{
  int n_users[CPU_SETSIZE] = { 0 };
  g_autoptr (ProcCoreResource) resource = new_with_ids (2);
  g_autoptr (ProcCoreResource) first = NULL;
  g_autoptr (ProcCoreResource) second = NULL;
  g_autoptr (ProcCoreResource) one_two = NULL;
  g_autoptr (ProcCoreResource) two_one = NULL;
  GThread *threads[5];

  if (resource == NULL)
    return;

  first = acquire (resource, 1);
  second = acquire (resource, 1);
  one_two = combine (first, second);
  two_one = combine (second, first);

  {
    Drawer drawers[] = {
      { first, 1, n_users },
      { second, 1, n_users },
      { one_two, 2, n_users },
      { two_one, 1, n_users },
    };

    for (guint i = 0; i < G_N_ELEMENTS (drawers); i++)
      threads[i] = g_thread_new ("draw", draw, &drawers[i]);
    threads[4] = g_thread_new ("view", view, drawers);
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
      g_thread_join (threads[i]);
  }

  g_assert_cmpuint (proc_core_resource_get_n_free (one_two), ==, 2);
  g_assert_cmpuint (proc_core_resource_get_n_free (two_one), ==, 2);
}

static void
write_file (const char *root, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (root, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
remove_tree (GFile *folder)
{
  g_autoptr (GFileEnumerator) children = g_file_enumerate_children (folder, "standard::name", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
  GFile *child;

  while (children != NULL && g_file_enumerator_iterate (children, NULL, &child, NULL, NULL) && child != NULL)
    remove_tree (child);
  g_file_delete (folder, NULL, NULL);
}

/* Writes a tree of "a" with "a/b" with "a/b/c" with the quotas given, NULL for no file, and returns what
 * the process in @place has.
 */
static guint
get_quota (const char *place, const char *root_quota, const char *a_quota, const char *b_quota, const char *c_quota)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *root = g_dir_make_tmp ("procpool-XXXXXX", &error);
  g_autofree char *cgroup_file = g_build_filename (root, "cgroup", NULL);
  g_autoptr (GFile) folder = g_file_new_for_path (root);
  const char *names[] = { "cpu.max", "a/cpu.max", "a/b/cpu.max", "a/b/c/cpu.max" };
  const char *quotas[] = { root_quota, a_quota, b_quota, c_quota };
  guint quota;

  g_assert_no_error (error);
  write_file (root, "cgroup", place);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (quotas[i] != NULL)
      write_file (root, names[i], quotas[i]);

  quota = proc_process_cores_get_quota (root, cgroup_file);
  remove_tree (folder);
  return quota;
}

static void
test_quota_is_rounded_up (void)
{
  g_assert_cmpuint (get_quota ("0::/a\n", NULL, "150000 100000\n", NULL, NULL), ==, 2);
  g_assert_cmpuint (get_quota ("0::/a\n", NULL, "200000 100000\n", NULL, NULL), ==, 2);
  g_assert_cmpuint (get_quota ("0::/a\n", NULL, "1000 100000\n", NULL, NULL), ==, 1);
  g_assert_cmpuint (get_quota ("0::/a\n", NULL, "18446744073709551615 1\n", NULL, NULL), ==, G_MAXUINT);
}

static void
test_quota_is_the_smallest_up_to_the_root (void)
{
  g_assert_cmpuint (get_quota ("0::/a/b/c\n", NULL, "300000 100000\n", "max 100000\n", "800000 100000\n"), ==, 3);
  g_assert_cmpuint (get_quota ("0::/a/b\n", NULL, "max 100000\n", "200000 50000\n", "100000 100000\n"), ==, 4);
  g_assert_cmpuint (get_quota ("0::/a/b/c\n", "200000 100000\n", "max 100000\n", NULL, "700000 100000\n"), ==, 2);
}

static void
test_no_quota_is_no_limit (void)
{
  g_assert_cmpuint (get_quota ("0::/a/b/c\n", NULL, "max 100000\n", "max 100000\n", "max 100000\n"), ==, 0);
  g_assert_cmpuint (get_quota ("0::/\n", NULL, "100000 100000\n", NULL, NULL), ==, 0);
  g_assert_cmpuint (get_quota ("0::/elsewhere (deleted)\n", NULL, "100000 100000\n", NULL, NULL), ==, 0);
  g_assert_cmpuint (proc_process_cores_get_quota ("/nonexistent", "/nonexistent/cgroup"), ==, 0);
}

static void
test_quota_of_other_versions_is_ignored (void)
{
  g_assert_cmpuint (get_quota ("4:cpu:/a\n", NULL, "100000 100000\n", NULL, NULL), ==, 0);
  g_assert_cmpuint (get_quota ("4:cpu:/a\n0::/a/b\n", NULL, NULL, "100000 100000\n", NULL), ==, 1);
}

static void
test_quota_in_a_container_is_at_the_mount (void)
{
  g_assert_cmpuint (get_quota ("0::/docker/4f2a\n", "250000 100000\n", NULL, NULL, NULL), ==, 3);
  g_assert_cmpuint (get_quota ("0::/../../a\n", "250000 100000\n", "100000 100000\n", NULL, NULL), ==, 3);
}

static void
test_broken_quota_is_ignored (void)
{
  const char *broken[] = { "", "\n", "100000", "100000 0", "-5 100000", "a b", "100000 100000 1", "9e5 100000" };

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    g_assert_cmpuint (get_quota ("0::/a\n", NULL, broken[i], NULL, NULL), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/core-resource/count-has-no-ids", test_count_has_no_ids);
  g_test_add_func ("/core-resource/properties-tell-cores", test_properties_tell_cores);
  g_test_add_func ("/core-resource/no-cores-is-a-programmer-error", test_no_cores_is_a_programmer_error);
  g_test_add_func ("/core-resource/invalid-ids-are-refused", test_invalid_ids_are_refused);
  g_test_add_func ("/core-resource/core-outside-of-affinity-is-refused", test_core_outside_of_affinity_is_refused);
  g_test_add_func ("/core-resource/ids-are-sorted-and-taken-from-the-lowest", test_ids_are_sorted_and_taken_from_the_lowest);
  g_test_add_func ("/core-resource/process-has-its-affinity", test_process_has_its_affinity);
  g_test_add_func ("/core-resource/too-many-cores-are-refused", test_too_many_cores_are_refused);
  g_test_add_func ("/core-resource/double-release-is-refused", test_double_release_is_refused);
  g_test_add_func ("/core-resource/foreign-release-is-refused", test_foreign_release_is_refused);
  g_test_add_func ("/core-resource/dropped-part-gives-its-cores-back", test_dropped_part_gives_its_cores_back);
  g_test_add_func ("/core-resource/part-keeps-its-resource", test_part_keeps_its_resource);
  g_test_add_func ("/core-resource/part-is-a-resource", test_part_is_a_resource);
  g_test_add_func ("/core-resource/free-cores-are-notified-once-each-change", test_free_cores_are_notified_once_each_change);
  g_test_add_func ("/core-resource/acquiring-in-a-notification-works", test_acquiring_in_a_notification_works);
  g_test_add_func ("/core-resource/combined-takes-from-the-first-first", test_combined_takes_from_the_first_first);
  g_test_add_func ("/core-resource/combined-takes-all-or-nothing", test_combined_takes_all_or_nothing);
  g_test_add_func ("/core-resource/combined-has-ids-if-both-do", test_combined_has_ids_if_both_do);
  g_test_add_func ("/core-resource/combining-shared-cores-is-refused", test_combining_shared_cores_is_refused);
  g_test_add_func ("/core-resource/combining-equal-ids-is-refused", test_combining_equal_ids_is_refused);
  g_test_add_func ("/core-resource/combining-more-than-a-number-holds-is-refused", test_combining_more_than_a_number_holds_is_refused);
  g_test_add_func ("/core-resource/parts-of-one-resource-can-be-combined", test_parts_of_one_resource_can_be_combined);
  g_test_add_func ("/core-resource/combined-keeps-both", test_combined_keeps_both);
  g_test_add_func ("/core-resource/contains-compares-counts", test_contains_compares_counts);
  g_test_add_func ("/core-resource/contains-compares-ids", test_contains_compares_ids);
  g_test_add_func ("/core-resource/threads-share-a-resource", test_threads_share_a_resource);
  g_test_add_func ("/core-resource/quota-is-rounded-up", test_quota_is_rounded_up);
  g_test_add_func ("/core-resource/quota-is-the-smallest-up-to-the-root", test_quota_is_the_smallest_up_to_the_root);
  g_test_add_func ("/core-resource/no-quota-is-no-limit", test_no_quota_is_no_limit);
  g_test_add_func ("/core-resource/quota-of-other-versions-is-ignored", test_quota_of_other_versions_is_ignored);
  g_test_add_func ("/core-resource/quota-in-a-container-is-at-the-mount", test_quota_in_a_container_is_at_the_mount);
  g_test_add_func ("/core-resource/broken-quota-is-ignored", test_broken_quota_is_ignored);

  return g_test_run ();
}
