/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <dirent.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "procpool.h"

/* What the tests of the host share. They wait for events, never for time: a test that waits in vain is
 * ended by its timeout.
 */

#define test_wait_until(condition) \
  G_STMT_START \
  { \
    while (!(condition)) \
      g_main_context_iteration (NULL, TRUE); \
  } \
  G_STMT_END

#define test_assert_error_says(error, text) \
  G_STMT_START \
  { \
    if (strstr ((error)->message, text) == NULL) \
      g_error ("“%s” isn't in “%s”", text, (error)->message); \
  } \
  G_STMT_END

/* Whether a checker makes everything many times slower. */
static inline gboolean
test_is_slow (void)
{
  g_autofree char *maps = NULL;

  if (!g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL))
    return FALSE;

  return strstr (maps, "valgrind") != NULL || strstr (maps, "libasan") != NULL || strstr (maps, "libtsan") != NULL;
}

/* Whether all threads but this one sleep. */
static inline gboolean
test_threads_sleep (void)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) gettid ());
  g_autoptr (GDir) threads = g_dir_open ("/proc/self/task", 0, NULL);
  const char *thread;

  while ((thread = g_dir_read_name (threads)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", thread, "stat", NULL);
      g_autofree char *status = NULL;

      /* As in proc(5): the state follows the name, which is in brackets. */
      if (strcmp (thread, own) != 0 && g_file_get_contents (path, &status, NULL, NULL) && strrchr (status, ')')[2] != 'S')
        return FALSE;
    }
  return TRUE;
}

/* fork(), at a time when no other thread has a lock of the allocator: not every allocator takes care of that, and
 * AddressSanitizer's doesn't.
 */
static inline pid_t
test_fork (void)
{
  while (!test_threads_sleep ())
    g_thread_yield ();
  return fork ();
}

/* ---- pools ---- */

static inline ProcLauncher *
test_launcher_new (const char *option)
{
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), option, NULL };

  g_assert_nonnull (argv[0]);
  return proc_local_launcher_new (argv);
}

/* Of the test helper; with one worker unless @max_workers says more. */
static inline ProcPool *
test_pool_new (guint max_workers)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  ProcPool *pool = proc_pool_new (launcher);

  proc_pool_set_max_workers (pool, max_workers);
  return pool;
}

/* Borrowed: the list holds it. */
static inline ProcWorker *
test_get_worker (ProcPool *pool, guint position)
{
  ProcWorker *worker = g_list_model_get_item (proc_pool_get_workers (pool), position);

  g_assert_nonnull (worker);
  g_object_unref (worker);
  return worker;
}

/* ---- runs ---- */

/* One run, which must complete once. */
typedef struct
{
  guint n_completions;
  GVariant *value;
  GError *error;
  ProcTask *task;
  GThread *thread; /* where it completed */
} TestRun;

static inline void
test_run_completed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TestRun *run = user_data;

  run->n_completions++;
  g_assert_cmpuint (run->n_completions, ==, 1);
  run->value = proc_pool_run_finish (PROC_POOL (source), result, &run->error);
  g_assert_true ((run->value != NULL) != (run->error != NULL));
  run->thread = g_thread_self ();
}

static inline TestRun *
test_run_start_task (ProcPool *pool, ProcTask *task, GCancellable *cancellable)
{
  TestRun *run = g_new0 (TestRun, 1);

  run->task = g_object_ref (task);
  proc_pool_run_async (pool, task, cancellable, test_run_completed, run);
  return run;
}

static inline TestRun *
test_run_start (ProcPool *pool, const char *function, GVariant *arguments, GCancellable *cancellable)
{
  g_autoptr (ProcTask) task = proc_task_new (function, arguments);

  return test_run_start_task (pool, task, cancellable);
}

static inline void
test_run_wait (TestRun *run)
{
  test_wait_until (run->n_completions > 0);
}

static inline void
test_run_free (TestRun *run)
{
  g_assert_cmpuint (run->n_completions, ==, 1);
  g_clear_pointer (&run->value, g_variant_unref);
  g_clear_error (&run->error);
  g_object_unref (run->task);
  g_free (run);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestRun, test_run_free)

static inline void
test_run_wait_until_running (TestRun *run)
{
  test_wait_until (proc_task_get_state (run->task) == PROC_TASK_STATE_RUNNING || run->n_completions > 0);
  g_assert_cmpint (proc_task_get_state (run->task), ==, PROC_TASK_STATE_RUNNING);
}

/* For functions that tell when they wait. */
static inline void
test_run_wait_until_told (TestRun *run, const char *progress_text)
{
  test_wait_until (g_strcmp0 (proc_task_get_progress_text (run->task), progress_text) == 0 || run->n_completions > 0);
  g_assert_cmpuint (run->n_completions, ==, 0);
}

/* Runs the main loop until it is done. */
static inline GVariant *
test_run_task (ProcPool *pool, ProcTask *task, GError **error)
{
  g_autoptr (TestRun) run = test_run_start_task (pool, task, NULL);

  test_run_wait (run);
  if (run->error != NULL)
    g_propagate_error (error, g_steal_pointer (&run->error));

  return g_steal_pointer (&run->value);
}

static inline GVariant *
test_call (ProcPool *pool, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (ProcTask) task = proc_task_new (function, arguments);

  return test_run_task (pool, task, error);
}

/* For functions that return an int32. */
static inline int
test_call_int (ProcPool *pool, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = test_call (pool, function, arguments, &error);

  g_assert_no_error (error);
  return g_variant_get_int32 (value);
}

/* That a pool answers, whatever happened to it. */
static inline void
test_assert_answers (ProcPool *pool)
{
  g_assert_cmpint (test_call_int (pool, "add", g_variant_new ("(ii)", 2, 3)), ==, 5);
}

/* ---- the end ---- */

static inline void
test_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_pool_close_finish (PROC_POOL (source), result, &error));
  g_assert_no_error (error);
  ++*(guint *) user_data;
}

static inline void
test_close (ProcPool *pool, ProcCloseMode mode)
{
  guint n_closed = 0;

  proc_pool_close_async (pool, mode, NULL, test_closed, &n_closed);
  test_wait_until (n_closed > 0);
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);
}

/* Closes it and lets it go: nobody may hold it any more. */
static inline void
test_pool_finish (ProcPool *pool)
{
  gpointer weak = pool;

  test_close (pool, PROC_CLOSE_CANCEL);
  g_object_add_weak_pointer (G_OBJECT (pool), &weak);
  g_object_unref (pool);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (weak);
}

/* ---- what is left ---- */

static inline guint
test_count_entries (const char *path)
{
  DIR *directory = opendir (path);
  guint n_entries = 0;

  if (directory == NULL)
    return 0;
  while (readdir (directory) != NULL)
    n_entries++;
  closedir (directory);
  return n_entries;
}

static inline guint
test_count_fds (void)
{
  return test_count_entries ("/proc/self/fd");
}

/* Of memory files of that name. */
static inline guint
test_count_mappings (const char *name)
{
  g_autofree char *pattern = g_strconcat ("memfd:", name, NULL);
  g_autofree char *maps = NULL;
  guint n_mappings = 0;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  for (const char *found = maps; (found = strstr (found, pattern)) != NULL; found++)
    n_mappings++;
  return n_mappings;
}

/* Of all threads, zombies too. */
static inline guint
test_count_children (void)
{
  DIR *directory = opendir ("/proc/self/task");
  const struct dirent *entry;
  guint n_children = 0;

  while ((entry = readdir (directory)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/children", entry->d_name);
      g_autofree char *children = NULL;

      if (entry->d_name[0] != '.' && g_file_get_contents (path, &children, NULL, NULL))
        {
          for (const char *c = children; *c; c++)
            n_children += *c == ' ';
        }
    }

  closedir (directory);
  return n_children;
}

/* GLib's own thread reaps them, at a time that no event tells. */
static inline void
test_wait_for_no_children (void)
{
  while (test_count_children () > 0)
    {
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
    }
}

/* No more than @n_fds are open: for ever, if one is lost. GLib's thread closes its own a moment after it has reaped. */
static inline void
test_wait_for_fds (guint n_fds)
{
  while (test_count_fds () > n_fds)
    {
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
    }
}
