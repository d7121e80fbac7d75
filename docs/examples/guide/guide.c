/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What docs/guides/c.md shows beyond the other examples. */

#include <procpool/procpool.h>
#include <signal.h>

/* ---- in the helper process ---- */

static GVariant *greeting;

static GVariant *
set_greeting (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  greeting = g_variant_ref (arguments);
  return NULL;
}

static GVariant *
greet (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *name;
  int age;

  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(si)")))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                   "greet takes (si), not %s", g_variant_get_type_string (arguments));
      return NULL;
    }

  g_variant_get (arguments, "(&si)", &name, &age);
  g_message ("greeting %s", name);
  return g_variant_new_take_string (g_strdup_printf ("%s, %s, %d", g_variant_get_string (greeting, NULL), name, age));
}

static gboolean
reply_later (gpointer user_data)
{
  ProcInvocation *invocation = user_data;

  proc_invocation_return_value (invocation, g_variant_new_string ("later"));
  return G_SOURCE_REMOVE;
}

static void
wait_a_while (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  g_timeout_add_full (G_PRIORITY_DEFAULT, 10, reply_later, g_object_ref (invocation), g_object_unref);
}

static GVariant *
sum_of_bytes (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gsize size;
  const guint8 *bytes = g_variant_get_fixed_array (arguments, &size, 1);
  guint64 sum = 0;

  for (gsize i = 0; i < size; i++)
    sum += bytes[i];

  return g_variant_new_uint64 (sum);
}

static GVariant *
count_cores (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gsize n_cores;
  const int *cores = proc_invocation_get_cores (invocation, &n_cores);

  return g_variant_new_boolean (n_cores == 1 && cores[0] >= 0);
}

static GVariant *
count (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  for (int i = 1; i <= g_variant_get_int32 (arguments); i++)
    proc_invocation_output (invocation, g_variant_new_int32 (i));

  return NULL;
}

static int
run_helper (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "set-greeting", set_greeting, NULL, NULL);
  proc_helper_add_function (helper, "greet", greet, NULL, NULL);
  proc_helper_add_async_function (helper, "wait-a-while", wait_a_while, NULL, NULL);
  proc_helper_add_function (helper, "sum-of-bytes", sum_of_bytes, NULL, NULL);
  proc_helper_add_function (helper, "count", count, NULL, NULL);
  proc_helper_add_function (helper, "count-cores", count_cores, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- in the host ---- */

static gboolean
on_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, gpointer user_data)
{
  if (level != G_LOG_LEVEL_MESSAGE)
    return FALSE; /* the library writes it to this program's log */

  g_print ("logged: %s\n", message);
  return TRUE;
}

static void
call_with_initializer (ProcPool *pool)
{
  g_autoptr (GVariant) result = NULL;

  proc_pool_set_initializer (pool, "set-greeting", g_variant_new_string ("Good day"));
  g_signal_connect (pool, "log", G_CALLBACK (on_log), NULL);
  result = proc_pool_call (pool, "greet", g_variant_new ("(si)", "Ada", 36), NULL, NULL);
  g_print ("%s\n", g_variant_get_string (result, NULL));
}

static void
call_several_at_once (ProcPool *pool)
{
  g_autoptr (GVariant) result = NULL;

  proc_pool_set_tasks_per_worker (pool, 8);
  result = proc_pool_call (pool, "wait-a-while", NULL, NULL, NULL);
  g_print ("%s\n", g_variant_get_string (result, NULL));
}

static void
send_bytes (ProcPool *pool, GBytes *bytes)
{
  g_autoptr (GVariant) sum = NULL;

  sum = proc_pool_call (pool, "sum-of-bytes", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE), NULL, NULL);
  g_print ("%" G_GUINT64_FORMAT "\n", g_variant_get_uint64 (sum));
}

static void
ask_for_a_core (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("count-cores", NULL);
  g_autoptr (GVariant) has_one = NULL;

  proc_task_set_cores (task, 1);
  has_one = proc_pool_run (pool, task, NULL, NULL);
  g_print ("a core for itself: %s\n", g_variant_get_boolean (has_one) ? "yes" : "no");
}

static void
run_command (ProcPool *pool)
{
  const char *const argv[] = { "echo", "from a command", NULL };
  g_autoptr (ProcTask) task = proc_task_new_command (argv);
  g_autoptr (GVariant) result = proc_pool_run (pool, task, NULL, NULL);
  g_autoptr (GVariant) output = NULL;
  int exit_code;
  int term_signal;

  g_variant_get (result, "(ii@ay@ay)", &exit_code, &term_signal, &output, NULL);
  g_print ("exited with %d: %.*s", exit_code, (int) g_variant_get_size (output), (const char *) g_variant_get_data (output));
}

static void
on_taken (GObject *task, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_task_next_output_finish (PROC_TASK (task), result, &error);

  if (value == NULL)
    {
      g_print ("taken\n");
      return;
    }

  g_print ("%d ", g_variant_get_int32 (value));
  proc_task_next_output_async (PROC_TASK (task), NULL, on_taken, user_data);
}

static void
on_counted (GObject *pool, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (pool), result, &error);

  if (value == NULL)
    g_printerr ("%s\n", error->message);
}

static void
take_outputs (ProcPool *pool)
{
  g_autoptr (ProcTask) task = proc_task_new ("count", g_variant_new_int32 (3));

  proc_task_set_max_outputs (task, 1);
  proc_task_next_output_async (task, NULL, on_taken, NULL);
  proc_pool_run_async (pool, task, NULL, on_counted, NULL);
}

static gpointer
call_from_thread (gpointer pool)
{
  return proc_pool_call (pool, "wait-a-while", NULL, NULL, NULL);
}

static void
call_in_thread (ProcPool *pool)
{
  GThread *thread = g_thread_new ("caller", call_from_thread, pool);
  g_autoptr (GVariant) result = g_thread_join (thread);

  g_print ("in a thread: %s\n", g_variant_get_string (result, NULL));
}

static void
on_closed (GObject *pool, GAsyncResult *result, gpointer loop)
{
  g_autoptr (GError) error = NULL;

  if (proc_pool_close_finish (PROC_POOL (pool), result, &error))
    g_print ("closed\n");
  g_main_loop_quit (loop);
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GMainLoop) loop = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (proc_helper_is_helper_process ())
    return run_helper ();

  pool = proc_pool_new (NULL);
  proc_pool_watch_signal (pool, SIGTERM, PROC_CLOSE_DRAIN);
  loop = g_main_loop_new (NULL, FALSE);
  bytes = g_bytes_new_take (g_strnfill (1000000, 'x'), 1000000);
  call_with_initializer (pool);
  call_several_at_once (pool);
  send_bytes (pool, bytes);
  ask_for_a_core (pool);
  run_command (pool);
  call_in_thread (pool);

  take_outputs (pool);
  proc_pool_close_async (pool, PROC_CLOSE_DRAIN, NULL, on_closed, loop);
  g_main_loop_run (loop);
  return 0;
}
