/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a hostile helper may send: descriptors, floods and texts. */

#include "hostile-pool.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* How much more memory a refusal may take at its peak. */
#define SOME_MEMORY (64 * 1024 * 1024)

/* ---- descriptors ---- */

static void
test_descriptor_flood (void)
{
  /* Announced, and sent. */
  faults_expect ("descriptors", "65 65", PROC_POOL_ERROR_TOO_LARGE, NULL);
  faults_expect ("descriptors", "65535 100", PROC_POOL_ERROR_TOO_LARGE, NULL);
  faults_expect ("descriptors", "2 2", PROC_POOL_ERROR_TOO_LARGE, "the limit is 1");
  faults_expect ("descriptors", "1 0", PROC_POOL_ERROR_PROTOCOL, NULL);
  faults_expect ("descriptors", "0 253", PROC_POOL_ERROR_PROTOCOL, NULL);
  faults_expect ("descriptors-without-end", NULL, PROC_POOL_ERROR_PROTOCOL, NULL);
}

static void
test_missing_descriptor (void)
{
  ProcPool *pool = faults_hostile_pool_new ("descriptors", "2 1");
  g_autoptr (GError) error = NULL;

  proc_pool_set_max_fds (pool, 64);
  g_assert_null (test_call (pool, "echo", g_variant_new_int32 (1), &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL);
  faults_finish (pool);
}

/* The reply itself is a good one, and what is behind it is another matter. */
static void
test_descriptor_flood_behind_a_reply (void)
{
  static const char *const numbers[] = { "0 1", "1 5", "64 64", "64 128" };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      ProcPool *pool = faults_hostile_pool_new ("descriptors", numbers[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = NULL;

      proc_pool_set_max_fds (pool, 64);
      value = test_call (pool, "echo", g_variant_new_int32 (1), &error);
      g_assert_no_error (error);
      if (g_str_equal (numbers[i], "64 64"))
        proc_worker_kill (test_get_worker (pool, 0), NULL);
      faults_finish (pool);
    }
}

static void
test_unsealed_memfd (void)
{
  static const char *const kinds[] = {
    "unsealed", "growing", "writable", "lent", "short", "empty", "file", "device", "directory", "path", "pipe", "socket", "none",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      faults_expect ("unfit-memfd", kinds[i], PROC_POOL_ERROR_PROTOCOL, "descriptor");
      faults_expect ("unfit-piece", kinds[i], PROC_POOL_ERROR_PROTOCOL, "descriptor");
    }
}

static GVariant *
new_filled (guint8 byte)
{
  const gsize size = 1024 * 1024;
  guint8 *bytes = g_malloc (size);

  memset (bytes, byte, size);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

/* It tells lies in its results, of which it may have any; but what the host has got doesn't change any more. */
static void
test_old_loan (void)
{
  ProcPool *pool = faults_hostile_pool_new ("old-loan", NULL);
  GVariant *results[20];
  guint8 bytes[G_N_ELEMENTS (results)];

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;

      results[i] = test_call (pool, "echo", new_filled (i + 1), &error);
      if (i == 0)
        g_assert_no_error (error);
      if (results[i])
        bytes[i] = ((const guint8 *) g_variant_get_data (results[i]))[0];
    }
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      const guint8 *data;

      if (!results[i])
        continue;
      data = g_variant_get_data (results[i]);
      g_assert_cmpuint (data[0], ==, bytes[i]);
      g_assert_cmpint (memcmp (data, data + 1, g_variant_get_size (results[i]) - 1), ==, 0);
      g_variant_unref (results[i]);
    }
  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

static void
test_misplaced_piece (void)
{
  faults_expect ("misplaced-piece", "9", PROC_POOL_ERROR_PROTOCOL, "begins behind");
  faults_expect ("misplaced-piece", "18446744073709551615", PROC_POOL_ERROR_PROTOCOL, "begins behind");
  faults_expect ("oversize-piece", "0", PROC_POOL_ERROR_PROTOCOL, "shorter");
  faults_expect ("oversize-piece", "4097", PROC_POOL_ERROR_PROTOCOL, "shorter");
  faults_expect ("oversize-piece", "1073741817", PROC_POOL_ERROR_TOO_LARGE, "1073741824");
  faults_expect ("oversize-piece", "18446744073709551615", PROC_POOL_ERROR_TOO_LARGE, "1073741824");
}

static void
test_sparse_memfd (void)
{
  gsize before = faults_get_memory ("VmPeak");

  faults_expect ("sparse-memfd", NULL, PROC_POOL_ERROR_TOO_LARGE, "1099511627776");
  g_assert_cmpuint (faults_get_memory ("VmPeak") - before, <, SOME_MEMORY);
}

/* valgrind only pretends to lower the limit: the kernel goes on passing descriptors. */
static gboolean
skip_without_limit (void)
{
  g_autofree char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  if (strstr (maps, "valgrind") == NULL)
    return FALSE;

  g_test_skip ("valgrind doesn't pass on the limit on descriptors to the kernel");
  return TRUE;
}

/* Takes all descriptors that this process may have, and gives them back. */
static GArray *
take_all_fds (struct rlimit *old)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));
  struct rlimit low;
  int fd;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, old), ==, 0);
  low = *old;
  low.rlim_cur = MIN (low.rlim_cur, 200);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);

  while ((fd = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
    g_array_append_val (fds, fd);

  return fds;
}

static void
give_back_fds (GArray *fds, const struct rlimit *old)
{
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, int, i));
  g_array_unref (fds);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, old), ==, 0);
}

static void
test_truncated_descriptors (void)
{
  ProcPool *pool;
  int pid;
  g_autoptr (TestRun) run = NULL;
  struct rlimit old;
  GArray *fds;

  if (skip_without_limit ())
    return;

  pool = test_pool_new (1);
  pid = test_call_int (pool, "pid", NULL);
  fds = take_all_fds (&old);
  run = test_run_start (pool, "big", g_variant_new_uint64 (1024 * 1024), NULL);
  faults_assert_fails (run, PROC_POOL_ERROR_DESCRIPTORS);
  test_assert_error_says (run->error, "RLIMIT_NOFILE");

  /* Small values still come through. */
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);
  give_back_fds (fds, &old);
  g_assert_cmpint (test_call_int (pool, "pid", NULL), ==, pid);

  faults_finish (pool);
}

static void
count_output (ProcTask *task, GVariant *value, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_truncated_descriptors_of_output (void)
{
  ProcPool *pool;
  g_autoptr (ProcTask) task = proc_task_new ("echo", NULL);
  g_autoptr (TestRun) run = NULL;
  struct rlimit old;
  GArray *fds;
  guint n_outputs = 0;

  if (skip_without_limit ())
    return;

  /* It has a worker, whose start needs descriptors. */
  pool = faults_hostile_pool_new ("large-output", NULL);
  proc_pool_set_min_workers (pool, 1);
  test_wait_until (proc_pool_get_n_idle (pool) == 1);
  proc_pool_set_min_workers (pool, 0);
  g_signal_connect (task, "output", G_CALLBACK (count_output), &n_outputs);

  fds = take_all_fds (&old);
  run = test_run_start_task (pool, task, NULL);
  faults_assert_fails (run, PROC_POOL_ERROR_DESCRIPTORS);
  g_assert_cmpuint (n_outputs, ==, 0);
  give_back_fds (fds, &old);

  test_wait_until (proc_pool_get_n_idle (pool) == 1);
  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

/* ---- floods ---- */

static void
test_error_flood (void)
{
  ProcPool *pool = faults_hostile_pool_new ("error-flood", NULL);

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *domain = g_strdup_printf ("hostile-%u-quark", i);
      g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

      faults_assert_fails (run, PROC_POOL_ERROR_REMOTE);
      g_assert_true (g_str_has_prefix (run->error->message, domain));
      g_assert_cmpuint (strlen (run->error->message), <=, 64 * 1024 + strlen (domain) + 2);
      g_assert_cmpuint (g_quark_try_string (domain), ==, 0);
    }

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

static void
test_error_flood_in_the_domain (void)
{
  ProcPool *pool = faults_hostile_pool_new ("long-domain", NULL);
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);

  faults_assert_fails (run, PROC_POOL_ERROR_REMOTE);
  g_assert_cmpuint (strlen (run->error->message), <=, 256 + 2);

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

typedef struct
{
  guint64 n_passed;
  guint64 n_dropped;
} LogCounts;

static gboolean
count_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, LogCounts *counts)
{
  const char *dropped;

  if (g_variant_lookup (fields, "PROC_DROPPED", "&s", &dropped))
    {
      g_assert_cmpstr (domain, ==, "libprocpool");
      counts->n_dropped += g_ascii_strtoull (dropped, NULL, 10);
    }
  else if (g_strcmp0 (domain, "hostile") == 0)
    {
      counts->n_passed++;
    }

  return TRUE;
}

static void
test_log_flood (void)
{
  const guint n_records = test_is_slow () ? 20000 : 1000000;
  const guint rate = 100;
  g_autofree char *argument = g_strdup_printf ("%u", n_records);
  ProcPool *pool = faults_hostile_pool_new ("log-flood", argument);
  gint64 begin = g_get_monotonic_time ();
  LogCounts counts = { 0 };
  gint64 n_seconds;

  g_signal_connect (pool, "log", G_CALLBACK (count_log), &counts);
  proc_pool_set_max_log_rate (pool, rate);
  faults_expect_result (pool, "flooded");

  /* Without another record to tell it with, or an end. */
  test_wait_until (counts.n_passed + counts.n_dropped >= n_records);
  g_assert_cmpuint (counts.n_passed + counts.n_dropped, ==, n_records);

  n_seconds = (g_get_monotonic_time () - begin) / G_TIME_SPAN_SECOND + 1;
  g_assert_cmpuint (counts.n_passed, <=, (guint64) n_seconds * rate);
  g_assert_cmpuint (counts.n_passed, >=, rate);
  g_test_message ("%" G_GUINT64_FORMAT " of %u records passed", counts.n_passed, n_records);

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

/* What was dropped in its last second is told before its end. */
static void
test_log_flood_before_the_end (void)
{
  ProcPool *pool = faults_hostile_pool_new ("log-flood", "10000");
  LogCounts counts = { 0 };

  g_signal_connect (pool, "log", G_CALLBACK (count_log), &counts);
  proc_pool_set_max_log_rate (pool, 1);
  faults_expect_result (pool, "flooded");
  proc_worker_kill (test_get_worker (pool, 0), NULL);
  test_wait_until (proc_pool_get_n_workers (pool) == 0);
  g_assert_cmpuint (counts.n_passed + counts.n_dropped, ==, 10000);

  faults_finish (pool);
}

static void
count_progress (ProcTask *task, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_progress_flood (void)
{
  const guint n_messages = test_is_slow () ? 20000 : 1000000;
  g_autofree char *argument = g_strdup_printf ("%u", n_messages);
  ProcPool *pool = faults_hostile_pool_new ("progress-flood", argument);
  g_autoptr (ProcTask) task = proc_task_new ("echo", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  guint n_notified = 0;

  g_signal_connect (task, "notify::progress", G_CALLBACK (count_progress), &n_notified);
  value = test_run_task (pool, task, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (proc_task_get_progress (task), ==, 0.5);
  g_assert_cmpuint (n_notified, >=, 1);
  g_assert_cmpuint (n_notified, <=, n_messages / 10);

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

/* A consumer that does something else for each of them: what it can't take yet stays with the sender. */
static void
take_slowly (ProcTask *task, GVariant *value, gpointer user_data)
{
  ++*(guint *) user_data;
  for (guint i = 0; i < 100; i++)
    g_thread_yield ();
}

static void
test_output_flood (void)
{
  const guint n_messages = test_is_slow () ? 5000 : 100000;
  g_autofree char *argument = g_strdup_printf ("%u", n_messages);
  ProcPool *pool = faults_hostile_pool_new ("output-flood", argument);
  g_autoptr (ProcTask) task = proc_task_new ("echo", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  gsize before = faults_get_memory ("VmHWM");
  guint n_outputs = 0;

  g_signal_connect (task, "output", G_CALLBACK (take_slowly), &n_outputs);
  value = test_run_task (pool, task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_outputs, ==, n_messages);
  /* A checker keeps what is freed. */
  if (!test_is_slow ())
    g_assert_cmpuint (faults_get_memory ("VmHWM") - before, <, 16 * 1024 * 1024);

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

/* ---- texts ---- */

static void
test_bad_text (void)
{
  static const char *const places[] = { "progress", "error", "domain", "log", "result" };

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    faults_expect ("bad-text", places[i], PROC_POOL_ERROR_PROTOCOL, NULL);
}

static gboolean
check_line (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, guint *n_lines)
{
  g_assert_true (g_utf8_validate (message, -1, NULL));
  g_assert_true (g_str_has_prefix (message, "before "));
  g_assert_true (g_str_has_suffix (message, " after"));
  ++*n_lines;
  return TRUE;
}

static void
test_bad_text_on_stderr (void)
{
  ProcPool *pool = faults_hostile_pool_new ("bad-stderr", NULL);
  g_autoptr (TestRun) run = test_run_start (pool, "echo", g_variant_new_int32 (1), NULL);
  guint n_lines = 0;

  g_signal_connect (pool, "log", G_CALLBACK (check_line), &n_lines);
  faults_assert_fails (run, PROC_POOL_ERROR_CRASHED);
  g_assert_true (g_utf8_validate (run->error->message, -1, NULL));
  test_assert_error_says (run->error, "before ");
  g_assert_cmpuint (n_lines, ==, 1);

  faults_finish (pool);
}

static GLogWriterOutput
note_fields (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  GString *keys = user_data;
  gboolean is_hostile = FALSE;

  for (gsize i = 0; i < n_fields; i++)
    is_hostile |= g_str_equal (fields[i].key, "GLIB_DOMAIN") && g_str_equal (fields[i].value, "hostile");
  if (!is_hostile)
    return g_log_writer_default (level, fields, n_fields, NULL);

  for (gsize i = 0; i < n_fields; i++)
    {
      g_string_append_printf (keys, "%s ", fields[i].key);
      if (g_str_equal (fields[i].key, "MESSAGE"))
        g_assert_cmpstr (fields[i].value, ==, "honest");
    }
  return G_LOG_WRITER_HANDLED;
}

/* What nobody handles goes to the log of this program. */
static void
test_bad_text_in_log_fields (void)
{
  static GString *keys;
  ProcPool *pool = faults_hostile_pool_new ("bad-fields", NULL);

  keys = g_string_new (NULL);
  g_log_set_writer_func (note_fields, keys, NULL);
  faults_expect_result (pool, "logged");
  g_assert_cmpstr (keys->str, ==, "MESSAGE PRIORITY GLIB_DOMAIN PROC_PID PROC_FUNCTION GOOD ");

  proc_worker_kill (test_get_worker (pool, 0), NULL);
  faults_finish (pool);
}

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);

  faults_add ("/faults/hostile/truncated-descriptors", test_truncated_descriptors);
  faults_add ("/faults/hostile/truncated-descriptors/output", test_truncated_descriptors_of_output);
  faults_add ("/faults/hostile/sparse-memfd", test_sparse_memfd);
  faults_add ("/faults/hostile/descriptor-flood", test_descriptor_flood);
  faults_add ("/faults/hostile/descriptor-flood/behind-a-reply", test_descriptor_flood_behind_a_reply);
  faults_add ("/faults/hostile/descriptor-flood/missing", test_missing_descriptor);
  faults_add ("/faults/hostile/unsealed-memfd", test_unsealed_memfd);
  faults_add ("/faults/hostile/unsealed-memfd/misplaced", test_misplaced_piece);
  faults_add ("/faults/hostile/unsealed-memfd/old-loan", test_old_loan);
  faults_add ("/faults/hostile/error-flood", test_error_flood);
  faults_add ("/faults/hostile/error-flood/domain", test_error_flood_in_the_domain);
  faults_add ("/faults/hostile/log-flood", test_log_flood);
  faults_add ("/faults/hostile/log-flood/before-the-end", test_log_flood_before_the_end);
  faults_add ("/faults/hostile/progress-flood", test_progress_flood);
  faults_add ("/faults/hostile/progress-flood/output", test_output_flood);
  faults_add ("/faults/hostile/bad-text", test_bad_text);
  faults_add ("/faults/hostile/bad-text/stderr", test_bad_text_on_stderr);
  faults_add ("/faults/hostile/bad-text/log-fields", test_bad_text_in_log_fields);

  return g_test_run ();
}
