/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "wire/lending.h"

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

#define SIZE (1024 * 1024)

static GVariant *
new_bytes (gsize size, guint8 byte)
{
  guint8 *bytes = g_malloc (size);

  memset (bytes, byte, size);
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes));
}

static int
lend (ProcLending *lending, gsize size, guint8 byte)
{
  g_autoptr (GVariant) value = new_bytes (size, byte);
  g_autoptr (GError) error = NULL;
  int fd = proc_lending_lend (lending, value, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  return fd;
}

/* As the borrower does it. */
static GBytes *
map (int fd, gsize size)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = proc_memfd_map (fd, size, PROC_MEMFD_BORROWED, &error);

  g_assert_no_error (error);
  return bytes;
}

static void
assert_filled (int fd, gsize size, guint8 byte)
{
  g_autoptr (GBytes) bytes = map (fd, size);
  const guint8 *data = g_bytes_get_data (bytes, NULL);

  g_assert_cmpuint (data[0], ==, byte);
  g_assert_cmpint (memcmp (data, data + 1, size - 1), ==, 0);
}

static ino_t
get_file (int fd)
{
  struct stat info;

  g_assert_cmpint (fstat (fd, &info), ==, 0);
  return info.st_ino;
}

static gboolean
is_lent (int fd)
{
  int seals = fcntl (fd, F_GET_SEALS);

  g_assert_cmpint (seals & (F_SEAL_SHRINK | F_SEAL_GROW), ==, F_SEAL_SHRINK | F_SEAL_GROW);
  g_assert_true ((seals & F_SEAL_WRITE) != 0 || (seals & F_SEAL_FUTURE_WRITE) != 0);
  return (seals & F_SEAL_WRITE) == 0;
}

/* ---- lending ---- */

static void
test_same_memory_again (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  ino_t file = 0;

  g_assert_true (proc_lending_is_empty (lending));
  for (guint8 i = 1; i <= 5; i++)
    {
      /* Of about the same size will do. */
      gsize size = SIZE - i * 1000;
      g_auto (ProcFd) fd = lend (lending, size, i);

      g_assert_true (is_lent (fd));
      assert_filled (fd, size, i);
      if (i > 1)
        g_assert_cmpuint (get_file (fd), ==, file);
      file = get_file (fd);
    }
  g_assert_false (proc_lending_is_empty (lending));
}

static void
test_values_of_many_parts (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_autoptr (GVariant) bytes = new_bytes (SIZE, 1);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(s@ayas)", "text", bytes, NULL));
      g_auto (ProcFd) fd = proc_lending_lend (lending, value, NULL);
      g_autoptr (GBytes) received = map (fd, g_variant_get_size (value));

      g_assert_cmpmem (g_bytes_get_data (received, NULL), g_bytes_get_size (received),
                       g_variant_get_data (value), g_variant_get_size (value));
    }
}

static void
test_not_while_open (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) first = lend (lending, SIZE, 1);
  g_auto (ProcFd) again = dup (first);
  g_auto (ProcFd) second = lend (lending, SIZE, 2);
  ino_t file = get_file (first);

  g_assert_cmpuint (get_file (second), !=, file);
  proc_fd_clear (&first);
  proc_fd_clear (&second);
  second = lend (lending, SIZE, 3);
  g_assert_cmpuint (get_file (second), !=, file);
  assert_filled (again, SIZE, 1);
}

static void
test_not_while_mapped (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) first = lend (lending, SIZE, 1);
  void *mapped = mmap (NULL, SIZE, PROT_READ, MAP_PRIVATE, first, 0);
  ino_t file = get_file (first);
  g_auto (ProcFd) second = -1;
  g_auto (ProcFd) third = -1;

  proc_fd_clear (&first);
  second = lend (lending, SIZE, 2);
  g_assert_cmpuint (get_file (second), !=, file);
  g_assert_cmpuint (((const guint8 *) mapped)[SIZE - 1], ==, 1);

  munmap (mapped, SIZE);
  third = lend (lending, SIZE, 3);
  g_assert_cmpuint (get_file (third), ==, file);
}

static void
test_not_while_another_process_has_it (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) first = lend (lending, SIZE, 1);
  ino_t file = get_file (first);
  pid_t pid = test_fork ();

  if (pid == 0)
    {
      pause ();
      _exit (1);
    }
  proc_fd_clear (&first);
  first = lend (lending, SIZE, 2);
  g_assert_cmpuint (get_file (first), !=, file);
  proc_fd_clear (&first);

  kill (pid, SIGKILL);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_true (proc_lending_trim (lending));
  g_assert_false (proc_lending_trim (lending));
}

static void
test_borrowers_cannot_write (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) fd = lend (lending, SIZE, 1);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_auto (ProcFd) other = open (path, O_RDWR | O_CLOEXEC);

  g_assert_cmpint (write (fd, "x", 1), ==, -1);
  g_assert_true (mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  if (other >= 0)
    {
      g_assert_cmpint (write (other, "x", 1), ==, -1);
      g_assert_cmpint (ftruncate (other, 0), ==, -1);
      g_assert_cmpint (fallocate (other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), ==, -1);
      g_assert_true (mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0) == MAP_FAILED);
    }
  assert_filled (fd, SIZE, 1);
}

static void
test_sizes (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) large = lend (lending, SIZE, 1);
  ino_t file = get_file (large);
  g_auto (ProcFd) small = -1;
  g_auto (ProcFd) larger = -1;

  proc_fd_clear (&large);
  small = lend (lending, SIZE / 2 - 1, 2);
  larger = lend (lending, SIZE + 1, 3);
  large = lend (lending, SIZE, 4);
  g_assert_cmpuint (get_file (small), !=, file);
  g_assert_cmpuint (get_file (larger), !=, file);
  g_assert_cmpuint (get_file (large), ==, file);
}

/* What there is too much of isn't lent; and what isn't lent gives way to what is of another size. */
static void
test_number (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  int fds[4];
  g_auto (ProcFd) other = -1;
  guint n_lent = 0;

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = lend (lending, SIZE, i);
      n_lent += is_lent (fds[i]);
    }
  g_assert_cmpuint (n_lent, ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      assert_filled (fds[i], SIZE, i);
      proc_fd_close (fds[i]);
    }

  other = lend (lending, SIZE / 4, 9);
  g_assert_true (is_lent (other));
  assert_filled (other, SIZE / 4, 9);
}

static void
test_no_more_than_is_reasonable (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) fd = -1;

  if (test_is_slow ())
    {
      g_test_skip ("too large for a checker");
      return;
    }
  fd = lend (lending, 256 * 1024 * 1024 + 1, 1);
  g_assert_false (is_lent (fd));
  g_assert_true (proc_lending_is_empty (lending));
}

static void
test_values_nobody_takes (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_autofree char *text = g_strnfill (SIZE, 'x');
  g_autoptr (GVariant) bad = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_STRING, text, SIZE, FALSE, NULL, NULL));
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (proc_lending_lend (lending, bad, &error), ==, -1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);
  g_clear_error (&error);
  g_assert_true (proc_lending_is_empty (lending));

  proc_fd_close (lend (lending, SIZE, 1));
  g_assert_cmpint (proc_lending_lend (lending, bad, &error), ==, -1);
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS);

  /* What it was to go in is free again. */
  g_assert_true (proc_lending_trim (lending));
  g_assert_false (proc_lending_trim (lending));
}

/* ---- the way back ---- */

static void
test_comes_back (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) lent = lend (lending, SIZE, 1);
  g_auto (ProcFd) received = dup (lent);
  g_auto (ProcFd) next = -1;
  ino_t file = get_file (lent);

  g_assert_true (proc_lending_exchange (lending, &received));
  g_assert_cmpuint (get_file (received), ==, file);
  g_assert_cmpint (fcntl (received, F_GETFD), ==, FD_CLOEXEC);

  /* It is the lender that has it now. */
  proc_fd_clear (&lent);
  next = lend (lending, SIZE, 2);
  g_assert_cmpuint (get_file (next), !=, file);
  assert_filled (received, SIZE, 1);
}

static void
test_others_memory_does_not_come_back (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_autoptr (ProcLending) other = proc_lending_new ();
  g_auto (ProcFd) lent = lend (lending, SIZE, 1);
  g_auto (ProcFd) from_other = lend (other, SIZE, 2);
  g_auto (ProcFd) device = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int before = from_other;

  g_assert_false (proc_lending_exchange (lending, &from_other));
  g_assert_cmpint (from_other, ==, before);
  g_assert_false (proc_lending_exchange (lending, &device));
  g_assert_null (proc_memfd_map (from_other, SIZE, PROC_MEMFD_SEALED, NULL));
}

typedef struct
{
  ProcLending *lending;
  int stop; /* atomic */
} Filler;

static gpointer
fill_again_and_again (gpointer user_data)
{
  Filler *self = user_data;

  while (!g_atomic_int_get (&self->stop))
    proc_fd_close (lend (self->lending, SIZE, 1));
  return NULL;
}

/* A borrower that has let it go, opens it again without a lock, and sends it while it is filled anew. */
static void
test_does_not_come_back_while_it_is_filled (void)
{
  Filler filler = { .lending = proc_lending_new () };
  g_auto (ProcFd) lent = lend (filler.lending, SIZE, 1);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", lent);
  g_auto (ProcFd) kept = open (path, O_RDONLY | O_CLOEXEC);
  gboolean refused = FALSE;
  gboolean exchanged = FALSE;
  GThread *thread;

  g_assert_cmpint (kept, >=, 0);
  proc_fd_clear (&lent);
  thread = g_thread_new ("filler", fill_again_and_again, &filler);
  while (!refused || !exchanged)
    {
      g_auto (ProcFd) sent = dup (kept);

      if (proc_lending_exchange (filler.lending, &sent))
        {
          exchanged = TRUE;
          assert_filled (sent, SIZE, 1);
        }
      else
        refused = TRUE;
    }
  g_atomic_int_set (&filler.stop, TRUE);
  g_thread_join (thread);
  proc_lending_unref (filler.lending);
}

static void
test_comes_back_without_descriptors (void)
{
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) lent = lend (lending, SIZE, 1);
  g_auto (ProcFd) received = dup (lent);
  struct rlimit before;
  struct rlimit none;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  none = before;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  g_assert_true (proc_lending_exchange (lending, &received));
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_cmpint (received, ==, -1);
}

/* ---- the end ---- */

static void
test_trimming (void)
{
  guint n_fds = test_count_fds ();
  g_autoptr (ProcLending) lending = proc_lending_new ();
  g_auto (ProcFd) lent = lend (lending, SIZE, 1);
  ino_t file = get_file (lent);

  /* Used since, then lent still. */
  g_assert_true (proc_lending_trim (lending));
  g_assert_true (proc_lending_trim (lending));
  proc_fd_clear (&lent);
  g_assert_false (proc_lending_trim (lending));
  g_assert_true (proc_lending_is_empty (lending));
  g_assert_cmpuint (test_count_fds (), ==, n_fds);

  lent = lend (lending, SIZE, 2);
  g_assert_cmpuint (get_file (lent), !=, file);
}

static void
test_lent_memory_outlives_its_lender (void)
{
  guint n_fds = test_count_fds ();
  ProcLending *lending = proc_lending_new ();
  int fd = lend (lending, SIZE, 1);

  proc_lending_ref (lending);
  proc_lending_unref (lending);
  proc_lending_unref (lending);
  assert_filled (fd, SIZE, 1);
  proc_fd_close (fd);
  g_assert_cmpuint (test_count_fds (), ==, n_fds);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/lending/same-memory-again", test_same_memory_again);
  g_test_add_func ("/lending/values-of-many-parts", test_values_of_many_parts);
  g_test_add_func ("/lending/not-while/open", test_not_while_open);
  g_test_add_func ("/lending/not-while/mapped", test_not_while_mapped);
  g_test_add_func ("/lending/not-while/another-process-has-it", test_not_while_another_process_has_it);
  g_test_add_func ("/lending/borrowers-cannot-write", test_borrowers_cannot_write);
  g_test_add_func ("/lending/sizes", test_sizes);
  g_test_add_func ("/lending/number", test_number);
  g_test_add_func ("/lending/no-more-than-is-reasonable", test_no_more_than_is_reasonable);
  g_test_add_func ("/lending/values-nobody-takes", test_values_nobody_takes);
  g_test_add_func ("/lending/comes-back/to-its-lender", test_comes_back);
  g_test_add_func ("/lending/comes-back/not-others-memory", test_others_memory_does_not_come_back);
  g_test_add_func ("/lending/comes-back/not-while-it-is-filled", test_does_not_come_back_while_it_is_filled);
  g_test_add_func ("/lending/comes-back/no-descriptors", test_comes_back_without_descriptors);
  g_test_add_func ("/lending/end/trimming", test_trimming);
  g_test_add_func ("/lending/end/outlives-its-lender", test_lent_memory_outlives_its_lender);

  return g_test_run ();
}
