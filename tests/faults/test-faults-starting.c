/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Helpers that don't start, or die again and again. The program is a file that each test puts in place: first
 * the faulty one, then a good one, with which the pool must work.
 */

#include "faults.h"

#include <elf.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_WAITING 4

/* A folder with a program in it, and a pool of one worker of that program. */
typedef struct
{
  char *folder;
  char *path;
  ProcPool *pool;
  guint n_exited; /* workers that are gone, or were never there */
} Bench;

static void
count_exit (ProcPool *pool, ProcWorker *worker, gpointer user_data)
{
  ++*(guint *) user_data;
}

static gboolean
swallow_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  return TRUE;
}

static void
bench_setup (Bench *bench, const char *argument)
{
  g_autoptr (ProcLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  const char *argv[] = { NULL, argument, NULL };

  bench->folder = g_dir_make_tmp ("procpool-faults-XXXXXX", &error);
  g_assert_no_error (error);
  bench->path = g_build_filename (bench->folder, "helper", NULL);
  bench->n_exited = 0;

  argv[0] = bench->path;
  launcher = proc_local_launcher_new (argv);
  bench->pool = proc_pool_new (launcher);
  proc_pool_set_max_workers (bench->pool, 1);
  g_signal_connect (bench->pool, "worker-exited", G_CALLBACK (count_exit), &bench->n_exited);
  g_signal_connect (bench->pool, "log", G_CALLBACK (swallow_log), NULL);
}

static void
put_link (Bench *bench, const char *target)
{
  g_remove (bench->path);
  g_assert_cmpint (symlink (target, bench->path), ==, 0);
}

static void
put_file (Bench *bench, const char *contents, gsize size, int mode)
{
  g_autoptr (GError) error = NULL;

  g_remove (bench->path);
  g_file_set_contents (bench->path, contents, (gssize) size, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (bench->path, mode), ==, 0);
}

static void
put_good_program (Bench *bench)
{
  put_link (bench, g_getenv ("PROC_TEST_HELPER"));
}

static void
bench_teardown (Bench *bench)
{
  g_assert_cmpint (g_remove (bench->path), ==, 0);
  g_assert_cmpint (g_rmdir (bench->folder), ==, 0);
  g_free (bench->path);
  g_free (bench->folder);
}

/* The pool works with the good program, and all is cleaned up. */
static void
bench_finish (Bench *bench)
{
  put_good_program (bench);
  faults_finish (bench->pool);
  bench_teardown (bench);
}

/* All that wait fail alike, of one try. */
static void
assert_waiting_fail (Bench *bench, int code, const char *first_text, const char *second_text)
{
  TestRun *runs[N_WAITING];

  for (int i = 0; i < N_WAITING; i++)
    runs[i] = test_run_start (bench->pool, "echo", g_variant_new_int32 (i), NULL);

  for (int i = 0; i < N_WAITING; i++)
    {
      faults_assert_fails (runs[i], code);
      test_assert_error_says (runs[i]->error, first_text);
      test_assert_error_says (runs[i]->error, second_text);
      test_run_free (runs[i]);
    }

  g_assert_cmpuint (bench->n_exited, <=, 1);
}

/* ---- missing-program ---- */

typedef enum
{
  NO_FILE,
  NO_PERMISSION,
  A_FOLDER,
  NO_INTERPRETER,
  EMPTY_INTERPRETER,
  GARBAGE_INTERPRETER,
  CUT_PROGRAM,
  FOREIGN_PROGRAM,
  NO_PROGRAM,
  EMPTY,
  N_WRONGS
} Wrong;

static void
put_script_of_garbage (Bench *bench, const char *interpreter)
{
  g_autofree char *script = g_strdup_printf ("#! %s\nexit 0\n", interpreter);

  g_assert_true (g_file_set_contents (interpreter, "no program at all\n", -1, NULL));
  g_assert_cmpint (g_chmod (interpreter, 0755), ==, 0);
  put_file (bench, script, strlen (script), 0755);
}

/* Returns what its error tells. */
static const char *
put_wrong_program (Bench *bench, Wrong wrong, const char *interpreter)
{
  g_autofree char *program = NULL;
  gsize size;

  switch (wrong)
    {
    case NO_FILE:
      return g_strerror (ENOENT);
    case NO_PERMISSION:
      put_file (bench, "#!/bin/sh\n", 10, 0644);
      return g_strerror (EACCES);
    case A_FOLDER:
      g_assert_cmpint (g_mkdir (bench->path, 0755), ==, 0);
      return g_strerror (EISDIR);
    case NO_INTERPRETER:
      put_file (bench, "#!/nonexistent/interpreter -x\n", 30, 0755);
      return "/nonexistent/interpreter";
    case EMPTY_INTERPRETER:
      put_file (bench, "#! \nexit 0\n", 11, 0755);
      return "neither";
    case GARBAGE_INTERPRETER:
      put_script_of_garbage (bench, interpreter);
      return "neither";
    case CUT_PROGRAM:
      g_assert_true (g_file_get_contents (g_getenv ("PROC_TEST_HELPER"), &program, NULL, NULL));
      put_file (bench, program, 100, 0755);
      return "neither";
    case FOREIGN_PROGRAM:
      /* A machine that nobody has, and so no emulator for it. */
      g_assert_true (g_file_get_contents (g_getenv ("PROC_TEST_HELPER"), &program, &size, NULL));
      memset (program + offsetof (Elf64_Ehdr, e_machine), 0x77, sizeof (Elf64_Half));
      put_file (bench, program, size, 0755);
      return "another kind of machine";
    case NO_PROGRAM:
      put_file (bench, "\001\002\003\004", 4, 0755);
      return "neither";
    case EMPTY:
      put_file (bench, "", 0, 0755);
      return "neither";
    case N_WRONGS:
    default:
      g_assert_not_reached ();
    }
}

static void
test_missing_program (void)
{
  for (Wrong wrong = 0; wrong < N_WRONGS; wrong++)
    {
      Bench bench;
      g_autofree char *interpreter = NULL;
      const char *cause;

      bench_setup (&bench, NULL);
      interpreter = g_build_filename (bench.folder, "interpreter", NULL);
      cause = put_wrong_program (&bench, wrong, interpreter);
      assert_waiting_fail (&bench, PROC_POOL_ERROR_SPAWN_FAILED, bench.path, cause);
      g_remove (interpreter);
      bench_finish (&bench);
    }
}

/* ---- never-shakes-hands ---- */

static void
expect_no_handshake (const char *program, const char *argument, guint timeout, const char *text)
{
  Bench bench;

  bench_setup (&bench, argument);
  proc_pool_set_startup_timeout (bench.pool, timeout);
  put_link (&bench, program);
  assert_waiting_fail (&bench, PROC_POOL_ERROR_START_FAILED, text, "");

  proc_pool_set_startup_timeout (bench.pool, 0);
  /* The good program knows no such argument, and serves. */
  bench_finish (&bench);
}

static void
test_never_shakes_hands (void)
{
  g_autofree char *sleep_path = g_find_program_in_path ("sleep");
  g_autofree char *cat_path = g_find_program_in_path ("cat");
  g_autofree char *false_path = g_find_program_in_path ("false");
  g_autofree char *true_path = g_find_program_in_path ("true");

  expect_no_handshake (sleep_path, "1000", 100, "within 100 ms");
  expect_no_handshake (cat_path, NULL, 0, "code 0");
  expect_no_handshake (false_path, NULL, 0, "code 1");
  expect_no_handshake (true_path, NULL, 0, "code 0");
  /* It complains on standard error. */
  expect_no_handshake (cat_path, "--no-such-option", 0, "no-such-option");
}

/* ---- bad-initializer ---- */

static void
expect_bad_initializer (const char *function, guint timeout, int code, const char *text)
{
  Bench bench;

  bench_setup (&bench, NULL);
  put_good_program (&bench);
  proc_pool_set_initializer (bench.pool, function, NULL);
  proc_pool_set_startup_timeout (bench.pool, timeout);
  assert_waiting_fail (&bench, code, text, "");

  proc_pool_set_startup_timeout (bench.pool, 0);
  proc_pool_set_initializer (bench.pool, NULL, NULL);
  bench_finish (&bench);
}

static void
test_bad_initializer (void)
{
  expect_bad_initializer ("fail-initialize", 0, PROC_POOL_ERROR_INITIALIZER_FAILED, "the initializer found nothing");
  expect_bad_initializer ("crash-initialize", 0, PROC_POOL_ERROR_START_FAILED, "signal 6");
  expect_bad_initializer ("hang-initialize", test_is_slow () ? 5000 : 500, PROC_POOL_ERROR_START_FAILED, "initialize within");
}

/* Nobody waits: it is given up after some tries, without a word. */
static void
test_bad_initializer_for_min_workers (void)
{
  ProcPool *pool = test_pool_new (1);
  guint n_exited = 0;

  g_signal_connect (pool, "worker-exited", G_CALLBACK (count_exit), &n_exited);
  proc_pool_set_initializer (pool, "fail-initialize", NULL);
  proc_pool_set_min_workers (pool, 1);
  test_wait_until (n_exited == 2);

  proc_pool_set_initializer (pool, NULL, NULL);
  faults_finish (pool);
}

/* ---- refuses ---- */

static void
expect_refusal (const char *option, const char *argument, GQuark domain, int code, const char *text)
{
  const char *argv[] = { g_getenv ("PROC_TEST_HELPER"), option, argument, NULL };
  g_autoptr (ProcLauncher) launcher = proc_local_launcher_new (argv);
  ProcPool *pool = proc_pool_new (launcher);
  TestRun *runs[N_WAITING];
  guint n_exited = 0;

  proc_pool_set_max_workers (pool, 1);
  g_signal_connect (pool, "worker-exited", G_CALLBACK (count_exit), &n_exited);

  for (int i = 0; i < N_WAITING; i++)
    runs[i] = test_run_start (pool, "echo", g_variant_new_int32 (i), NULL);
  for (int i = 0; i < N_WAITING; i++)
    {
      test_run_wait (runs[i]);
      g_assert_error (runs[i]->error, domain, code);
      test_assert_error_says (runs[i]->error, text);
      test_run_free (runs[i]);
    }

  /* The pool answers, with the same at once. */
  for (int i = 0; i < N_WAITING; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (test_call (pool, "echo", NULL, &error));
      g_assert_error (error, domain, code);
      test_assert_error_says (error, text);
    }

  g_assert_cmpuint (n_exited, ==, 1);
  test_pool_finish (pool);
}

static void
test_refuses (void)
{
  expect_refusal ("--refuse", NULL, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the test helper has nothing to serve");
  expect_refusal ("--exit", "78", PROC_POOL_ERROR, PROC_POOL_ERROR_START_FAILED, "code 78");
}

/* ---- busy-text ---- */

/* A copy that may be written to. It finds the library by the environment, not by where it lies. */
static int
put_copy (Bench *bench)
{
  g_autofree char *program = NULL;
  g_autofree char *library_path = g_strdup_printf ("LD_LIBRARY_PATH=%s", g_getenv ("PROCPOOL_HELPER_DIR"));
  const char *environment[] = { library_path, NULL };
  gsize size;

  g_assert_true (g_file_get_contents (g_getenv ("PROC_TEST_HELPER"), &program, &size, NULL));
  put_file (bench, program, size, 0755);
  proc_launcher_set_environment (proc_pool_get_launcher (bench->pool), environment);

  return g_open (bench->path, O_WRONLY | O_CLOEXEC);
}

/* It ends where an exec fails that it took for sound. */
static gboolean
skip_under_valgrind (void)
{
  g_autofree char *maps = NULL;

  if (!g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL) || strstr (maps, "vgpreload") == NULL)
    return FALSE;

  g_test_skip ("valgrind doesn't survive a program that is busy");
  return TRUE;
}

static void
test_busy_text (void)
{
  Bench bench;
  g_autoptr (TestRun) run = NULL;
  int fd;

  if (skip_under_valgrind ())
    return;

  bench_setup (&bench, NULL);
  fd = put_copy (&bench);
  run = test_run_start (bench.pool, "add", g_variant_new ("(ii)", 2, 3), NULL);

  test_wait_until (bench.n_exited == 2);
  g_assert_cmpuint (run->n_completions, ==, 0);
  close (fd);

  test_run_wait (run);
  g_assert_no_error (run->error);
  bench_finish (&bench);
}

static void
test_busy_text_for_long (void)
{
  Bench bench;
  g_autoptr (TestRun) run = NULL;
  int fd;

  if (skip_under_valgrind ())
    return;

  bench_setup (&bench, NULL);
  fd = put_copy (&bench);
  run = test_run_start (bench.pool, "echo", NULL, NULL);

  faults_assert_fails (run, PROC_POOL_ERROR_SPAWN_FAILED);
  test_assert_error_says (run->error, bench.path);
  test_assert_error_says (run->error, g_strerror (ETXTBSY));
  close (fd);
  bench_finish (&bench);
}

/* As the shell would understand it, it leaves a file behind. */
static void
test_garbage_is_never_run_by_a_shell (void)
{
  static const char *const beginnings[] = { "", "\n", "\177ELF\n", "#!\n", "#! \t\n" };

  for (gsize i = 0; i < G_N_ELEMENTS (beginnings); i++)
    {
      Bench bench;
      g_autofree char *marker = NULL;
      g_autofree char *text = NULL;

      bench_setup (&bench, NULL);
      marker = g_build_filename (bench.folder, "marker", NULL);
      text = g_strdup_printf ("%stouch '%s'\n", beginnings[i], marker);
      put_file (&bench, text, strlen (text), 0755);
      assert_waiting_fail (&bench, PROC_POOL_ERROR_SPAWN_FAILED, bench.path, "neither");
      g_assert_false (g_file_test (marker, G_FILE_TEST_EXISTS));
      bench_finish (&bench);
    }
}

/* ---- crash-loop ---- */

/* More than the pool takes for bad luck. */
#define N_CRASHES 40

/* Some fail with their crash, and the rest when the pool breaks off. */
static void
assert_breaks_off (ProcPool *pool, const char *function, const char *argument)
{
  TestRun *runs[N_CRASHES];
  guint n_crashed = 0;
  guint n_broken_off = 0;

  for (int i = 0; i < N_CRASHES; i++)
    runs[i] = test_run_start (pool, function, g_variant_new_string (argument), NULL);

  for (int i = 0; i < N_CRASHES; i++)
    {
      test_run_wait (runs[i]);
      g_assert_nonnull (runs[i]->error);
      n_crashed += g_error_matches (runs[i]->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED);
      n_broken_off += g_error_matches (runs[i]->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASH_LOOP);
      test_run_free (runs[i]);
    }

  g_assert_cmpuint (n_crashed + n_broken_off, ==, N_CRASHES);
  g_assert_cmpuint (n_broken_off, >, 0);
}

static void
test_crash_loop_at_first_task (void)
{
  Bench bench;

  bench_setup (&bench, NULL);
  proc_pool_set_max_workers (bench.pool, 2);
  put_good_program (&bench);
  /* The function crashes while there is such a file: the program itself will do. */
  assert_breaks_off (bench.pool, "crash-while-exists", bench.path);
  g_assert_cmpuint (bench.n_exited, <, N_CRASHES);
  bench_finish (&bench);
}

/* They get as far as saying that they are ready. */
static void
test_crash_loop_before_first_task (void)
{
  Bench bench;
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\nexec '%s' --exit-when-ready\n", g_getenv ("PROC_TEST_HELPER"));

  bench_setup (&bench, NULL);
  put_file (&bench, script, strlen (script), 0755);
  assert_breaks_off (bench.pool, "echo", "");
  g_assert_cmpuint (bench.n_exited, <, N_CRASHES);
  bench_finish (&bench);
}

static void
test_crash_loop_before_ready (void)
{
  Bench bench;
  g_autofree char *false_path = g_find_program_in_path ("false");

  bench_setup (&bench, NULL);
  put_link (&bench, false_path);
  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr (TestRun) run = test_run_start (bench.pool, "echo", NULL, NULL);

      faults_assert_fails (run, PROC_POOL_ERROR_START_FAILED);
      g_assert_cmpuint (bench.n_exited, ==, i);
    }
  bench_finish (&bench);
}

/* ---- killer-task ---- */

static void
expect_killer_stopped (guint max_attempts, int priority)
{
  ProcPool *pool = test_pool_new (1);
  g_autofree char *text = g_strdup_printf ("signal %d", SIGSEGV);
  g_autoptr (ProcTask) task = proc_task_new ("crash", g_variant_new_int32 (SIGSEGV));
  g_autoptr (TestRun) run = NULL;
  TestRun *others[10];

  proc_task_set_max_attempts (task, max_attempts);
  proc_task_set_priority (task, priority);
  proc_task_set_name (task, "the killer");
  run = test_run_start_task (pool, task, NULL);
  for (int i = 0; i < 10; i++)
    others[i] = test_run_start (pool, "add", g_variant_new ("(ii)", i, i), NULL);

  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
  test_assert_error_says (run->error, text);
  test_assert_error_says (run->error, "the killer");
  g_assert_cmpuint (proc_task_get_attempts (task), ==, max_attempts);

  for (int i = 0; i < 10; i++)
    {
      test_run_wait (others[i]);
      g_assert_no_error (others[i]->error);
      g_assert_cmpuint (proc_task_get_attempts (others[i]->task), ==, 1);
      test_run_free (others[i]);
    }

  faults_finish (pool);
}

static void
test_killer_task (void)
{
  expect_killer_stopped (1, 0);
  expect_killer_stopped (3, 0);
  expect_killer_stopped (3, -1);
}

/* The others wait all the while, for longer than a crash loop is borne with. */
static void
test_killer_task_comes_first (void)
{
  expect_killer_stopped (15, 1);
}

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);

  faults_add ("/faults/starting/missing-program", test_missing_program);
  faults_add ("/faults/starting/never-shakes-hands", test_never_shakes_hands);
  faults_add ("/faults/starting/bad-initializer/runs", test_bad_initializer);
  faults_add ("/faults/starting/bad-initializer/min-workers", test_bad_initializer_for_min_workers);
  faults_add ("/faults/starting/refuses", test_refuses);
  faults_add ("/faults/starting/busy-text/for-a-moment", test_busy_text);
  faults_add ("/faults/starting/busy-text/for-long", test_busy_text_for_long);
  faults_add ("/faults/starting/busy-text/garbage", test_garbage_is_never_run_by_a_shell);
  faults_add ("/faults/starting/crash-loop/first-task", test_crash_loop_at_first_task);
  faults_add ("/faults/starting/crash-loop/before-first-task", test_crash_loop_before_first_task);
  faults_add ("/faults/starting/crash-loop/before-ready", test_crash_loop_before_ready);
  faults_add ("/faults/starting/killer-task/in-turn", test_killer_task);
  faults_add ("/faults/starting/killer-task/comes-first", test_killer_task_comes_first);

  return g_test_run ();
}
