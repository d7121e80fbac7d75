/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The helper process dies, hangs, or spoils what it stands on, with a task running or without. */

#include "faults.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const int deadly_signals[] = { SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGILL };

/* ---- waiting for a helper process, with the main loop at rest ---- */

static void
wait_until_ended (int pid)
{
  siginfo_t info;

  while (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
}

static void
wait_until_stopped (int pid)
{
  siginfo_t info;

  while (waitid (P_PID, (id_t) pid, &info, WSTOPPED | WNOWAIT) < 0 && errno == EINTR)
    ;
}

/* ---- runs ---- */

static void
assert_succeeds (TestRun *run, int expected)
{
  test_run_wait (run);
  g_assert_no_error (run->error);
  g_assert_cmpint (g_variant_get_int32 (run->value), ==, expected);
}

static TestRun *
start_add (ProcPool *pool, int a)
{
  return test_run_start (pool, "add", g_variant_new ("(ii)", a, 1), NULL);
}

/* Other tasks, queued around the one that meets the fault. */
#define N_OTHERS 6

typedef struct
{
  TestRun *runs[N_OTHERS];
} Others;

static void
start_others (Others *others, ProcPool *pool)
{
  for (int i = 0; i < N_OTHERS; i++)
    others->runs[i] = start_add (pool, i);
}

static void
assert_others_succeed (Others *others)
{
  for (int i = 0; i < N_OTHERS; i++)
    {
      assert_succeeds (others->runs[i], i + 1);
      test_run_free (others->runs[i]);
    }
}

static gboolean
swallow_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  guint *longest = user_data;

  *longest = MAX (*longest, strlen (message));
  return TRUE;
}

/* ---- killed ---- */

static void
test_killed_mid_task (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (deadly_signals); i++)
    {
      ProcPool *pool = test_pool_new (2);
      g_autofree char *signal_text = g_strdup_printf ("signal %d", deadly_signals[i]);
      g_autoptr (TestRun) run = NULL;
      guint longest = 0;
      Others before, after;

      g_signal_connect (pool, "log", G_CALLBACK (swallow_log), &longest);
      start_others (&before, pool);
      run = test_run_start (pool, "cry-and-crash", g_variant_new_int32 (deadly_signals[i]), NULL);
      start_others (&after, pool);

      faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (run->error, signal_text);
      test_assert_error_says (run->error, "cry-and-crash");
      test_assert_error_says (run->error, "last words");
      assert_others_succeed (&before);
      assert_others_succeed (&after);
      faults_finish (pool);
    }
}

/* Each worker takes with it what it was given after its reply, which it never came to read. */
static void
test_killed_replying (void)
{
  ProcPool *pool = test_pool_new (2);
  TestRun *runs[20];
  Others others;

  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    runs[i] = test_run_start (pool, "reply-then-crash", g_variant_new_int32 (deadly_signals[i % G_N_ELEMENTS (deadly_signals)]), NULL);
  start_others (&others, pool);

  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      assert_succeeds (runs[i], deadly_signals[i % G_N_ELEMENTS (deadly_signals)]);
      g_assert_cmpuint (proc_task_get_attempts (runs[i]->task), ==, 1);
      test_run_free (runs[i]);
    }

  assert_others_succeed (&others);
  faults_finish (pool);
}

/* The run is given to it before its end was noticed. */
static void
test_killed_idle (void)
{
  ProcPool *pool = test_pool_new (1);

  for (gsize i = 0; i < G_N_ELEMENTS (deadly_signals); i++)
    {
      int pid = test_call_int (pool, "pid", NULL);
      g_autoptr (TestRun) first = NULL;
      g_autoptr (TestRun) second = NULL;

      g_assert_true (proc_worker_send_signal (test_get_worker (pool, 0), deadly_signals[i], NULL));
      first = test_run_start (pool, "pid", NULL, NULL);
      second = test_run_start (pool, "pid", NULL, NULL);

      test_run_wait (first);
      test_run_wait (second);
      g_assert_no_error (first->error);
      g_assert_no_error (second->error);
      g_assert_cmpint (g_variant_get_int32 (first->value), !=, pid);
      g_assert_cmpint (g_variant_get_int32 (first->value), ==, g_variant_get_int32 (second->value));
      g_assert_cmpuint (proc_task_get_attempts (first->task), ==, 1);
    }

  faults_finish (pool);
}

/* More than the socket holds, and less than is filled by a thread. */
#define LARGE (400 * 1024)

static GVariant *
new_large_bytes (void)
{
  char *data = g_malloc0 (LARGE);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, LARGE, TRUE, g_free, data);
}

/* Starts a run whose arguments go through the socket, since there is no shared memory to be had. */
static TestRun *
start_large_inline (ProcPool *pool, guint timeout, GCancellable *cancellable)
{
  g_autoptr (ProcTask) task = proc_task_new ("echo", new_large_bytes ());
  struct rlimit before;
  struct rlimit none;
  TestRun *run;

  proc_task_set_timeout (task, timeout);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  none = (struct rlimit) { 0, before.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
  run = test_run_start_task (pool, task, cancellable);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);

  g_assert_cmpint (proc_task_get_state (run->task), ==, PROC_TASK_STATE_RUNNING);
  return run;
}

static int
stop_idle_worker (ProcPool *pool)
{
  int pid = test_call_int (pool, "pid", NULL);

  g_assert_true (proc_worker_send_signal (test_get_worker (pool, 0), SIGSTOP, NULL));
  wait_until_stopped (pid);
  return pid;
}

/* AddressSanitizer takes some of the signals that come from elsewhere, and ends with another. */
static void
assert_error_says_signal (const GError *error, int signum)
{
  g_autofree char *text = g_strdup_printf (test_is_slow () ? "signal " : "signal %d", signum);

  test_assert_error_says (error, text);
}

static void
test_killed_sending_to_it (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (deadly_signals); i++)
    {
      ProcPool *pool = test_pool_new (1);
      int pid = stop_idle_worker (pool);
      g_autoptr (TestRun) run = start_large_inline (pool, 0, NULL);
      Others others;

      start_others (&others, pool);
      kill (pid, deadly_signals[i]);
      /* All but one wait for that; and then come before anything else. */
      kill (pid, SIGCONT);

      faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
      assert_error_says_signal (run->error, deadly_signals[i]);
      test_assert_error_says (run->error, "“echo”");
      assert_others_succeed (&others);
      faults_finish (pool);
    }
}

static void
test_killed_sending_its_own (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (deadly_signals); i++)
    {
      ProcPool *pool = test_pool_new (1);
      GVariant *arguments = g_variant_new ("(ti)", (guint64) 16 * 1024 * 1024, deadly_signals[i]);
      g_autoptr (TestRun) run = test_run_start (pool, "die-replying", arguments, NULL);
      Others others;

      start_others (&others, pool);
      test_run_wait_until_told (run, "replying");
      /* Nobody reads meanwhile: it gets no further than the socket's buffer. */
      wait_until_ended (proc_task_get_pid (run->task));

      faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
      assert_error_says_signal (run->error, deadly_signals[i]);
      test_assert_error_says (run->error, "“die-replying”");
      assert_others_succeed (&others);
      faults_finish (pool);
    }
}

/* ---- exits ---- */

static void
test_exits (void)
{
  /* The last is the reserved one, which says something only of a start. */
  static const int codes[] = { 0, 1, 42, 78 };

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      ProcPool *pool = test_pool_new (2);
      g_autofree char *code_text = g_strdup_printf ("code %d", codes[i]);
      g_autoptr (TestRun) run = test_run_start (pool, "exit", g_variant_new_int32 (codes[i]), NULL);
      Others others;

      start_others (&others, pool);
      faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
      test_assert_error_says (run->error, code_text);
      test_assert_error_says (run->error, "“exit”");
      assert_others_succeed (&others);
      faults_finish (pool);
    }
}

static void
test_exits_after_reply (void)
{
  ProcPool *pool = test_pool_new (1);
  TestRun *runs[20];
  Others others;

  for (int i = 0; i < 20; i++)
    runs[i] = test_run_start (pool, i % 2 ? "reply-then-exit" : "reply-and-linger", g_variant_new_int32 (i), NULL);
  start_others (&others, pool);

  for (int i = 0; i < 20; i++)
    {
      assert_succeeds (runs[i], i);
      test_run_free (runs[i]);
    }

  assert_others_succeed (&others);
  faults_finish (pool);
}

static void
test_closes_channel (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "close-channel", NULL, NULL);
  Others others;

  start_others (&others, pool);
  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
  /* Its runtime ends it, too, when it finds the channel closed. */
  g_assert_true (strstr (run->error->message, "closed its channel") || strstr (run->error->message, "signal 9"));
  assert_others_succeed (&others);
  faults_finish (pool);
}

/* The ledger sees whether the grandchild is still there. */
static void
test_grandchild_keeps_socket (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, "grandchild", NULL, NULL);
  Others others;

  start_others (&others, pool);
  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (run->error, "signal 9");
  assert_others_succeed (&others);
  faults_finish (pool);
}

/* ---- doesn't end ---- */

typedef enum
{
  BY_TIMEOUT,
  BY_CANCELLING,
} Ending;

/* Starts @function and has it ended by @ending while it runs, which it shows by @progress, or by being
 * stopped if that is NULL. Returns how its process has ended.
 */
static int
end_endless (const char *function, GVariant *arguments, const char *progress, Ending ending)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ProcTask) task = proc_task_new (function, arguments);
  g_autoptr (ProcWorker) worker = NULL;
  g_autoptr (TestRun) run = NULL;
  Others others;
  int term_signal;

  proc_pool_set_cancel_grace (pool, 20);
  /* A worker that is there: its start isn't what is timed. */
  test_assert_answers (pool);
  worker = g_object_ref (test_get_worker (pool, 0));
  if (ending == BY_TIMEOUT)
    proc_task_set_timeout (task, test_is_slow () ? 3000 : 300);

  run = test_run_start_task (pool, task, cancellable);
  start_others (&others, pool);
  if (ending == BY_CANCELLING)
    {
      if (progress != NULL)
        test_run_wait_until_told (run, progress);
      else
        wait_until_stopped (proc_worker_get_pid (worker));
      g_cancellable_cancel (cancellable);
    }

  test_run_wait (run);
  if (ending == BY_TIMEOUT)
    g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_TIMED_OUT);
  else
    g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  assert_others_succeed (&others);
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  term_signal = proc_worker_get_term_signal (worker);
  faults_finish (pool);

  return term_signal;
}

static void
test_stopped (void)
{
  g_assert_cmpint (end_endless ("stop-self", NULL, NULL, BY_TIMEOUT), ==, SIGKILL);
  g_assert_cmpint (end_endless ("stop-self", NULL, NULL, BY_CANCELLING), ==, SIGKILL);
}

static void
test_ignores_sigterm (void)
{
  g_assert_cmpint (end_endless ("ignore-sigterm", NULL, "sleeping", BY_TIMEOUT), ==, SIGKILL);
  g_assert_cmpint (end_endless ("ignore-sigterm", NULL, "sleeping", BY_CANCELLING), ==, SIGKILL);
}

static void
test_exhausts_cpu (void)
{
  g_assert_cmpint (end_endless ("spin-forever", NULL, "spinning", BY_TIMEOUT), !=, 0);
  g_assert_cmpint (end_endless ("spin-forever", NULL, "spinning", BY_CANCELLING), !=, 0);
}

/* One worker doesn't read what is being sent to it; the other goes on working. */
static void
test_deaf (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = NULL;
  int pid = stop_idle_worker (pool);

  proc_pool_set_cancel_grace (pool, 20);
  run = start_large_inline (pool, test_is_slow () ? 3000 : 300, NULL);
  proc_pool_set_max_workers (pool, 2);
  for (int i = 0; run->n_completions == 0 || i < 10; i++)
    {
      g_autoptr (TestRun) other = start_add (pool, i);

      assert_succeeds (other, i + 1);
      g_assert_cmpint (proc_task_get_pid (other->task), !=, pid);
    }

  faults_assert_fails (run, PROC_POOL_ERROR_TIMED_OUT);
  faults_finish (pool);
}

static void
test_deaf_and_cancelled (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TestRun) run = NULL;

  proc_pool_set_cancel_grace (pool, 20);
  stop_idle_worker (pool);
  run = start_large_inline (pool, 0, cancellable);
  g_cancellable_cancel (cancellable);

  test_run_wait (run);
  g_assert_error (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  faults_finish (pool);
}

/* ---- spoils what it stands on ---- */

#define FLOOD (4 * 1024 * 1024)
#define LONGEST_LINE 4096
#define SOME_MEMORY (32 * 1024 * 1024)

static void
print_flood (ProcStdio disposition, int fd, gboolean with_newlines)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  ProcPool *pool;
  gsize memory;
  guint longest = 0;
  int pid;

  proc_launcher_set_stdout (launcher, disposition);
  proc_launcher_set_stderr (launcher, disposition);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "log", G_CALLBACK (swallow_log), &longest);

  pid = test_call_int (pool, "pid", NULL);
  memory = faults_get_memory ("VmRSS");
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = test_call (pool, "flood", g_variant_new ("(tib)", (guint64) FLOOD, fd, with_newlines), &error);

      g_assert_no_error (error);
      g_assert_true (g_variant_get_boolean (value));
    }

  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
  g_assert_cmpuint (longest, <=, LONGEST_LINE);
  g_assert_true ((longest > 0) == (disposition == PROC_STDIO_CAPTURE));
  if (!test_is_slow ())
    g_assert_cmpuint (faults_get_memory ("VmRSS"), <, memory + SOME_MEMORY);
  faults_finish (pool);
}

static void
test_prints (void)
{
  for (int fd = 1; fd <= 2; fd++)
    {
      print_flood (PROC_STDIO_CAPTURE, fd, TRUE);
      print_flood (PROC_STDIO_CAPTURE, fd, FALSE);
      print_flood (PROC_STDIO_DISCARD, fd, TRUE);
    }
}

static void
test_forks (void)
{
  ProcPool *pool = test_pool_new (1);
  int pid = test_call_int (pool, "pid", NULL);
  Others others;

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = test_call (pool, "fork-and-return", NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "parent");
    }

  start_others (&others, pool);
  assert_others_succeed (&others);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
  faults_finish (pool);
}

#define LEAK (64 * 1024 * 1024)

static void
test_leaks (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  int pid = test_call_int (pool, "pid", NULL);

  proc_pool_set_max_worker_memory (pool, proc_worker_get_memory (test_get_worker (pool, 0)) + LEAK / 2);
  value = test_call (pool, "allocate", g_variant_new_uint64 (LEAK), &error);
  g_assert_no_error (error);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), !=, pid);
  faults_finish (pool);
}

static void
test_leaks_beyond_hard_limit (void)
{
  g_autoptr (ProcLauncher) launcher = test_launcher_new (NULL);
  g_autoptr (TestRun) run = NULL;
  ProcPool *pool;
  guint longest = 0;
  Others others;

  if (test_is_slow ())
    {
      g_test_skip ("a checker's own memory leaves no room below a limit");
      return;
    }

  proc_launcher_set_memory_limit (launcher, LEAK);
  pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "log", G_CALLBACK (swallow_log), &longest);
  run = test_run_start (pool, "allocate", g_variant_new_uint64 (2 * LEAK), NULL);
  start_others (&others, pool);

  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (run->error, "signal ");
  test_assert_error_says (run->error, "“allocate”");
  test_assert_error_says (run->error, "failed to allocate");
  assert_others_succeed (&others);
  faults_finish (pool);
}

/* The worker is lost at most: a result, or a crash of that run. */
static void
expect_no_harm (const char *function)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = test_run_start (pool, function, NULL, NULL);
  Others others;

  test_run_wait (run);
  if (run->error != NULL)
    g_assert_error (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);

  /* One at a time: what is given to a worker that is about to be lost may be lost with it. */
  test_wait_until (proc_pool_get_n_running (pool) == 0);
  start_others (&others, pool);
  for (int i = 0; i < N_OTHERS; i++)
    {
      test_run_wait (others.runs[i]);
      g_assert_no_error (others.runs[i]->error);
      test_run_free (others.runs[i]);
    }

  faults_finish (pool);
}

static void
test_changes_signals (void)
{
  expect_no_harm ("change-signals");
  g_assert_cmpint (end_endless ("change-signals-and-hang", NULL, "hanging", BY_TIMEOUT), ==, SIGKILL);
  g_assert_cmpint (end_endless ("change-signals-and-hang", NULL, "hanging", BY_CANCELLING), ==, SIGKILL);
}

static void
test_closes_descriptors (void)
{
  expect_no_harm ("close-all");
}

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);

  faults_add ("/faults/helper-process/killed-mid-task", test_killed_mid_task);
  faults_add ("/faults/helper-process/killed-replying", test_killed_replying);
  faults_add ("/faults/helper-process/killed-idle", test_killed_idle);
  faults_add ("/faults/helper-process/killed-sending/to-it", test_killed_sending_to_it);
  faults_add ("/faults/helper-process/killed-sending/its-own", test_killed_sending_its_own);
  faults_add ("/faults/helper-process/exits", test_exits);
  faults_add ("/faults/helper-process/exits-after-reply", test_exits_after_reply);
  faults_add ("/faults/helper-process/closes-channel", test_closes_channel);
  faults_add ("/faults/helper-process/grandchild-keeps-socket", test_grandchild_keeps_socket);
  faults_add ("/faults/helper-process/stopped", test_stopped);
  faults_add ("/faults/helper-process/ignores-sigterm", test_ignores_sigterm);
  faults_add ("/faults/helper-process/deaf/timeout", test_deaf);
  faults_add ("/faults/helper-process/deaf/cancelled", test_deaf_and_cancelled);
  faults_add ("/faults/helper-process/prints", test_prints);
  faults_add ("/faults/helper-process/forks", test_forks);
  faults_add ("/faults/helper-process/leaks/replaced", test_leaks);
  faults_add ("/faults/helper-process/leaks/hard-limit", test_leaks_beyond_hard_limit);
  faults_add ("/faults/helper-process/exhausts-cpu", test_exhausts_cpu);
  faults_add ("/faults/helper-process/changes-signals/signals", test_changes_signals);
  faults_add ("/faults/helper-process/changes-signals/descriptors", test_closes_descriptors);

  return g_test_run ();
}
