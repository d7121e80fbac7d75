/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/queue.h"

/* Runs with names, in the order in which they were pushed: a, b, c, … */
typedef struct
{
  ProcReactor *reactor;
  ProcQueue *queue;
  guint n_pushed;
  guint n_free_cores; /* what fits() goes by */
  ProcIsolation refused;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->reactor = proc_reactor_new (NULL);
  self->queue = proc_queue_new ();
  self->n_free_cores = 2;
  self->refused = (ProcIsolation) -1;
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  ProcRun *run;

  while ((run = proc_queue_pop_any (self->queue)) != NULL)
    proc_run_unref (run);
  proc_queue_free (self->queue);
  proc_reactor_unref (self->reactor);
}

static ProcRun *
push (Fixture *self, int priority, guint cores, ProcIsolation isolation)
{
  const char name[] = { (char) ('a' + self->n_pushed++ % 26), '\0' };
  g_autoptr (ProcTask) task = proc_task_new (name, NULL);
  ProcRun *run;

  proc_task_set_priority (task, priority);
  proc_task_set_cores (task, cores);
  proc_task_set_isolation (task, isolation);
  run = proc_run_new (self->reactor, task, NULL);
  proc_queue_push (self->queue, run);
  proc_run_unref (run);

  return run; /* the queue's */
}

static void
push_plain (Fixture *self, guint n)
{
  for (guint i = 0; i < n; i++)
    push (self, 0, 0, PROC_ISOLATION_SHARED);
}

static gboolean
fits (ProcRun *run, gpointer user_data)
{
  Fixture *self = user_data;

  return proc_task_get_cores (run->task) <= self->n_free_cores && proc_task_get_isolation (run->task) != self->refused;
}

/* '-' for none. */
static char
pick (Fixture *self)
{
  g_autoptr (ProcRun) run = proc_queue_pick (self->queue, fits, self);

  return run != NULL ? proc_task_get_function (run->task)[0] : '-';
}

static void
assert_picks (Fixture *self, const char *names)
{
  for (; *names != '\0'; names++)
    g_assert_cmpint (pick (self), ==, *names);
}

static void
test_oldest_first (Fixture *self, gconstpointer unused)
{
  push_plain (self, 4);
  g_assert_cmpuint (proc_queue_get_length (self->queue), ==, 4);
  assert_picks (self, "abcd-");
  g_assert_cmpuint (proc_queue_get_length (self->queue), ==, 0);
}

static void
test_oldest_first_across_needs (Fixture *self, gconstpointer unused)
{
  push (self, 0, 2, PROC_ISOLATION_SHARED);
  push (self, 0, 0, PROC_ISOLATION_EXCLUSIVE);
  push (self, 0, 1, PROC_ISOLATION_SHARED);
  push (self, 0, 0, PROC_ISOLATION_DEDICATED);
  push (self, 0, 2, PROC_ISOLATION_SHARED);
  assert_picks (self, "abcde-");
}

static void
test_highest_priority_first (Fixture *self, gconstpointer unused)
{
  push (self, -1, 0, PROC_ISOLATION_SHARED);
  push (self, 7, 1, PROC_ISOLATION_SHARED);
  push (self, G_MAXINT, 0, PROC_ISOLATION_SHARED);
  push (self, 7, 0, PROC_ISOLATION_SHARED);
  push (self, G_MININT, 0, PROC_ISOLATION_SHARED);
  assert_picks (self, "cbdae-");
}

static void
test_one_that_does_not_fit_is_passed (Fixture *self, gconstpointer unused)
{
  push (self, 0, 3, PROC_ISOLATION_SHARED);
  push (self, 0, 1, PROC_ISOLATION_SHARED);
  push (self, -1, 0, PROC_ISOLATION_SHARED);
  assert_picks (self, "bc-");
  self->n_free_cores = 3;
  assert_picks (self, "a-");
}

static void
test_one_is_not_passed_for_ever (Fixture *self, gconstpointer unused)
{
  guint n_passed = 0;

  push (self, 0, 3, PROC_ISOLATION_SHARED);
  push_plain (self, 100);
  while (pick (self) != '-')
    n_passed++;

  g_assert_cmpuint (n_passed, >, 0);
  g_assert_cmpuint (n_passed, <, 100);

  /* Higher ones are not held back for it. */
  push (self, 1, 0, PROC_ISOLATION_SHARED);
  g_assert_cmpint (pick (self), !=, '-');
  g_assert_cmpint (pick (self), ==, '-');

  self->n_free_cores = 3;
  assert_picks (self, "a");
  g_assert_cmpint (pick (self), !=, '-');
}

static void
test_put_back_where_it_was (Fixture *self, gconstpointer unused)
{
  ProcRun *first;

  push_plain (self, 3);
  first = proc_queue_pick (self->queue, fits, self);
  proc_queue_put_back (self->queue, first);
  proc_run_unref (first);
  assert_picks (self, "abc-");
}

static void
test_isolation_that_does_not_fit (Fixture *self, gconstpointer unused)
{
  self->refused = PROC_ISOLATION_DEDICATED;
  push (self, 0, 0, PROC_ISOLATION_DEDICATED);
  push (self, 0, 0, PROC_ISOLATION_SHARED);
  g_assert_cmpuint (proc_queue_count_dedicated (self->queue), ==, 1);
  assert_picks (self, "b-");
  self->refused = (ProcIsolation) -1;
  assert_picks (self, "a-");
  g_assert_cmpuint (proc_queue_count_dedicated (self->queue), ==, 0);
}

static void
test_removed (Fixture *self, gconstpointer unused)
{
  ProcRun *second;

  push_plain (self, 1);
  second = push (self, 0, 0, PROC_ISOLATION_SHARED);
  push_plain (self, 1);
  g_assert_true (second->queued);
  g_assert_true (proc_queue_remove (self->queue, second) == second);
  g_assert_false (second->queued);
  proc_run_unref (second);
  assert_picks (self, "ac-");
}

static void
test_worker_count (Fixture *self, gconstpointer unused)
{
  g_assert_cmpuint (proc_queue_count_workers (self->queue, 2, 1, 10), ==, 0);

  push_plain (self, 5);
  g_assert_cmpuint (proc_queue_count_workers (self->queue, 2, 1, 10), ==, 5);
  g_assert_cmpuint (proc_queue_count_workers (self->queue, 2, 1, 3), ==, 3);
  g_assert_cmpuint (proc_queue_count_workers (self->queue, 2, 2, 10), ==, 3);

  /* One of them has cores now; exclusive ones don't share. */
  push (self, 0, 2, PROC_ISOLATION_SHARED);
  push (self, 0, 2, PROC_ISOLATION_SHARED);
  push (self, 0, 0, PROC_ISOLATION_EXCLUSIVE);
  push (self, 0, 0, PROC_ISOLATION_DEDICATED);
  g_assert_cmpuint (proc_queue_count_workers (self->queue, 3, 5, 10), ==, 4);
  g_assert_cmpuint (proc_queue_count_workers (self->queue, 0, 5, 10), ==, 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/queue/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("oldest-first", test_oldest_first);
  ADD ("oldest-first-across-needs", test_oldest_first_across_needs);
  ADD ("highest-priority-first", test_highest_priority_first);
  ADD ("passed", test_one_that_does_not_fit_is_passed);
  ADD ("not-passed-for-ever", test_one_is_not_passed_for_ever);
  ADD ("put-back", test_put_back_where_it_was);
  ADD ("isolation", test_isolation_that_does_not_fit);
  ADD ("removed", test_removed);
  ADD ("worker-count", test_worker_count);
#undef ADD

  return g_test_run ();
}
