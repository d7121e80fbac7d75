/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A buffer by itself; with a pool see test-pool-buffers.c. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "wire/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "testing.h"
#include "wire/memfd.h"
#include "wire/piece.h"

#define SIZE (256 * 1024)

static ProcBuffer *
new_buffer (gsize size)
{
  g_autoptr (GError) error = NULL;
  ProcBuffer *buffer = proc_buffer_new (size, &error);

  g_assert_no_error (error);
  g_assert_true (PROC_IS_BUFFER (buffer));
  g_assert_cmpuint (proc_buffer_get_size (buffer), ==, size);
  return buffer;
}

/* With a pattern in it. */
static ProcBuffer *
new_filled (gsize size)
{
  ProcBuffer *buffer = new_buffer (size);
  guint8 *memory = proc_buffer_get_memory (buffer, NULL);

  for (gsize i = 0; i < size; i++)
    memory[i] = i * 7;
  return buffer;
}

static void
assert_filled (gconstpointer data, gsize size)
{
  const guint8 *bytes = data;

  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (bytes[i], ==, (guint8) (i * 7));
}

static GVariant *
to_variant (ProcBuffer *buffer, const char *type)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = proc_buffer_to_variant (buffer, (const GVariantType *) type, &error);

  g_assert_no_error (error);
  g_assert_false (g_variant_is_floating (value));
  return value;
}

static gboolean
is_sent_as_it_is (GVariant *value)
{
  g_autoptr (ProcPiece) piece = proc_piece_new (value, FALSE);

  return piece != NULL && proc_piece_is_whole (piece);
}

/* The memfd that @value, as a whole, would be sent as. */
static int
dup_sent (GVariant *value, GError **error)
{
  g_autoptr (ProcPiece) piece = proc_piece_new (value, FALSE);

  return piece != NULL && proc_piece_is_whole (piece) ? proc_piece_dup_memfd (piece) : proc_memfd_new_for_variant (value, error);
}

/* Which file that is. */
static ino_t
get_sent_file (GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_auto (ProcFd) fd = dup_sent (value, &error);
  g_autoptr (GBytes) received = proc_memfd_map (fd, g_variant_get_size (value), PROC_MEMFD_SEALED, NULL);
  struct stat info;

  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpmem (g_bytes_get_data (received, NULL), g_bytes_get_size (received),
                   g_variant_get_data (value), g_variant_get_size (value));
  g_assert_cmpint (fstat (fd, &info), ==, 0);
  return info.st_ino;
}

/* ---- writing ---- */

static void
test_is_zero (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (SIZE);
  gsize size;
  const guint8 *memory = proc_buffer_get_memory (buffer, &size);

  g_assert_cmpuint (size, ==, SIZE);
  for (gsize i = 0; i < SIZE; i++)
    g_assert_cmpuint (memory[i], ==, 0);
  g_assert_false (proc_buffer_get_sealed (buffer));
}

static void
test_memory_is_what_is_sealed (void)
{
  g_autoptr (ProcBuffer) buffer = new_filled (SIZE);
  g_autoptr (GBytes) bytes = proc_buffer_seal (buffer, NULL);

  g_assert_cmpuint (g_bytes_get_size (bytes), ==, SIZE);
  assert_filled (g_bytes_get_data (bytes, NULL), SIZE);
}

static void
test_write (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (10);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (proc_buffer_write (buffer, 7, (const guint8 *) "end", 3, &error));
  g_assert_true (proc_buffer_write (buffer, 0, (const guint8 *) "begin", 5, &error));
  g_assert_true (proc_buffer_write (buffer, 10, NULL, 0, &error));
  g_assert_no_error (error);

  bytes = proc_buffer_seal (buffer, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "begin\0\0end", 10);
}

static void
assert_does_not_fit (ProcBuffer *buffer, gsize offset, gsize length)
{
  static const guint8 bytes[20];
  g_autoptr (GError) error = NULL;

  g_assert_false (proc_buffer_write (buffer, offset, bytes, length, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
}

static void
test_write_beyond_the_end (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (10);

  assert_does_not_fit (buffer, 0, 11);
  assert_does_not_fit (buffer, 10, 1);
  assert_does_not_fit (buffer, 11, 0);
  assert_does_not_fit (buffer, G_MAXSIZE, 2);
  assert_does_not_fit (buffer, 5, G_MAXSIZE);
}

static gpointer
write_part (gpointer user_data)
{
  ProcBuffer *buffer = user_data;
  static int next;
  guint part = g_atomic_int_add (&next, 1);

  for (gsize i = part; i < SIZE; i += 4)
    {
      const guint8 byte = i * 7;

      g_assert_true (proc_buffer_write (buffer, i, &byte, 1, NULL));
    }
  return NULL;
}

static void
test_several_threads_write (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (SIZE);
  g_autoptr (GBytes) bytes = NULL;
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("writer", write_part, buffer);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  bytes = proc_buffer_seal (buffer, NULL);
  assert_filled (g_bytes_get_data (bytes, NULL), SIZE);
}

/* ---- sealing ---- */

static void
on_sealed (ProcBuffer *buffer, GParamSpec *pspec, guint *n_notified)
{
  g_assert_true (proc_buffer_get_sealed (buffer));
  (*n_notified)++;
}

static void
test_sealed (void)
{
  g_autoptr (ProcBuffer) buffer = new_filled (SIZE);
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;
  g_autoptr (GError) error = NULL;
  guint n_notified = 0;
  gsize size = 1;

  g_signal_connect (buffer, "notify::sealed", G_CALLBACK (on_sealed), &n_notified);
  first = proc_buffer_seal (buffer, NULL);
  second = proc_buffer_seal (buffer, NULL);
  g_assert_true (first == second);
  g_assert_cmpuint (n_notified, ==, 1);

  g_assert_null (proc_buffer_get_memory (buffer, &size));
  g_assert_cmpuint (size, ==, 0);
  g_assert_false (proc_buffer_write (buffer, 0, (const guint8 *) "x", 1, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  test_assert_error_says (error, "it is sealed");
  assert_filled (g_bytes_get_data (first, NULL), SIZE);
}

static void
test_write_to_sealed_memory (void)
{
  g_autoptr (ProcBuffer) buffer = new_filled (SIZE);
  guint8 *memory = proc_buffer_get_memory (buffer, NULL);
  g_autoptr (GBytes) bytes = proc_buffer_seal (buffer, NULL);
  int status;
  pid_t pid;

  g_assert_true (g_bytes_get_data (bytes, NULL) == memory);
  pid = test_fork ();
  if (pid == 0)
    {
      signal (SIGSEGV, SIG_DFL);
      memory[0] = 1;
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGSEGV);
}

/* An array of another language. */
static guint8 *
get_lent (GBytes *memory)
{
  return (guint8 *) g_bytes_get_data (memory, NULL);
}

static void
test_lent_memory (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (SIZE);
  g_autoptr (GBytes) lent = proc_buffer_ref_memory (buffer);
  g_autoptr (GVariant) value = NULL;
  g_auto (ProcFd) fd = -1;
  guint8 sent;

  g_assert_cmpuint (g_bytes_get_size (lent), ==, SIZE);
  get_lent (lent)[SIZE - 1] = 1;
  value = to_variant (buffer, "ay");
  g_assert_cmpuint (((const guint8 *) g_variant_get_data (value))[SIZE - 1], ==, 1);
  g_assert_null (proc_buffer_ref_memory (buffer));

  get_lent (lent)[SIZE - 1] = 2;
  fd = dup_sent (value, NULL);
  g_assert_cmpint (pread (fd, &sent, 1, SIZE - 1), ==, 1);
  g_assert_cmpuint (sent, ==, 1);
}

static void
test_lent_memory_stays (void)
{
  g_autoptr (ProcBuffer) open = new_filled (SIZE);
  g_autoptr (ProcBuffer) sealed = new_filled (SIZE);
  g_autoptr (GBytes) lent_open = proc_buffer_ref_memory (open);
  g_autoptr (GBytes) lent_sealed = proc_buffer_ref_memory (sealed);

  g_bytes_unref (proc_buffer_seal (sealed, NULL));
  g_clear_object (&open);
  g_clear_object (&sealed);
  assert_filled (get_lent (lent_open), SIZE);
  assert_filled (get_lent (lent_sealed), SIZE);
  memset (get_lent (lent_open), 0, SIZE);
  memset (get_lent (lent_sealed), 0, SIZE);
}

static void
test_cannot_be_sealed_now (void)
{
  g_auto (ProcFd) before = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  int fd = proc_fd_steal (&before);
  g_autoptr (ProcBuffer) buffer = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  void *other;

  /* Its descriptor has the number that was free before. */
  proc_fd_close (fd);
  buffer = new_filled (SIZE);
  other = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (other != MAP_FAILED);

  g_assert_null (proc_buffer_seal (buffer, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  g_assert_false (proc_buffer_get_sealed (buffer));
  proc_buffer_get_memory (buffer, NULL)[0] = 0;

  munmap (other, SIZE);
  bytes = proc_buffer_seal (buffer, NULL);
  assert_filled (g_bytes_get_data (bytes, NULL), SIZE);
}

static void
test_no_bytes (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (0);
  g_autoptr (GVariant) value = NULL;

  g_assert_null (proc_buffer_get_memory (buffer, NULL));
  g_assert_true (proc_buffer_write (buffer, 0, NULL, 0, NULL));
  assert_does_not_fit (buffer, 0, 1);
  value = to_variant (buffer, NULL);
  g_assert_cmpuint (g_variant_get_size (value), ==, 0);
  g_assert_true (proc_buffer_get_sealed (buffer));
}

/* ---- values ---- */

static void
test_types (void)
{
  static const char *const types[] = { NULL, "ay", "an", "at", "ad", "a(dd)" };
  g_autoptr (ProcBuffer) buffer = new_buffer (SIZE);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GVariant) value = to_variant (buffer, types[i]);

      g_assert_cmpstr (g_variant_get_type_string (value), ==, types[i] != NULL ? types[i] : "ay");
      g_assert_cmpuint (g_variant_get_size (value), ==, SIZE);
    }
}

static void
test_bytes_of_another_type (void)
{
  static const char *const types[] = { "ab", "as", "i", "a(ttt)", "s" };
  g_autoptr (ProcBuffer) buffer = new_filled (SIZE);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (proc_buffer_to_variant (buffer, G_VARIANT_TYPE (types[i]), &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
    }
}

static void
test_sent_as_it_is (void)
{
  g_autoptr (ProcBuffer) buffer = new_filled (SIZE);
  g_autoptr (GVariant) bytes = to_variant (buffer, NULL);
  g_autoptr (GVariant) numbers = to_variant (buffer, "ad");
  g_autoptr (GVariant) tuple = g_variant_ref_sink (g_variant_new ("(@ay)", bytes));
  ino_t file = get_sent_file (bytes);

  g_assert_true (is_sent_as_it_is (bytes));
  g_assert_true (is_sent_as_it_is (numbers));
  g_assert_true (is_sent_as_it_is (tuple));
  g_assert_cmpuint (get_sent_file (bytes), ==, file);
  g_assert_cmpuint (get_sent_file (numbers), ==, file);
  g_assert_cmpuint (get_sent_file (tuple), ==, file);
}

static void
test_beginning_is_sent_as_it_is (void)
{
  g_autoptr (ProcBuffer) buffer = new_filled (2 * SIZE);
  g_autoptr (GBytes) bytes = proc_buffer_seal (buffer, NULL);
  g_autoptr (GBytes) beginning = g_bytes_new_from_bytes (bytes, 0, SIZE);
  g_autoptr (GBytes) middle = g_bytes_new_from_bytes (bytes, 1000, SIZE);
  g_autoptr (GVariant) first = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, beginning, TRUE));
  g_autoptr (GVariant) second = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, middle, TRUE));

  g_assert_true (is_sent_as_it_is (first));
  g_assert_cmpuint (get_sent_file (first), ==, get_sent_file (first));
  g_assert_false (is_sent_as_it_is (second));
  g_assert_cmpuint (get_sent_file (second), !=, get_sent_file (first));
}

static void
test_sent_as_copy (void)
{
  g_autoptr (ProcBuffer) buffer = new_buffer (SIZE);
  g_autoptr (GVariant) bytes = to_variant (buffer, NULL);
  GVariant *values[] = {
    g_variant_ref_sink (g_variant_new ("(@ayi)", bytes, 1)),
    g_variant_ref_sink (g_variant_new ("v", bytes)),
    to_variant (buffer, "ab"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_assert_false (is_sent_as_it_is (values[i]));
      g_assert_cmpuint (get_sent_file (values[i]), !=, get_sent_file (bytes));
      g_variant_unref (values[i]);
    }
}

/* ---- ends ---- */

static void
test_nothing_is_left (void)
{
  guint n_fds = test_count_fds ();
  ProcBuffer *open = new_buffer (SIZE);
  ProcBuffer *buffer = new_filled (SIZE);
  GBytes *bytes = proc_buffer_seal (buffer, NULL);
  GVariant *value = to_variant (buffer, NULL);

  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 2);
  g_object_unref (open);
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 1);
  g_assert_cmpuint (test_count_fds (), ==, n_fds + 1);

  g_object_unref (buffer);
  g_bytes_unref (bytes);
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 1);
  g_assert_cmpuint (test_count_fds (), ==, n_fds + 1);
  g_assert_true (is_sent_as_it_is (value));

  g_variant_unref (value);
  g_assert_cmpuint (test_count_mappings ("procpool-payload"), ==, 0);
  g_assert_cmpuint (test_count_fds (), ==, n_fds);
}

static void
assert_fails_under_limit (int resource, int errno_expected)
{
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  struct rlimit none;
  ProcBuffer *buffer;

  g_assert_cmpint (getrlimit (resource, &before), ==, 0);
  none = before;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (resource, &none), ==, 0);
  buffer = proc_buffer_new (SIZE, &error);
  g_assert_cmpint (setrlimit (resource, &before), ==, 0);

  g_assert_null (buffer);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
  test_assert_error_says (error, g_strerror (errno_expected));
}

static void
test_no_descriptors (void)
{
  assert_fails_under_limit (RLIMIT_NOFILE, EMFILE);
}

static void
test_no_space (void)
{
  assert_fails_under_limit (RLIMIT_FSIZE, EFBIG);
}

static void
test_more_than_there_is (void)
{
  const gsize sizes[] = { G_MAXSIZE, G_MAXSIZE / 2, (gsize) 1 << 50 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (proc_buffer_new (sizes[i], &error));
      g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_FAILED);
    }
}

/* ---- forks ---- */

static gboolean
is_refused_in_fork (ProcBuffer *open, ProcBuffer *sealed)
{
  g_autoptr (GError) written = NULL;
  g_autoptr (GError) seal = NULL;
  g_autoptr (GBytes) bytes = proc_buffer_seal (sealed, NULL);

  return proc_buffer_get_memory (open, NULL) == NULL &&
         !proc_buffer_write (open, 0, (const guint8 *) "x", 1, &written) &&
         g_error_matches (written, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS) &&
         proc_buffer_seal (open, &seal) == NULL &&
         g_error_matches (seal, PROC_POOL_ERROR, PROC_POOL_ERROR_WRONG_PROCESS) &&
         ((const guint8 *) g_bytes_get_data (bytes, NULL))[SIZE - 1] == (guint8) ((SIZE - 1) * 7);
}

static void
test_is_refused_in_fork (void)
{
  g_autoptr (ProcBuffer) open = new_filled (SIZE);
  g_autoptr (ProcBuffer) sealed = new_filled (SIZE);
  g_autoptr (GBytes) bytes = proc_buffer_seal (sealed, NULL);
  int release[2];
  int status;
  pid_t pid;

  g_assert_cmpint (pipe (release), ==, 0);
  pid = test_fork ();
  if (pid == 0)
    {
      gboolean refused = is_refused_in_fork (open, sealed);
      char byte;

      g_object_unref (open);
      close (release[1]);
      /* By a signal when all is well: a checker would have its say about the copy at any exit. */
      if (read (release[0], &byte, 1) == 0 && refused)
        raise (SIGKILL);
      _exit (1);
    }

  /* The fork doesn't stand in the way. */
  g_bytes_unref (proc_buffer_seal (open, NULL));
  close (release[1]);
  close (release[0]);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/buffer/is-zero", test_is_zero);
  g_test_add_func ("/buffer/memory-is-what-is-sealed", test_memory_is_what_is_sealed);
  g_test_add_func ("/buffer/write", test_write);
  g_test_add_func ("/buffer/write-beyond-the-end", test_write_beyond_the_end);
  g_test_add_func ("/buffer/several-threads-write", test_several_threads_write);
  g_test_add_func ("/buffer/sealed", test_sealed);
  g_test_add_func ("/buffer/write-to-sealed-memory", test_write_to_sealed_memory);
  g_test_add_func ("/buffer/lent-memory", test_lent_memory);
  g_test_add_func ("/buffer/lent-memory-stays", test_lent_memory_stays);
  g_test_add_func ("/buffer/cannot-be-sealed-now", test_cannot_be_sealed_now);
  g_test_add_func ("/buffer/no-bytes", test_no_bytes);
  g_test_add_func ("/buffer/values/types", test_types);
  g_test_add_func ("/buffer/values/bytes-of-another-type", test_bytes_of_another_type);
  g_test_add_func ("/buffer/values/sent-as-it-is", test_sent_as_it_is);
  g_test_add_func ("/buffer/values/beginning-is-sent-as-it-is", test_beginning_is_sent_as_it_is);
  g_test_add_func ("/buffer/values/sent-as-copy", test_sent_as_copy);
  g_test_add_func ("/buffer/nothing-is-left", test_nothing_is_left);
  g_test_add_func ("/buffer/fails/no-descriptors", test_no_descriptors);
  g_test_add_func ("/buffer/fails/no-space", test_no_space);
  g_test_add_func ("/buffer/fails/more-than-there-is", test_more_than_there_is);
  g_test_add_func ("/buffer/fork", test_is_refused_in_fork);

  return g_test_run ();
}
