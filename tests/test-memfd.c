/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/fd.h"
#include "testing.h"

#define SIZE (1024 * 1024)

/* Given back in a thread. */
#define LARGE_SIZE (8 * 1024 * 1024)

static void
test_round_trip (void)
{
  g_autofree guint8 *pattern = g_malloc (SIZE);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GBytes) mapped = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (ProcFd) fd = -1;

  for (gsize i = 0; i < SIZE; i++)
    pattern[i] = i * 7;
  value = g_variant_ref_sink (g_variant_new ("(s@ay)", "name", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, pattern, SIZE, 1)));

  fd = proc_memfd_new_for_variant (value, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS), ==, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);

  mapped = proc_memfd_map (fd, g_variant_get_size (value), PROC_MEMFD_SEALED, &error);
  g_assert_no_error (error);

  /* The mapping outlives the descriptor. */
  proc_fd_clear (&fd);
  g_assert_cmpmem (g_bytes_get_data (mapped, NULL), g_bytes_get_size (mapped), g_variant_get_data (value), g_variant_get_size (value));
}

static void
test_sealed (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string ("some text"));
  g_auto (ProcFd) fd = proc_memfd_new_for_variant (value, NULL);

  g_assert_cmpint (write (fd, "x", 1), ==, -1);
  g_assert_cmpint (ftruncate (fd, 1), ==, -1);
  g_assert_cmpint (ftruncate (fd, 100), ==, -1);
}

static void
assert_refused (int fd, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_memfd_map (fd, size, PROC_MEMFD_SEALED, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
}

static int
new_memfd (off_t size, int seals)
{
  int fd = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, size), ==, 0);
  g_assert_cmpint (fcntl (fd, F_ADD_SEALS, seals), ==, 0);
  return fd;
}

static void
test_refuses_unsealed (void)
{
  const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  const int missing[] = { F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

  for (guint i = 0; i < G_N_ELEMENTS (missing); i++)
    {
      g_auto (ProcFd) fd = new_memfd (4096, all & ~missing[i]);

      assert_refused (fd, 4096);
    }
}

static void
test_refuses_short (void)
{
  g_auto (ProcFd) fd = new_memfd (4096, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  g_autoptr (GBytes) all = proc_memfd_map (fd, 4096, PROC_MEMFD_SEALED, NULL);
  g_autoptr (GBytes) some = proc_memfd_map (fd, 100, PROC_MEMFD_SEALED, NULL);

  g_assert_cmpuint (g_bytes_get_size (all), ==, 4096);
  g_assert_cmpuint (g_bytes_get_size (some), ==, 100);
  assert_refused (fd, 4097);
  assert_refused (fd, G_MAXSIZE);
  assert_refused (fd, 0);
}

static void
test_refuses_other_files (void)
{
  g_autofree char *path = NULL;
  g_auto (ProcFd) file = g_file_open_tmp ("test-memfd-XXXXXX", &path, NULL);
  g_auto (ProcFd) device = open ("/dev/zero", O_RDWR | O_CLOEXEC);
  g_auto (ProcFd) directory = open ("/", O_RDONLY | O_CLOEXEC);
  int pipe_fds[2];

  g_assert_cmpint (ftruncate (file, 4096), ==, 0);
  assert_refused (file, 4096);
  g_assert_cmpint (unlink (path), ==, 0);

  assert_refused (device, 4096);
  assert_refused (directory, 4096);
  g_assert_cmpint (pipe (pipe_fds), ==, 0);
  assert_refused (pipe_fds[0], 4096);
  proc_fd_close (pipe_fds[0]);
  proc_fd_close (pipe_fds[1]);
  assert_refused (-1, 4096);
}

/* What is received is sent on by its descriptor, but a program may keep more of it than it has descriptors. */
static void
test_keeps_few_descriptors (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string ("some text"));
  g_auto (ProcFd) fd = proc_memfd_new_for_variant (value, NULL);
  guint n_fds = test_count_fds ();
  GBytes *received[100];

  for (guint i = 0; i < G_N_ELEMENTS (received); i++)
    {
      received[i] = proc_memfd_map (fd, g_variant_get_size (value), PROC_MEMFD_SEALED, NULL);
      g_assert_cmpstr (g_bytes_get_data (received[i], NULL), ==, "some text");
    }
  g_assert_cmpuint (test_count_fds (), ==, n_fds + 64);
  for (guint i = 0; i < G_N_ELEMENTS (received); i++)
    g_bytes_unref (received[i]);
  g_assert_cmpuint (test_count_fds (), ==, n_fds);

  received[0] = proc_memfd_map (fd, g_variant_get_size (value), PROC_MEMFD_SEALED, NULL);
  g_assert_cmpuint (test_count_fds (), ==, n_fds + 1);
  g_bytes_unref (received[0]);
}

static GBytes *
map_new (gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
  g_auto (ProcFd) fd = proc_memfd_new_for_variant (value, NULL);

  return proc_memfd_map (fd, size, PROC_MEMFD_SEALED, NULL);
}

static void
test_gives_back_at_once (void)
{
  g_bytes_unref (map_new (SIZE));
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 0);
}

static void
map_and_drop (guint n_mappings)
{
  GBytes *mapped[16];

  for (guint i = 0; i < n_mappings; i++)
    mapped[i] = map_new (LARGE_SIZE);
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, n_mappings);
  for (guint i = 0; i < n_mappings; i++)
    g_bytes_unref (mapped[i]);
  while (test_count_mappings ("procpool-payload") > 0)
    g_thread_yield ();
}

static void
test_gives_back_in_thread (void)
{
  map_and_drop (1);
  map_and_drop (16);
  map_and_drop (2);
}

/* The thread that the parent has, if it still has it, isn't there in the fork. */
static void
test_gives_back_in_fork (void)
{
  GBytes *mapped = map_new (LARGE_SIZE);
  GBytes *other = map_new (LARGE_SIZE);
  int status;
  pid_t pid;

  g_bytes_unref (other);
  while (test_count_mappings ("procpool-payload") > 1)
    g_thread_yield ();
  pid = test_fork ();
  if (pid == 0)
    {
      g_bytes_unref (mapped);
      while (test_count_mappings ("procpool-payload") > 1)
        g_thread_yield ();
      raise (SIGKILL);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  g_bytes_unref (mapped);
}

static void
test_values_nobody_takes (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_STRING, "abc", 3, FALSE, NULL, NULL));
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (proc_memfd_new_for_variant (value, &error), ==, -1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
}

/* What making a memfd comes to under a limit that is lifted again. */
static void
assert_fails_under_limit (int resource, int errno_expected)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string ("some text"));
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  struct rlimit none;
  int fd;

  g_assert_cmpint (getrlimit (resource, &before), ==, 0);
  none = before;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (resource, &none), ==, 0);
  fd = proc_memfd_new_for_variant (value, &error);
  g_assert_cmpint (setrlimit (resource, &before), ==, 0);

  g_assert_cmpint (fd, ==, -1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, g_strerror (errno_expected)));
}

static void
test_no_descriptors (void)
{
  assert_fails_under_limit (RLIMIT_NOFILE, EMFILE);
}

static void
test_no_space (void)
{
  /* A limit on file sizes is the nearest to a full tmpfs that a test can have for itself. */
  signal (SIGXFSZ, SIG_IGN);
  assert_fails_under_limit (RLIMIT_FSIZE, EFBIG);
  signal (SIGXFSZ, SIG_DFL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memfd/round-trip", test_round_trip);
  g_test_add_func ("/memfd/is-sealed", test_sealed);
  g_test_add_func ("/memfd/refuses/unsealed", test_refuses_unsealed);
  g_test_add_func ("/memfd/refuses/short", test_refuses_short);
  g_test_add_func ("/memfd/refuses/other-files", test_refuses_other_files);
  g_test_add_func ("/memfd/keeps-few-descriptors", test_keeps_few_descriptors);
  g_test_add_func ("/memfd/gives-back/at-once", test_gives_back_at_once);
  g_test_add_func ("/memfd/gives-back/in-thread", test_gives_back_in_thread);
  g_test_add_func ("/memfd/gives-back/in-fork", test_gives_back_in_fork);
  g_test_add_func ("/memfd/fails/values-nobody-takes", test_values_nobody_takes);
  g_test_add_func ("/memfd/fails/no-descriptors", test_no_descriptors);
  g_test_add_func ("/memfd/fails/no-space", test_no_space);

  return g_test_run ();
}
