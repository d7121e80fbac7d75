/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Buffers and other bulk as arguments, results and partial values. This program is its own helper. Whether something was copied is told
 * by the file that is mapped where it lies: a copy would be in another one.
 */

#include <stdio.h>

#include "testing.h"

#define SIZE (1024 * 1024)
#define N_CALLS 20

/* The number of the file that is mapped at @address; 0: none. */
static guint64
get_file_at (gconstpointer address)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint64 start;
      guint64 end;
      guint64 file;

      if (sscanf (lines[i], "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %*s %*s %*s %" G_GUINT64_FORMAT, &start, &end, &file) == 3 &&
          start <= (guintptr) address && (guintptr) address < end)
        return file;
    }
  return 0;
}

static guint64
get_file_of (GVariant *value)
{
  return get_file_at (g_variant_get_data (value));
}

/* In memory of the program's own. */
static GVariant *
new_in_heap (guint8 first)
{
  guint8 *bytes = g_malloc (SIZE);

  for (gsize i = 0; i < SIZE; i++)
    bytes[i] = first + i * 7;
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, SIZE, TRUE, g_free, bytes));
}

static GVariant *
new_in_buffer (guint8 first)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ProcBuffer) buffer = proc_buffer_new (SIZE, &error);
  GVariant *value;
  guint8 *memory;

  g_assert_no_error (error);
  memory = proc_buffer_get_memory (buffer, NULL);
  for (gsize i = 0; i < SIZE; i++)
    memory[i] = first + i * 7;
  value = proc_buffer_to_variant (buffer, NULL, &error);
  g_assert_no_error (error);
  return value;
}

static gboolean
is_filled (GVariant *value, guint8 first)
{
  const guint8 *bytes = g_variant_get_data (value);

  if (g_variant_get_size (value) != SIZE)
    return FALSE;
  for (gsize i = 0; i < SIZE; i++)
    {
      if (bytes[i] != (guint8) (first + i * 7))
        return FALSE;
    }
  return TRUE;
}

/* ---- the helper process ---- */

/* ay or (ay) → t: the file that they lie in */
static GVariant *
get_file (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_assert_true (is_filled (arguments, 1));
  return g_variant_new_uint64 (get_file_of (arguments));
}

/* (ayis) → t: the same */
static GVariant *
get_file_of_first (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_autoptr (GVariant) bytes = g_variant_get_child_value (arguments, 0);
  const char *text;
  int number;

  g_variant_get (arguments, "(@ayi&s)", NULL, &number, &text);
  g_assert_cmpint (number, ==, 640);
  g_assert_cmpstr (text, ==, "text");
  return get_file (invocation, bytes, NULL, error);
}

static GVariant *
echo (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_ref (arguments);
}

/* ay → ay: the same, with the file as a text of progress */
static GVariant *
echo_and_tell (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_autofree char *file = g_strdup_printf ("%" G_GUINT64_FORMAT, get_file_of (arguments));

  proc_invocation_progress (invocation, 0.5, file);
  return g_variant_ref (arguments);
}

/* → ay: made for this call */
static GVariant *
make (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return new_in_heap (1);
}

/* ay → ay: the same memory, of which a byte was changed: in the private copy of a page that a language may give out */
static GVariant *
change (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  guint8 *bytes = (guint8 *) g_variant_get_data (arguments);
  gsize size = g_variant_get_size (arguments);

  bytes[0] = 99;
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, (GDestroyNotify) g_variant_unref, g_variant_ref (arguments));
}

static GVariant *
get_kept (void)
{
  static GVariant *kept;

  if (kept == NULL)
    kept = new_in_buffer (2);
  return kept;
}

static GVariant *
return_kept (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_ref (get_kept ());
}

/* → (iay) */
static GVariant *
return_kept_and_number (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new ("(i@ay)", 640, get_kept ());
}

static GVariant *
output_kept (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  for (guint i = 0; i < N_CALLS; i++)
    proc_invocation_output (invocation, get_kept ());
  return NULL;
}

static GVariant *
get_file_of_kept (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_uint64 (get_file_of (get_kept ()));
}

static GVariant *
count_fds (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (test_count_fds ());
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "file", get_file, NULL, NULL);
  proc_helper_add_function (helper, "file-of-first", get_file_of_first, NULL, NULL);
  proc_helper_add_function (helper, "kept-and-number", return_kept_and_number, NULL, NULL);
  proc_helper_add_function (helper, "echo", echo, NULL, NULL);
  proc_helper_add_function (helper, "echo-and-tell", echo_and_tell, NULL, NULL);
  proc_helper_add_function (helper, "make", make, NULL, NULL);
  proc_helper_add_function (helper, "change", change, NULL, NULL);
  proc_helper_add_function (helper, "kept", return_kept, NULL, NULL);
  proc_helper_add_function (helper, "output-kept", output_kept, NULL, NULL);
  proc_helper_add_function (helper, "file-of-kept", get_file_of_kept, NULL, NULL);
  proc_helper_add_function (helper, "count-fds", count_fds, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- the host ---- */

static ProcPool *
new_pool (guint n_workers)
{
  ProcPool *pool = proc_pool_new (NULL);

  proc_pool_set_max_workers (pool, n_workers);
  return pool;
}

static guint64
call_number (ProcPool *pool, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = test_call (pool, function, arguments, &error);

  g_assert_no_error (error);
  return g_variant_get_uint64 (value);
}

static void
test_arguments (void)
{
  ProcPool *pool = new_pool (1);
  g_autoptr (GVariant) value = new_in_buffer (1);
  guint64 file = get_file_of (value);

  g_assert_cmpuint (file, !=, 0);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_assert_cmpuint (call_number (pool, "file", value), ==, file);
      g_assert_cmpuint (call_number (pool, "file", g_variant_new ("(@ay)", value)), ==, file);
    }
  test_pool_finish (pool);
}

/* Both ways. */
static void
test_beside_others (void)
{
  ProcPool *pool = new_pool (1);
  g_autoptr (GVariant) value = new_in_buffer (1);
  guint64 file_of_kept = call_number (pool, "file-of-kept", NULL);

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) result = test_call (pool, "kept-and-number", NULL, &error);
      g_autoptr (GVariant) bytes = NULL;

      g_assert_no_error (error);
      bytes = g_variant_get_child_value (result, 1);
      g_assert_true (is_filled (bytes, 2));
      g_assert_cmpuint (get_file_of (bytes), ==, file_of_kept);
      g_assert_cmpuint (call_number (pool, "file-of-first", g_variant_new ("(@ayis)", value, 640, "text")), ==, get_file_of (value));
    }
  test_pool_finish (pool);
}

static void
test_several_at_once (void)
{
  ProcPool *pool = new_pool (2);
  g_autoptr (GVariant) value = new_in_buffer (1);
  TestRun *runs[N_CALLS];

  for (guint i = 0; i < N_CALLS; i++)
    runs[i] = test_run_start (pool, "file", value, NULL);
  for (guint i = 0; i < N_CALLS; i++)
    {
      test_run_wait (runs[i]);
      g_assert_no_error (runs[i]->error);
      g_assert_cmpuint (g_variant_get_uint64 (runs[i]->value), ==, get_file_of (value));
      test_run_free (runs[i]);
    }
  test_pool_finish (pool);
}

static void
test_map (void)
{
  ProcPool *pool = new_pool (2);
  g_autoptr (GVariant) value = new_in_buffer (1);
  GVariant *items[N_CALLS];
  g_autoptr (ProcResults) results = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_CALLS; i++)
    items[i] = value;
  results = proc_pool_map (pool, "file", g_variant_new_array (NULL, items, N_CALLS));
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GVariant) result = proc_results_next (results, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (g_variant_get_uint64 (result), ==, get_file_of (value));
    }
  g_clear_object (&results);
  test_pool_finish (pool);
}

static void
test_dropped_while_queued (void)
{
  ProcPool *pool = new_pool (1);
  GVariant *value = new_in_buffer (1);
  guint64 file = get_file_of (value);
  g_autoptr (TestRun) run = test_run_start (pool, "file", value, NULL);

  g_variant_unref (value);
  test_run_wait (run);
  g_assert_no_error (run->error);
  g_assert_cmpuint (g_variant_get_uint64 (run->value), ==, file);
  test_pool_finish (pool);
}

static void
test_results (void)
{
  ProcPool *pool = new_pool (1);
  guint64 file = call_number (pool, "file-of-kept", NULL);

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) result = test_call (pool, "kept", NULL, &error);

      g_assert_no_error (error);
      g_assert_true (is_filled (result, 2));
      g_assert_cmpuint (get_file_of (result), ==, file);
    }
  test_pool_finish (pool);
}

typedef struct
{
  guint n_outputs;
  guint64 file;
} Outputs;

static void
on_output (ProcTask *task, GVariant *value, gpointer user_data)
{
  Outputs *self = user_data;

  self->n_outputs++;
  g_assert_true (is_filled (value, 2));
  g_assert_cmpuint (get_file_of (value), ==, self->file);
}

static void
test_partial_values (void)
{
  ProcPool *pool = new_pool (1);
  g_autoptr (ProcTask) task = proc_task_new ("output-kept", NULL);
  Outputs outputs = { .file = call_number (pool, "file-of-kept", NULL) };
  g_autoptr (GError) error = NULL;

  g_signal_connect (task, "output", G_CALLBACK (on_output), &outputs);
  g_variant_unref (test_run_task (pool, task, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (outputs.n_outputs, ==, N_CALLS);
  test_pool_finish (pool);
}

/* ---- what was received and is sent on ---- */

static void
test_buffer_comes_back (void)
{
  ProcPool *pool = new_pool (1);
  g_autoptr (GVariant) value = new_in_buffer (1);
  g_autoptr (GVariant) received = test_call (pool, "echo", value, NULL);

  g_assert_true (is_filled (received, 1));
  g_assert_cmpuint (get_file_of (received), ==, get_file_of (value));
  test_pool_finish (pool);
}

static void
test_result_is_sent_on_as_it_is (void)
{
  ProcPool *one = new_pool (1);
  ProcPool *other = new_pool (1);
  g_autoptr (GVariant) result = test_call (one, "make", NULL, NULL);

  g_assert_true (is_filled (result, 1));
  g_assert_cmpuint (call_number (other, "file", result), ==, get_file_of (result));
  g_assert_cmpuint (call_number (one, "file", result), ==, get_file_of (result));
  test_pool_finish (one);
  test_pool_finish (other);
}

/* The memory that the host lends a helper process, and has back as a result; but no other helper process gets it. */
static void
test_arguments_come_back_as_they_are (void)
{
  ProcPool *pool = new_pool (1);
  ProcPool *other = new_pool (1);
  g_autoptr (GVariant) value = new_in_heap (1);

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (ProcTask) task = proc_task_new ("echo-and-tell", value);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) received = test_run_task (pool, task, &error);
      g_autofree char *file = NULL;

      g_assert_no_error (error);
      g_assert_true (is_filled (received, 1));
      file = g_strdup_printf ("%" G_GUINT64_FORMAT, get_file_of (received));
      g_assert_cmpstr (proc_task_get_progress_text (task), ==, file);
      g_assert_cmpuint (call_number (other, "file", received), !=, get_file_of (received));
    }
  test_pool_finish (pool);
  test_pool_finish (other);
}

/* What one has still got isn't filled anew. */
static void
test_results_stay (void)
{
  ProcPool *pool = new_pool (2);
  GVariant *received[2 * N_CALLS];

  for (guint i = 0; i < G_N_ELEMENTS (received); i++)
    {
      g_autoptr (GVariant) value = new_in_heap (i);

      received[i] = test_call (pool, "echo", value, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (received); i++)
    {
      g_assert_true (is_filled (received[i], i));
      g_variant_unref (received[i]);
    }
  test_pool_finish (pool);
}

static void
test_changed_is_copied (void)
{
  ProcPool *pool = new_pool (1);
  g_autoptr (GVariant) value = new_in_heap (1);
  g_autoptr (GVariant) buffer = new_in_buffer (1);
  g_autoptr (GVariant) received = test_call (pool, "change", value, NULL);
  g_autoptr (GVariant) other = test_call (pool, "change", buffer, NULL);

  g_assert_cmpuint (((const guint8 *) g_variant_get_data (received))[0], ==, 99);
  g_assert_cmpuint (((const guint8 *) g_variant_get_data (other))[0], ==, 99);
  g_assert_true (is_filled (value, 1));
  g_assert_true (is_filled (buffer, 1));
  test_pool_finish (pool);
}

/* When nothing was sent for a while. */
static void
test_lent_memory_is_given_back (void)
{
  ProcPool *pool = new_pool (1);
  g_autoptr (GVariant) value = new_in_heap (1);

  g_assert_cmpuint (call_number (pool, "file", value), !=, 0);
  g_assert_cmpuint (test_count_mappings ("procpool-loan"), >, 0);
  test_wait_until (test_count_mappings ("procpool-loan") == 0);
  g_assert_cmpuint (call_number (pool, "file", value), !=, 0);
  test_pool_finish (pool);
}

static void
test_descriptors (void)
{
  ProcPool *pool = new_pool (1);
  GVariant *value = new_in_buffer (1);
  guint n_fds;
  int n_fds_there;

  g_assert_cmpuint (call_number (pool, "file", value), !=, 0);
  g_variant_unref (test_call (pool, "kept", NULL, NULL));
  n_fds = test_count_fds ();
  n_fds_there = test_call_int (pool, "count-fds", NULL);

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_assert_cmpuint (call_number (pool, "file", value), !=, 0);
      g_variant_unref (test_call (pool, "kept", NULL, NULL));
    }
  g_assert_cmpuint (test_count_fds (), ==, n_fds);
  g_assert_cmpint (test_call_int (pool, "count-fds", NULL), ==, n_fds_there);

  g_variant_unref (value);
  g_assert_cmpuint (test_count_fds (), ==, n_fds - 1);
  test_pool_finish (pool);
}

int
main (int argc, char *argv[])
{
  if (proc_helper_is_helper_process ())
    return serve ();

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool-buffers/arguments", test_arguments);
  g_test_add_func ("/pool-buffers/beside-others", test_beside_others);
  g_test_add_func ("/pool-buffers/several-at-once", test_several_at_once);
  g_test_add_func ("/pool-buffers/map", test_map);
  g_test_add_func ("/pool-buffers/dropped-while-queued", test_dropped_while_queued);
  g_test_add_func ("/pool-buffers/results", test_results);
  g_test_add_func ("/pool-buffers/partial-values", test_partial_values);
  g_test_add_func ("/pool-buffers/sent-on/buffer-comes-back", test_buffer_comes_back);
  g_test_add_func ("/pool-buffers/sent-on/result", test_result_is_sent_on_as_it_is);
  g_test_add_func ("/pool-buffers/sent-on/arguments-come-back", test_arguments_come_back_as_they_are);
  g_test_add_func ("/pool-buffers/sent-on/results-stay", test_results_stay);
  g_test_add_func ("/pool-buffers/sent-on/changed-is-copied", test_changed_is_copied);
  g_test_add_func ("/pool-buffers/lent-memory-is-given-back", test_lent_memory_is_given_back);
  g_test_add_func ("/pool-buffers/descriptors", test_descriptors);

  return g_test_run ();
}
