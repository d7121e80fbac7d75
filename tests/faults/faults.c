/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "faults.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What other threads close, they close soon: after so long it is taken for a leak. */
#define PATIENCE (30 * G_TIME_SPAN_SECOND)

typedef struct
{
  void (*func) (void);
  void (*func_with_data) (gconstpointer data);
  gconstpointer data;
} Fault;

typedef struct
{
  guint n_fds;
  guint n_children;
} Ledger;

static void
open_ledger (Ledger *ledger, gconstpointer data)
{
  ledger->n_fds = test_count_fds ();
  ledger->n_children = test_count_children ();
}

static void
run_fault (Ledger *ledger, gconstpointer data)
{
  const Fault *fault = data;

  if (fault->func)
    fault->func ();
  else
    fault->func_with_data (fault->data);
}

/* A helper leads a group; what it leaves behind is in the group and was given to this process. Nobody but this
 * process reaps that, and helpers are GLib's to reap.
 */
static void
reap_if_orphan (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;
  const char *end_of_name;
  char state;
  int group;

  if (!g_file_get_contents (path, &stat, NULL, NULL) || (end_of_name = strrchr (stat, ')')) == NULL)
    return;
  if (sscanf (end_of_name + 1, " %c %*d %d", &state, &group) == 2 && state == 'Z' && group != pid && group != getpgrp ())
    waitpid (pid, NULL, WNOHANG);
}

static void
describe (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;

  if (g_file_get_contents (path, &stat, NULL, NULL))
    g_printerr ("left behind: %s", stat);
}

/* Orphans come to the main thread. */
static void
for_each_child (void (*func) (int pid))
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", getpid ());
  g_autofree char *children = NULL;
  g_auto (GStrv) pids = NULL;

  if (!g_file_get_contents (path, &children, NULL, NULL))
    return;

  pids = g_strsplit (children, " ", -1);
  for (guint i = 0; pids[i] != NULL && pids[i][0] != '\0'; i++)
    func (atoi (pids[i]));
}

static void
check_ledger (Ledger *ledger, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while ((test_count_fds () != ledger->n_fds || test_count_children () != ledger->n_children) && g_get_monotonic_time () < deadline)
    {
      g_main_context_iteration (NULL, FALSE);
      for_each_child (reap_if_orphan);
      g_thread_yield ();
    }

  for_each_child (describe);
  g_assert_cmpuint (test_count_fds (), ==, ledger->n_fds);
  g_assert_cmpuint (test_count_children (), ==, ledger->n_children);
}

void
faults_init (int *argc, char ***argv)
{
  ProcPool *pool;

  g_test_init (argc, argv, NULL);

  /* What outlives a helper is seen as a child. */
  prctl (PR_SET_CHILD_SUBREAPER, 1);

  pool = test_pool_new (1);
  test_assert_answers (pool);
  test_pool_finish (pool);
  while (test_count_children () > 0)
    g_thread_yield ();
}

static void
add (const char *path, Fault fault)
{
  static GSList *all; /* so that the checkers see them */
  Fault *copy = g_memdup2 (&fault, sizeof fault);

  all = g_slist_prepend (all, copy);
  g_test_add_vtable (path, sizeof (Ledger), copy,
                     (GTestFixtureFunc) open_ledger, (GTestFixtureFunc) run_fault, (GTestFixtureFunc) check_ledger);
}

void
faults_add (const char *path, void (*func) (void))
{
  add (path, (Fault) { .func = func });
}

void
faults_add_data (const char *path, gconstpointer data, void (*func) (gconstpointer data))
{
  add (path, (Fault) { .func_with_data = func, .data = data });
}

void
faults_finish (ProcPool *pool)
{
  test_assert_answers (pool);
  test_pool_finish (pool);
}

void
faults_assert_fails (TestRun *run, int code)
{
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, code);
}

gsize
faults_get_memory (const char *line)
{
  g_autofree char *status = NULL;
  const char *found;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  found = strstr (status, line);
  g_assert_nonnull (found);

  return (gsize) g_ascii_strtoull (found + strlen (line) + 1, NULL, 10) * 1024;
}
