/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The helper's program is replaced on disk while some of it run: by itself, with another build id in it. */

#include "faults.h"

#include <elf.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define BUILD_ID_SIZE 20

/* A folder with a program in it, and a pool of that program. */
typedef struct
{
  char *folder;
  char *path;
  ProcPool *pool;
} Bench;

/* NULL if the linker gave it none. */
static guint8 *
find_build_id (char *program, gsize size)
{
  const Elf64_Nhdr note = { sizeof ELF_NOTE_GNU, BUILD_ID_SIZE, NT_GNU_BUILD_ID };
  char start[sizeof note + sizeof ELF_NOTE_GNU];
  char *found;

  memcpy (start, &note, sizeof note);
  memcpy (start + sizeof note, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU);
  found = memmem (program, size, start, sizeof start);

  return found ? (guint8 *) found + sizeof start : NULL;
}

/* Under another name first: those that run keep the old file. */
static gboolean
put_build (Bench *bench, guint8 number)
{
  g_autofree char *program = NULL;
  g_autoptr (GError) error = NULL;
  guint8 *build_id;
  gsize size;

  g_assert_true (g_file_get_contents (g_getenv ("PROC_TEST_HELPER"), &program, &size, NULL));
  build_id = find_build_id (program, size);
  if (!build_id)
    return FALSE;

  build_id[0] = number;
  g_file_set_contents_full (bench->path, program, (gssize) size, G_FILE_SET_CONTENTS_CONSISTENT, 0755, &error);
  g_assert_no_error (error);
  return TRUE;
}

/* A copy finds the library by the environment, not by where it lies. */
static void
bench_setup (Bench *bench)
{
  g_autofree char *library_path = g_strdup_printf ("LD_LIBRARY_PATH=%s", g_getenv ("PROCPOOL_HELPER_DIR"));
  const char *environment[] = { library_path, NULL };
  const char *argv[] = { NULL, NULL };
  g_autoptr (ProcLauncher) launcher = NULL;

  bench->folder = g_dir_make_tmp ("procpool-faults-XXXXXX", NULL);
  g_assert_nonnull (bench->folder);
  bench->path = g_build_filename (bench->folder, "helper", NULL);

  argv[0] = bench->path;
  launcher = proc_local_launcher_new (argv);
  proc_launcher_set_environment (launcher, environment);
  bench->pool = proc_pool_new (launcher);
}

static void
bench_finish (Bench *bench)
{
  faults_finish (bench->pool);
  g_assert_cmpint (g_remove (bench->path), ==, 0);
  g_assert_cmpint (g_rmdir (bench->folder), ==, 0);
  g_free (bench->path);
  g_free (bench->folder);
}

/* A run that goes on until @write_fd is closed. */
static TestRun *
start_until_closed (ProcPool *pool, int *write_fd)
{
  g_autoptr (ProcTask) task = proc_task_new ("read-fd", NULL);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  TestRun *run;
  int pipe_fds[2];

  g_assert_true (g_unix_open_pipe (pipe_fds, FD_CLOEXEC, NULL));
  g_unix_fd_list_append (fds, pipe_fds[0], NULL);
  close (pipe_fds[0]);
  *write_fd = pipe_fds[1];
  proc_task_set_fds (task, fds);

  run = test_run_start_task (pool, task, NULL);
  test_run_wait_until_running (run);
  return run;
}

/* Idle ones. */
static guint
count_others (ProcPool *pool, const char *build_id)
{
  GListModel *workers = proc_pool_get_workers (pool);
  guint n_others = 0;

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      ProcWorker *worker = test_get_worker (pool, i);

      n_others += proc_worker_get_state (worker) == PROC_WORKER_STATE_IDLE && g_strcmp0 (proc_worker_get_build_id (worker), build_id) != 0;
    }

  return n_others;
}

static ProcWorker *
ref_idle_worker (ProcPool *pool)
{
  GListModel *workers = proc_pool_get_workers (pool);

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      if (proc_worker_get_state (test_get_worker (pool, i)) == PROC_WORKER_STATE_IDLE)
        return g_object_ref (test_get_worker (pool, i));
    }

  g_assert_not_reached ();
}

static void
assert_gone_by_itself (ProcWorker *worker)
{
  test_wait_until (proc_worker_get_state (worker) == PROC_WORKER_STATE_GONE);
  g_assert_cmpint (proc_worker_get_term_signal (worker), ==, 0);
  g_assert_cmpint (proc_worker_get_exit_status (worker), ==, 0);
}

/* One of the old build is busy, the other idle. */
static void
upgrade (Bench *bench)
{
  int write_fd;
  g_autoptr (TestRun) run = start_until_closed (bench->pool, &write_fd);
  g_autoptr (ProcWorker) busy = g_object_ref (proc_task_get_worker (run->task));
  g_autoptr (ProcWorker) idle = NULL;
  const char *old_build_id = proc_worker_get_build_id (busy);

  test_assert_answers (bench->pool);
  idle = ref_idle_worker (bench->pool);
  g_assert_nonnull (old_build_id);
  g_assert_cmpstr (proc_worker_get_build_id (idle), ==, old_build_id);

  /* It is the first of the new build that tells. */
  g_assert_true (put_build (bench, 2));
  proc_pool_set_max_workers (bench->pool, 3);
  proc_pool_set_min_workers (bench->pool, 3);
  assert_gone_by_itself (idle);
  test_wait_until (count_others (bench->pool, old_build_id) == 2);

  /* The busy one does what it has, and gets no more. */
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (test_call_int (bench->pool, "pid", NULL), !=, proc_worker_get_pid (busy));
  g_assert_cmpint (proc_worker_get_state (busy), ==, PROC_WORKER_STATE_BUSY);
  g_assert_cmpuint (run->n_completions, ==, 0);

  close (write_fd);
  test_run_wait (run);
  g_assert_no_error (run->error);
  assert_gone_by_itself (busy);
  test_wait_until (count_others (bench->pool, old_build_id) == 3);
}

static void
test_upgraded (void)
{
  Bench bench;

  bench_setup (&bench);
  proc_pool_set_max_workers (bench.pool, 2);
  if (put_build (&bench, 1))
    upgrade (&bench);
  else
    g_test_skip ("the helper was linked without a build id");
  bench_finish (&bench);
}

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);

  faults_add ("/faults/host/upgraded", test_upgraded);

  return g_test_run ();
}
