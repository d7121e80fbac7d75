/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The system has no descriptors, processes or shared memory left for the host. Limits are lowered, for real,
 * in processes of their own: the tests whose path says subprocess.
 */

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* When a shortage passes. Whether the pool has met it by then or not, all must go well. */
#define SHORTAGE 150

static void
run_apart (const char *path)
{
  g_autofree char *subprocess = g_strdup_printf ("%s/subprocess", path);

  g_test_trap_subprocess (subprocess, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
set_limit (int resource, rlim_t soft)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (resource, &limit), ==, 0);
  limit.rlim_cur = MIN (soft, limit.rlim_max);
  g_assert_cmpint (setrlimit (resource, &limit), ==, 0);
}

static rlim_t
get_limit (int resource)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (resource, &limit), ==, 0);
  return limit.rlim_cur;
}

/* ---- descriptors ---- */

/* With room for all that one worker and the test take, and no more. */
#define MAX_FDS 64

static GArray *fillers;
static rlim_t usual_fds;

static void
take_all_descriptors_but (guint n_left)
{
  int fd;

  usual_fds = get_limit (RLIMIT_NOFILE);
  set_limit (RLIMIT_NOFILE, MAX_FDS);
  fillers = g_array_new (FALSE, FALSE, sizeof (int));

  while ((fd = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    g_array_append_val (fillers, fd);
  g_assert_cmpint (errno, ==, EMFILE);

  for (; n_left > 0 && fillers->len > 0; n_left--)
    {
      close (g_array_index (fillers, int, fillers->len - 1));
      g_array_set_size (fillers, fillers->len - 1);
    }
}

static void
give_descriptors_back (void)
{
  for (guint i = 0; i < fillers->len; i++)
    close (g_array_index (fillers, int, i));
  g_clear_pointer (&fillers, g_array_unref);
  set_limit (RLIMIT_NOFILE, usual_fds);
}

static gboolean
end_shortage_of_descriptors (gpointer user_data)
{
  give_descriptors_back ();
  return G_SOURCE_REMOVE;
}

/* More than a spawn takes at its height. */
#define MAX_STEPS 16

static void
test_no_descriptors_for_a_moment (void)
{
  for (guint n_left = 0; n_left < MAX_STEPS; n_left++)
    {
      ProcPool *pool = test_pool_new (1);
      g_autoptr (TestRun) run = NULL;

      take_all_descriptors_but (n_left);
      g_timeout_add (SHORTAGE, end_shortage_of_descriptors, NULL);
      run = test_run_start (pool, "pid", NULL, NULL);

      test_run_wait (run);
      g_assert_no_error (run->error);
      test_wait_until (fillers == NULL);
      faults_finish (pool);
    }
}

static void
assert_spawn_fails (ProcPool *pool, int error_number)
{
  g_autoptr (TestRun) first = test_run_start (pool, "pid", NULL, NULL);
  g_autoptr (TestRun) second = test_run_start (pool, "pid", NULL, NULL);

  faults_assert_fails (first, PROC_POOL_ERROR_SPAWN_FAILED);
  test_assert_error_says (first->error, g_strerror (error_number));
  faults_assert_fails (second, PROC_POOL_ERROR_SPAWN_FAILED);
}

static void
test_no_descriptors_for_long (void)
{
  ProcPool *pool = test_pool_new (1);

  take_all_descriptors_but (0);
  assert_spawn_fails (pool, EMFILE);
  give_descriptors_back ();
  faults_finish (pool);
}

static GVariant *
new_bytes (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 7 + i / 256);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

#define LARGE (1024 * 1024)

/* The task's own descriptors can't be duplicated, and a large result can't be received. */
static void
test_no_descriptors_for_a_transfer (void)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (ProcTask) with_fds = proc_task_new ("read-fd", NULL);
  g_autoptr (TestRun) sending = NULL;
  g_autoptr (TestRun) receiving = NULL;
  int pid = test_call_int (pool, "pid", NULL);

  g_assert_cmpint (g_unix_fd_list_append (fds, STDIN_FILENO, NULL), ==, 0);
  proc_task_set_fds (with_fds, fds);
  take_all_descriptors_but (0);

  sending = test_run_start_task (pool, with_fds, NULL);
  test_run_wait (sending);
  g_assert_nonnull (sending->error);
  test_assert_error_says (sending->error, g_strerror (EMFILE));

  receiving = test_run_start (pool, "echo", new_bytes (LARGE), NULL);
  faults_assert_fails (receiving, PROC_POOL_ERROR_DESCRIPTORS);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);

  give_descriptors_back ();
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
  faults_finish (pool);
}

/* As many as two transfers take at their height, there and back. */
#define MAX_TRANSFER_STEPS 8

static gboolean
succeeds_but_for_descriptors (TestRun *run)
{
  test_run_wait (run);
  if (!run->error)
    return TRUE;

  if (!g_error_matches (run->error, PROC_POOL_ERROR, PROC_POOL_ERROR_DESCRIPTORS))
    test_assert_error_says (run->error, g_strerror (EMFILE));
  return FALSE;
}

static void
test_no_descriptors_at_each_step_of_a_transfer (void)
{
  ProcPool *pool = test_pool_new (1);
  int pid = test_call_int (pool, "pid", NULL);
  gboolean succeeded = FALSE;

  for (guint n_left = 0; n_left < MAX_TRANSFER_STEPS; n_left++)
    {
      g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
      g_autoptr (ProcTask) with_fds = proc_task_new ("read-fd", NULL);
      g_autoptr (TestRun) sending = NULL;
      g_autoptr (TestRun) receiving = NULL;

      g_assert_cmpint (g_unix_fd_list_append (fds, STDIN_FILENO, NULL), ==, 0);
      proc_task_set_fds (with_fds, fds);
      take_all_descriptors_but (n_left);
      sending = test_run_start_task (pool, with_fds, NULL);
      receiving = test_run_start (pool, "echo", new_bytes (LARGE), NULL);
      succeeded = succeeds_but_for_descriptors (sending) & succeeds_but_for_descriptors (receiving);
      give_descriptors_back ();

      g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
    }

  g_assert_true (succeeded);
  faults_finish (pool);
}

/* ---- processes ---- */

/* The limit doesn't bind root, and counts what others of the same user do: becomes a user of its own. */
static gboolean
leave_root (void)
{
  uid_t uid = 100000 + (uid_t) getpid ();

  if (geteuid () != 0)
    return TRUE;
  if (setresgid (uid, uid, uid) != 0 || setresuid (uid, uid, uid) != 0)
    return FALSE;

  /* So that it may read its own files in /proc again. */
  prctl (PR_SET_DUMPABLE, 1);
  return g_access (g_getenv ("PROC_TEST_HELPER"), X_OK) == 0;
}

static gboolean
end_shortage_of_processes (gpointer user_data)
{
  set_limit (RLIMIT_NPROC, RLIM_INFINITY);
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* None at all, or room for the thread that spawns and not for what it spawns. */
static void
expect_shortage_to_pass (rlim_t limit)
{
  ProcPool *pool = test_pool_new (1);
  g_autoptr (TestRun) run = NULL;
  gboolean passed = FALSE;

  set_limit (RLIMIT_NPROC, limit);
  g_timeout_add (SHORTAGE, end_shortage_of_processes, &passed);
  run = test_run_start (pool, "pid", NULL, NULL);

  test_run_wait (run);
  g_assert_no_error (run->error);
  test_wait_until (passed);
  faults_finish (pool);
}

static void
test_no_processes (void)
{
  ProcPool *pool;

  if (!leave_root ())
    {
      g_test_skip ("the limit on processes can't be put on this user");
      return;
    }

  /* GLib starts its own thread with the first process. */
  pool = test_pool_new (1);
  faults_finish (pool);

  expect_shortage_to_pass (1);
  expect_shortage_to_pass (test_count_entries ("/proc/self/task") - 2 + 1);

  pool = test_pool_new (1);
  set_limit (RLIMIT_NPROC, 1);
  assert_spawn_fails (pool, EAGAIN);
  set_limit (RLIMIT_NPROC, RLIM_INFINITY);
  faults_finish (pool);
}

/* ---- shared memory ---- */

static void
assert_payloads_cross (ProcPool *pool)
{
  static const gsize sizes[] = { 300 * 1024, LARGE, 5 * LARGE };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GVariant) sent = g_variant_ref_sink (new_bytes (sizes[i]));
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) received = test_call (pool, "echo", sent, &error);

      g_assert_no_error (error);
      g_assert_true (g_variant_equal (sent, received));
    }
}

/* Whoever writes beyond the limit is sent SIGXFSZ, which nobody here expects. */
static void
test_no_memory_file_by_limit (void)
{
  rlim_t usual = get_limit (RLIMIT_FSIZE);
  ProcPool *pool = test_pool_new (1);

  set_limit (RLIMIT_FSIZE, 0);
  assert_payloads_cross (pool);
  set_limit (RLIMIT_FSIZE, usual);
  faults_finish (pool);
}

static void
test_no_memory_file_in_helper (void)
{
  ProcPool *pool = test_pool_new (1);

  proc_pool_set_initializer (pool, "limit-files", NULL);
  assert_payloads_cross (pool);
  faults_finish (pool);
}

/* From now on this process and its children get @error_number from that system call. */
static gboolean
have_system_call_fail (int number, int error_number)
{
  struct sock_filter instructions[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint) number, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((guint) error_number & SECCOMP_RET_DATA)),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = { G_N_ELEMENTS (instructions), instructions };

  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

static void
expect_failure_to_be_borne (int number, int error_number)
{
  ProcPool *pool;

  if (!have_system_call_fail (number, error_number))
    {
      g_test_skip ("this system lets no process filter its system calls");
      return;
    }

  pool = test_pool_new (1);
  assert_payloads_cross (pool);
  faults_finish (pool);
}

static void
test_memfd_create_fails (void)
{
  expect_failure_to_be_borne (SYS_memfd_create, ENOSYS);
}

static void
test_ftruncate_fails (void)
{
  expect_failure_to_be_borne (SYS_ftruncate, ENOMEM);
}

/* What a full file system says. */
static void
test_fallocate_fails (void)
{
  expect_failure_to_be_borne (SYS_fallocate, ENOSPC);
}

/* ---- */

static void
test_apart (gconstpointer path)
{
  run_apart (path);
}

static void
add_apart (const char *path, void (*func) (void))
{
  g_autofree char *subprocess = g_strdup_printf ("%s/subprocess", path);

  faults_add_data (path, path, test_apart);
  faults_add (subprocess, func);
}

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);

  add_apart ("/faults/starting/no-descriptors/for-a-moment", test_no_descriptors_for_a_moment);
  add_apart ("/faults/starting/no-descriptors/for-long", test_no_descriptors_for_long);
  add_apart ("/faults/starting/no-descriptors/transfer", test_no_descriptors_for_a_transfer);
  add_apart ("/faults/starting/no-descriptors/each-step-of-a-transfer", test_no_descriptors_at_each_step_of_a_transfer);
  add_apart ("/faults/starting/no-processes", test_no_processes);
  add_apart ("/faults/starting/no-memory-file/limit", test_no_memory_file_by_limit);
  add_apart ("/faults/starting/no-memory-file/memfd-create", test_memfd_create_fails);
  add_apart ("/faults/starting/no-memory-file/ftruncate", test_ftruncate_fails);
  add_apart ("/faults/starting/no-memory-file/fallocate", test_fallocate_fails);
  faults_add ("/faults/starting/no-memory-file/helper", test_no_memory_file_in_helper);

  return g_test_run ();
}
