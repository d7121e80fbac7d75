/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Pools that close at a signal, and the program's own handlers, which come after that. */

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "testing.h"

static volatile sig_atomic_t n_signals;

static void
count_signal (int signum)
{
  n_signals++;
}

static void
set_handler (int signum, void (*handler) (int))
{
  struct sigaction action = { .sa_handler = handler };

  n_signals = 0;
  sigaction (signum, &action, NULL);
}

static gboolean
has_handler (int signum, void (*handler) (int))
{
  struct sigaction action;

  sigaction (signum, NULL, &action);
  return action.sa_handler == handler;
}

static void
test_drains_and_then_the_program_is_told (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) gate = g_cancellable_new ();
  g_autoptr (TestRun) running = NULL;
  g_autoptr (TestRun) queued = NULL;

  set_handler (SIGTERM, count_signal);
  proc_pool_watch_signal (pool, SIGTERM, PROC_CLOSE_DRAIN);
  g_assert_false (has_handler (SIGTERM, count_signal));

  running = test_run_start (pool, "wait-for-cancel", NULL, gate);
  queued = test_run_start (pool, "add", g_variant_new ("(ii)", 2, 3), NULL);
  test_run_wait_until_told (running, "waiting");
  kill (getpid (), SIGTERM);
  test_wait_until (proc_pool_get_closed (pool));
  g_assert_cmpint (n_signals, ==, 0);

  g_cancellable_cancel (gate);
  test_run_wait (queued);
  g_assert_no_error (queued->error);
  g_assert_cmpint (g_variant_get_int32 (queued->value), ==, 5);
  test_wait_until (n_signals == 1);
  g_assert_true (has_handler (SIGTERM, count_signal));
  g_assert_cmpuint (proc_pool_get_n_workers (pool), ==, 0);

  test_run_wait (running);
  test_pool_finish (pool);
  set_handler (SIGTERM, SIG_DFL);
}

static void
test_again_kills (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = NULL;

  set_handler (SIGINT, count_signal);
  proc_pool_watch_signal (pool, SIGINT, PROC_CLOSE_DRAIN);
  run = test_run_start (pool, "ignore-sigterm", NULL, NULL);
  test_run_wait_until_told (run, "sleeping");

  kill (getpid (), SIGINT);
  test_wait_until (proc_pool_get_closed (pool));
  g_assert_cmpuint (run->n_completions, ==, 0);
  kill (getpid (), SIGINT);
  test_run_wait (run);
  g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  test_wait_until (n_signals == 1);

  test_pool_finish (pool);
  set_handler (SIGINT, SIG_DFL);
}

static void
test_the_last_of_several_pools_counts (void)
{
  ProcPool *idle = test_pool_new (1);
  ProcPool *busy = test_pool_new (1);
  g_autoptr (GCancellable) gate = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;

  set_handler (SIGTERM, count_signal);
  proc_pool_watch_signal (idle, SIGTERM, PROC_CLOSE_CANCEL);
  proc_pool_watch_signal (busy, SIGTERM, PROC_CLOSE_CANCEL);
  proc_pool_watch_signal (busy, SIGTERM, PROC_CLOSE_DRAIN);
  run = test_run_start (busy, "wait-for-cancel", NULL, gate);
  test_run_wait_until_told (run, "waiting");

  kill (getpid (), SIGTERM);
  test_wait_until (proc_pool_get_closed (idle) && proc_pool_get_closed (busy));
  test_pool_finish (idle);
  g_assert_cmpint (n_signals, ==, 0);

  g_cancellable_cancel (gate);
  test_wait_until (n_signals == 1);
  test_run_wait (run);
  test_pool_finish (busy);
  set_handler (SIGTERM, SIG_DFL);
}

static void
test_given_back_when_not_watched_any_more (void)
{
  ProcPool *pool = test_pool_new (1);
  ProcPool *dropped = test_pool_new (1);

  set_handler (SIGTERM, count_signal);
  set_handler (SIGHUP, SIG_IGN);
  proc_pool_watch_signal (pool, SIGTERM, PROC_CLOSE_DRAIN);
  proc_pool_watch_signal (dropped, SIGTERM, PROC_CLOSE_DRAIN);
  proc_pool_watch_signal (dropped, SIGHUP, PROC_CLOSE_DRAIN);
  g_assert_false (has_handler (SIGHUP, SIG_IGN));

  proc_pool_unwatch_signal (pool, SIGTERM);
  g_assert_false (has_handler (SIGTERM, count_signal));
  g_object_unref (dropped);
  g_assert_true (has_handler (SIGTERM, count_signal));
  g_assert_true (has_handler (SIGHUP, SIG_IGN));
  g_assert_cmpint (n_signals, ==, 0);

  proc_pool_unwatch_signal (pool, SIGTERM);
  g_assert_false (proc_pool_get_closed (pool));
  test_pool_finish (pool);
  set_handler (SIGTERM, SIG_DFL);
  set_handler (SIGHUP, SIG_DFL);
}

static gboolean
count_in_loop (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

static void
test_beside_a_watch_of_glib (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_times = 0;
  guint source;

  proc_pool_watch_signal (pool, SIGTERM, PROC_CLOSE_DRAIN);
  source = g_unix_signal_add (SIGTERM, count_in_loop, &n_times);
  kill (getpid (), SIGTERM);

  test_close (pool, PROC_CLOSE_DRAIN);
  test_wait_until (n_times > 0);

  /* It is still there. */
  n_times = 0;
  kill (getpid (), SIGTERM);
  test_wait_until (n_times > 0);
  g_source_remove (source);
  g_assert_true (has_handler (SIGTERM, SIG_DFL));
  test_pool_finish (pool);
}

static void
test_without_a_handler_it_ends_the_program (void)
{
  if (g_test_subprocess ())
    {
      ProcPool *pool = test_pool_new (1);
      TestRun *run;

      proc_pool_watch_signal (pool, SIGTERM, PROC_CLOSE_DRAIN);
      run = test_run_start (pool, "async-delay", g_variant_new ("(uv)", 1, g_variant_new_string ("drained")), NULL);
      test_run_wait_until_running (run);
      kill (getpid (), SIGTERM);
      test_run_wait (run);
      printf ("%s\n", g_variant_get_string (run->value, NULL));
      fflush (stdout);
      test_wait_until (FALSE);
    }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stdout ("*drained*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/signal-watch/drains-and-then-the-program-is-told", test_drains_and_then_the_program_is_told);
  g_test_add_func ("/signal-watch/again-kills", test_again_kills);
  g_test_add_func ("/signal-watch/the-last-of-several-pools-counts", test_the_last_of_several_pools_counts);
  g_test_add_func ("/signal-watch/given-back-when-not-watched-any-more", test_given_back_when_not_watched_any_more);
  g_test_add_func ("/signal-watch/beside-a-watch-of-glib", test_beside_a_watch_of_glib);
  g_test_add_func ("/signal-watch/without-a-handler-it-ends-the-program", test_without_a_handler_it_ends_the_program);

  return g_test_run ();
}
