/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a hostile helper may send: bytes, values and ids. In most tests one run meets the misbehaviour, and the
 * next has an honest helper.
 */

#include "hostile-pool.h"

#include <signal.h>

/* How much more memory a refusal may take at its peak. */
#define SOME_MEMORY (64 * 1024 * 1024)

/* ---- garbage, versions, lengths ---- */

static void
test_garbage (void)
{
  static const char *const moments[] = { "garbage-at-once", "garbage-after-hello", "garbage-in-task", "garbage-behind-magic" };

  for (gsize i = 0; i < G_N_ELEMENTS (moments); i++)
    {
      g_autofree char *seed = g_strdup_printf ("%d", g_test_rand_int_range (0, G_MAXINT));
      ProcPool *pool = faults_hostile_pool_new (moments[i], seed);
      g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

      g_test_message ("%s %s", moments[i], seed);
      test_run_wait (run);
      /* By chance the type may be a good one, and then it is the sizes that are refused. */
      if (!g_error_matches (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_TOO_LARGE))
        g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);

      faults_finish (pool);
    }
}

static void
test_wrong_version (void)
{
  ProcPool *pool = faults_hostile_pool_new ("wrong-version", "999");
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  faults_assert_fails (run, PROC_POOL_ERROR_VERSION);
  test_assert_error_says (run->error, "version 999");
  test_assert_error_says (run->error, "version 1");

  faults_finish (pool);
}

static void
test_oversize (void)
{
  static const struct
  {
    const char *part;
    const char *size;
  } lies[] = {
    { "oversize-payload", "1073741825" },           /* the limit and 1 */
    { "oversize-payload", "4294967295" },           /* 2^32 - 1 */
    { "oversize-payload", "4294967296" },
    { "oversize-payload", "4611686018427387904" },  /* 2^62 */
    { "oversize-payload", "9223372036854775807" },
    { "oversize-payload", "9223372036854775808" },  /* negative as signed */
    { "oversize-payload", "18446744073709551584" }, /* 2^64 - 32: with the header, 0 */
    { "oversize-payload", "18446744073709551609" }, /* 2^64 - 7: padded, 0 */
    { "oversize-payload", "18446744073709551615" },
    { "oversize-head", "1048577" },
    { "oversize-head", "2147483648" },
    { "oversize-head", "4294967264" },
    { "oversize-head", "4294967295" },
    { "oversize-type", "4097" },
    { "oversize-type", "4294967295" },
  };
  gsize before = faults_get_memory ("VmPeak");

  for (gsize i = 0; i < G_N_ELEMENTS (lies); i++)
    faults_expect (lies[i].part, lies[i].size, PROC_POOL_ERROR_TOO_LARGE, lies[i].size);

  g_assert_cmpuint (faults_get_memory ("VmPeak") - before, <, SOME_MEMORY);
}

/* ---- slowly, in parts ---- */

static void
test_slow_frame (void)
{
  static const char *const ways[] = { "slow-frame", "slow-drip" };

  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      ProcPool *pool = faults_hostile_pool_new (ways[i], NULL);

      proc_pool_set_frame_timeout (pool, 100);
      faults_meet (pool, PROC_POOL_ERROR_PROTOCOL, "didn't end it within 100 ms");
      proc_pool_set_frame_timeout (pool, 30000);
      faults_finish (pool);
    }
}

static void
test_partial (void)
{
  /* The frame has 80 bytes; with all of them it is an answer. */
  for (guint size = 0;; size++)
    {
      g_autofree char *argument = g_strdup_printf ("%u", size);
      ProcPool *pool = faults_hostile_pool_new ("partial", argument);
      g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
      gboolean complete;

      test_run_wait (run);
      complete = g_error_matches (run->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      if (!complete)
        g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);

      faults_finish (pool);
      if (complete)
        {
          g_assert_cmpuint (size, >, 64);
          return;
        }
    }
}

static void
note_output (ProcTask *task, GVariant *value, gpointer user_data)
{
  ++*(guint *) user_data;
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, 7);
}

static void
test_one_byte (void)
{
  ProcPool *pool = faults_hostile_pool_new ("one-byte", NULL);
  g_autoptr (ProcTask) task = proc_task_new ("echo", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  guint n_outputs = 0;

  g_signal_connect (task, "output", G_CALLBACK (note_output), &n_outputs);
  value = test_run_task (pool, task, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "bit by bit");
  g_assert_cmpstr (proc_task_get_progress_text (task), ==, "half");
  g_assert_cmpuint (n_outputs, ==, 1);

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

/* ---- values ---- */

static void
test_not_normal (void)
{
  static const char *const values[] = {
    "not-normal-strings", "not-normal-booleans", "not-normal-offsets", "not-normal-arrays", "not-normal-deep",
    "not-normal-deep-type", "not-normal-type", "not-normal-indefinite-type", "not-normal-head", "not-normal-padding",
  };
  gsize before = faults_get_memory ("VmPeak");

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    faults_expect (values[i], NULL, PROC_POOL_ERROR_PROTOCOL, NULL);

  g_assert_cmpuint (faults_get_memory ("VmPeak") - before, <, 2 * SOME_MEMORY);
}

static void
test_wrong_message (void)
{
  static const char *const messages[] = { "run", "cancel", "hello", "ready", "returned", "start-error" };

  for (gsize i = 0; i < G_N_ELEMENTS (messages); i++)
    faults_expect ("wrong-message", messages[i], PROC_POOL_ERROR_PROTOCOL, NULL);
}

static void
test_no_hello (void)
{
  faults_expect ("no-hello", NULL, PROC_POOL_ERROR_PROTOCOL, "didn't say hello first");
}

static gboolean
count_turn (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* That it has sent something, again and again: others have their turn. */
static void
test_claims (void)
{
  ProcPool *pool = faults_hostile_pool_new ("claims", NULL);
  guint n_turns = 0;
  guint source;

  for (guint i = 0; i < 100; i++)
    faults_expect_result (pool, "quick");
  source = g_idle_add (count_turn, &n_turns);
  faults_expect_result (pool, "slow");
  g_assert_cmpuint (n_turns, >, 0);

  g_source_remove (source);
  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

static void
test_no_fraction (void)
{
  ProcPool *pool = faults_hostile_pool_new ("no-fraction", NULL);
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  test_run_wait (run);
  g_assert_no_error (run->error);
  g_assert_cmpstr (proc_task_get_progress_text (run->task), ==, "no number");
  g_assert_cmpfloat (proc_task_get_progress (run->task), ==, 0.0);

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

static void
test_wrong_results (void)
{
  static const char *const values[] = { "[1, 2]", "[1, 2, 3, 4]", "@ai []", "(1, 2, 3)", "([<1>], @a{u(sisa{sv})} {})" };

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      ProcPool *pool = faults_hostile_pool_new ("wrong-results", values[i]);
      g_autoptr (ProcResults) results = proc_pool_map (pool, "echo", g_variant_new_parsed ("[1, 2, 3]"));

      proc_results_set_chunk_size (results, 3);
      for (guint n = 0; n < 3; n++)
        {
          g_autoptr (GError) error = NULL;

          g_assert_null (proc_results_next (results, NULL, &error));
          g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
          test_assert_error_says (error, "replied to 3 items");
        }

      g_clear_object (&results);
      proc_worker_kill (test_get_worker (pool, 0), NULL);
      faults_finish (pool);
    }
}

/* ---- ids ---- */

static void
test_wrong_id (void)
{
  faults_expect ("unknown-id", NULL, PROC_POOL_ERROR_PROTOCOL, "no such task");
  faults_expect ("no-id", NULL, PROC_POOL_ERROR_PROTOCOL, "no such task");
}

static void
test_wrong_id_twice (void)
{
  ProcPool *pool = faults_hostile_pool_new ("twice", NULL);

  faults_expect_result (pool, "first");
  test_wait_until (proc_pool_get_n_workers (pool) == 0);
  faults_finish (pool);
}

static void
test_wrong_id_finished (void)
{
  ProcPool *pool = faults_hostile_pool_new ("finished-id", NULL);

  faults_expect_result (pool, "first");
  faults_meet (pool, PROC_POOL_ERROR_PROTOCOL, "no such task");
  faults_finish (pool);
}

static void
test_wrong_id_cancelled (void)
{
  ProcPool *pool = faults_hostile_pool_new ("cancelled-id", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), cancellable);

  test_run_wait_until_told (run, "waiting");
  g_cancellable_cancel (cancellable);
  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  faults_meet (pool, PROC_POOL_ERROR_PROTOCOL, "no such task");
  faults_finish (pool);
}

static gboolean
refuse_stolen (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, ProcTask **logged)
{
  /* A record may come from anywhere, but is not taken for that of another worker's task. */
  if (g_str_equal (message, "stolen"))
    g_assert_null (task);

  return TRUE;
}

static void
test_wrong_id_of_others (void)
{
  ProcPool *pool = faults_hostile_pool_new ("others-ids", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TestRun *runs[2];
  TestRun *hostile = NULL;
  TestRun *honest = NULL;

  g_signal_connect (pool, "log", G_CALLBACK (refuse_stolen), NULL);
  proc_pool_set_max_workers (pool, 2);
  for (guint i = 0; i < 2; i++)
    runs[i] = test_run_start (pool, "wait-for-cancel", NULL, cancellable);

  for (guint i = 0; i < 2; i++)
    {
      test_wait_until (proc_task_get_progress_text (runs[i]->task) != NULL);
      if (g_str_equal (proc_task_get_progress_text (runs[i]->task), "hostile"))
        hostile = runs[i];
      else
        honest = runs[i];
    }

  g_assert_true (proc_worker_send_signal (proc_task_get_worker (hostile->task), SIGUSR1, NULL));
  faults_assert_fails (hostile, PROC_POOL_ERROR_PROTOCOL);
  g_assert_cmpuint (honest->n_completions, ==, 0);
  g_assert_cmpstr (proc_task_get_progress_text (honest->task), ==, "waiting");

  g_cancellable_cancel (cancellable);
  test_run_wait (honest);
  g_assert_error (honest->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  for (guint i = 0; i < 2; i++)
    test_run_free (runs[i]);
  faults_finish (pool);
}

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);

  faults_add ("/faults/hostile/garbage", test_garbage);
  faults_add ("/faults/hostile/wrong-version", test_wrong_version);
  faults_add ("/faults/hostile/oversize", test_oversize);
  faults_add ("/faults/hostile/slow-frame", test_slow_frame);
  faults_add ("/faults/hostile/partial", test_partial);
  faults_add ("/faults/hostile/one-byte", test_one_byte);
  faults_add ("/faults/hostile/not-normal", test_not_normal);
  faults_add ("/faults/hostile/wrong-message", test_wrong_message);
  faults_add ("/faults/hostile/no-hello", test_no_hello);
  faults_add ("/faults/hostile/claims", test_claims);
  faults_add ("/faults/hostile/no-fraction", test_no_fraction);
  faults_add ("/faults/hostile/wrong-results", test_wrong_results);
  faults_add ("/faults/hostile/wrong-id", test_wrong_id);
  faults_add ("/faults/hostile/wrong-id/twice", test_wrong_id_twice);
  faults_add ("/faults/hostile/wrong-id/finished", test_wrong_id_finished);
  faults_add ("/faults/hostile/wrong-id/cancelled", test_wrong_id_cancelled);
  faults_add ("/faults/hostile/wrong-id/others", test_wrong_id_of_others);

  return g_test_run ();
}
