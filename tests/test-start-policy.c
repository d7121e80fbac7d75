/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>

#include "base/error.h"
#include "base/exit-code.h"
#include "host/start-policy.h"

#define NOW (1000 * G_TIME_SPAN_SECOND)

static GError *
new_momentary_error (void)
{
  return g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED, "can't fork: %s", g_strerror (EAGAIN));
}

static GError *
new_lasting_error (void)
{
  return g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED, "can't run it: %s", g_strerror (ENOENT));
}

static void
test_fresh_one_starts_at_once (void)
{
  ProcStartPolicy policy = { 0 };

  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW), ==, 0);
  g_assert_true (proc_start_policy_is_hopeful (&policy));
}

static void
test_lasting_failure_fails_and_pauses (void)
{
  ProcStartPolicy policy = { 0 };
  g_autoptr (GError) error = new_lasting_error ();

  g_assert_cmpint (proc_start_policy_note_failure (&policy, error, -1, NOW), ==, PROC_START_FAIL);
  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW), >, 0);
  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW + G_TIME_SPAN_MINUTE), ==, 0);
  proc_start_policy_clear (&policy);
}

static void
test_pauses_grow_to_a_limit (void)
{
  ProcStartPolicy policy = { 0 };
  g_autoptr (GError) error = new_lasting_error ();
  guint last = 0;

  for (int i = 0; i < 100; i++)
    {
      guint pause;

      proc_start_policy_note_failure (&policy, error, 1, NOW);
      pause = proc_start_policy_get_pause (&policy, NOW);
      g_assert_cmpuint (pause, >=, last);
      g_assert_cmpuint (pause, <=, 10000);
      last = pause;
    }

  g_assert_cmpuint (last, ==, 10000);
  proc_start_policy_clear (&policy);
}

static void
test_momentary_failure_is_tried_again_a_few_times (void)
{
  ProcStartPolicy policy = { 0 };
  g_autoptr (GError) error = new_momentary_error ();
  guint n_tries = 1;

  while (proc_start_policy_note_failure (&policy, error, -1, NOW) == PROC_START_AGAIN)
    n_tries++;

  g_assert_cmpuint (n_tries, >, 1);
  g_assert_cmpuint (n_tries, <, 20);
  proc_start_policy_clear (&policy);
}

static void
test_reply_forgives (void)
{
  ProcStartPolicy policy = { 0 };
  g_autoptr (GError) error = new_lasting_error ();

  for (int i = 0; i < 20; i++)
    proc_start_policy_note_failure (&policy, error, -1, NOW);
  g_assert_false (proc_start_policy_is_hopeful (&policy));

  proc_start_policy_note_reply (&policy);
  g_assert_true (proc_start_policy_is_hopeful (&policy));
  proc_start_policy_note_failure (&policy, error, -1, NOW);
  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW), <, 1000);
  proc_start_policy_clear (&policy);
}

static void
test_refusal_is_kept (void)
{
  ProcStartPolicy policy = { 0 };
  g_autoptr (GError) error = new_momentary_error ();

  g_assert_cmpint (proc_start_policy_note_failure (&policy, error, PROC_HELPER_EXIT_REFUSED, NOW), ==, PROC_START_FAIL);
  g_assert_error (policy.refusal, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
  g_assert_false (proc_start_policy_is_hopeful (&policy));
  proc_start_policy_note_reply (&policy);
  g_assert_false (proc_start_policy_is_hopeful (&policy));
  proc_start_policy_clear (&policy);
}

/* One replacement after the other. */
static ProcStartVerdict
crash (ProcStartPolicy *policy, gboolean repeated)
{
  return proc_start_policy_note_crash (policy, proc_start_policy_get_generation (policy), repeated, NOW);
}

static void
test_crashes_cost_nothing_at_first (void)
{
  ProcStartPolicy policy = { 0 };
  guint n_free = 0;

  while (proc_start_policy_get_pause (&policy, NOW) == 0)
    {
      g_assert_cmpint (crash (&policy, FALSE), ==, PROC_START_AGAIN);
      n_free++;
    }

  g_assert_cmpuint (n_free, >, 1);
  proc_start_policy_clear (&policy);
}

static void
test_crash_loop_breaks_off (void)
{
  ProcStartPolicy policy = { 0 };
  guint n_crashes = 1;

  while (crash (&policy, FALSE) == PROC_START_AGAIN)
    n_crashes++;
  g_assert_cmpuint (n_crashes, >, 1);
  g_assert_false (proc_start_policy_is_hopeful (&policy));
  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW), >, 0);

  proc_start_policy_note_reply (&policy);
  g_assert_true (proc_start_policy_is_hopeful (&policy));
  g_assert_cmpint (crash (&policy, FALSE), ==, PROC_START_AGAIN);
  proc_start_policy_clear (&policy);
}

static void
test_task_that_kills_again_says_nothing_of_the_helpers (void)
{
  ProcStartPolicy policy = { 0 };

  for (int i = 0; i < 100; i++)
    g_assert_cmpint (crash (&policy, TRUE), ==, PROC_START_AGAIN);

  g_assert_true (proc_start_policy_is_hopeful (&policy));
  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW), <, 1000);
  proc_start_policy_clear (&policy);
}

static void
test_workers_lost_together_count_as_one (void)
{
  ProcStartPolicy policy = { 0 };
  guint generation = proc_start_policy_get_generation (&policy);

  for (int i = 0; i < 100; i++)
    g_assert_cmpint (proc_start_policy_note_crash (&policy, generation, FALSE, NOW), ==, PROC_START_AGAIN);

  g_assert_cmpuint (proc_start_policy_get_pause (&policy, NOW), ==, 0);
  proc_start_policy_clear (&policy);
}

static void
test_worker_from_before_two_crashes_has_outlived_them (void)
{
  ProcStartPolicy policy = { 0 };
  guint generation = proc_start_policy_get_generation (&policy);

  crash (&policy, FALSE);
  g_assert_false (proc_start_policy_has_outlived (&policy, generation));
  crash (&policy, FALSE);
  g_assert_true (proc_start_policy_has_outlived (&policy, generation));
  g_assert_false (proc_start_policy_has_outlived (&policy, proc_start_policy_get_generation (&policy)));
  proc_start_policy_clear (&policy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/start-policy/fresh", test_fresh_one_starts_at_once);
  g_test_add_func ("/start-policy/lasting-failure", test_lasting_failure_fails_and_pauses);
  g_test_add_func ("/start-policy/pauses-grow", test_pauses_grow_to_a_limit);
  g_test_add_func ("/start-policy/momentary-failure", test_momentary_failure_is_tried_again_a_few_times);
  g_test_add_func ("/start-policy/reply-forgives", test_reply_forgives);
  g_test_add_func ("/start-policy/refusal", test_refusal_is_kept);
  g_test_add_func ("/start-policy/crashes/free-at-first", test_crashes_cost_nothing_at_first);
  g_test_add_func ("/start-policy/crashes/loop", test_crash_loop_breaks_off);
  g_test_add_func ("/start-policy/crashes/repeated", test_task_that_kills_again_says_nothing_of_the_helpers);
  g_test_add_func ("/start-policy/crashes/together", test_workers_lost_together_count_as_one);
  g_test_add_func ("/start-policy/crashes/outlived", test_worker_from_before_two_crashes_has_outlived_them);

  return g_test_run ();
}
