/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One small piece of work there and back, with one on its way at a time, in four ways:
 *
 *   raw     64 bytes over a socket pair to a forked process and back, blocking: the floor
 *   gtask   a GTask run in a thread, completed on the main loop
 *   gdbus   a method call over peer-to-peer D-Bus to another process
 *   call    proc_pool_call_async() to a helper process
 *
 * The ways take turns, round by round, so that whatever else the machine does meets all alike. Told are the
 * median of the rounds and the best of them.
 */

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RAW_BYTES 64
#define DBUS_ARGUMENT "--serve-dbus"
#define DBUS_FD 3
#define DBUS_PATH "/benchmark"
#define DBUS_INTERFACE "benchmark.Increment"

/* ---- Calls on a main loop, one after another ---- */

typedef struct
{
  GMainLoop *loop;
  gint64 number; /* what is sent; the answer is one more, and sent next */
  guint n_left;
  void (*start) (void);
} Series;

static Series series;

static void
series_run (void (*start) (void), guint n_calls)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  series = (Series){ .loop = loop, .n_left = n_calls, .start = start };
  start ();
  g_main_loop_run (loop);
}

static void
series_next (gint64 answer, const GError *error, const char *what)
{
  bench_check (error == NULL && answer == series.number + 1, error, what);
  series.number = answer;

  if (--series.n_left > 0)
    series.start ();
  else
    g_main_loop_quit (series.loop);
}

/* ---- raw ---- */

static int raw_fd;
static pid_t raw_pid;

static gboolean
raw_exchange (int fd, void *bytes, gboolean send_first)
{
  if (send_first && send (fd, bytes, RAW_BYTES, MSG_NOSIGNAL) != RAW_BYTES)
    return FALSE;

  return recv (fd, bytes, RAW_BYTES, MSG_WAITALL) == RAW_BYTES;
}

static void
raw_set_up (void)
{
  int fds[2];

  bench_check (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, NULL, "socketpair");

  raw_pid = fork ();
  bench_check (raw_pid >= 0, NULL, "fork");
  if (raw_pid == 0)
    {
      gint64 bytes[RAW_BYTES / sizeof (gint64)];

      close (fds[0]);
      while (raw_exchange (fds[1], bytes, FALSE))
        {
          bytes[0]++;
          if (send (fds[1], bytes, RAW_BYTES, MSG_NOSIGNAL) != RAW_BYTES)
            break;
        }
      _exit (EXIT_SUCCESS);
    }

  close (fds[1]);
  raw_fd = fds[0];
}

static void
raw_run (guint n_calls)
{
  gint64 bytes[RAW_BYTES / sizeof (gint64)] = { 0 };

  for (guint i = 0; i < n_calls; i++)
    bench_check (raw_exchange (raw_fd, bytes, TRUE) && bytes[0] == i + 1, NULL, "raw");
}

static void
raw_tear_down (void)
{
  close (raw_fd);
  waitpid (raw_pid, NULL, 0);
}

/* ---- gtask ---- */

static void
gtask_work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const gint64 *number = data;

  g_task_return_int (task, *number + 1);
}

static void
gtask_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gint64 answer = g_task_propagate_int (G_TASK (result), &error);

  series_next (answer, error, "gtask");
}

static void
gtask_start (void)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, gtask_done, NULL);

  g_task_set_task_data (task, &series.number, NULL);
  g_task_run_in_thread (task, gtask_work);
}

static void
gtask_run (guint n_calls)
{
  series_run (gtask_start, n_calls);
}

/* ---- gdbus ---- */

static GSubprocess *dbus_process;
static GDBusConnection *dbus_connection;

static GDBusConnection *
dbus_connect (int fd, GDBusConnectionFlags flags)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);
  g_autoptr (GSocketConnection) stream = NULL;
  g_autofree char *guid = NULL;
  GDBusConnection *connection;

  bench_check (socket != NULL, error, "gdbus: the socket");
  stream = g_socket_connection_factory_create_connection (socket);
  if (flags & G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER)
    guid = g_dbus_generate_guid ();

  connection = g_dbus_connection_new_sync (G_IO_STREAM (stream), guid, flags, NULL, NULL, &error);
  bench_check (connection != NULL, error, "gdbus: the connection");
  return connection;
}

static void
dbus_method_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                  const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
  gint64 number;

  g_variant_get (parameters, "(x)", &number);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(x)", number + 1));
}

static void
dbus_closed (GDBusConnection *connection, gboolean remote_peer_vanished, GError *error, gpointer loop)
{
  g_main_loop_quit (loop);
}

/* The other process. */
static int
dbus_serve (void)
{
  const char *xml = "<node><interface name='" DBUS_INTERFACE "'><method name='Increment'>"
                    "<arg type='x' direction='in'/><arg type='x' direction='out'/>"
                    "</method></interface></node>";
  const GDBusInterfaceVTable vtable = { .method_call = dbus_method_call };
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (xml, &error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GDBusConnection) connection = NULL;
  guint id;

  bench_check (info != NULL, error, "gdbus: the interface");

  /* Calls could come before the object is there, but for the delay. */
  connection = dbus_connect (DBUS_FD,
                             G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                                 G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_ALLOW_ANONYMOUS |
                                 G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING);
  id = g_dbus_connection_register_object (connection, DBUS_PATH, info->interfaces[0], &vtable, NULL, NULL, &error);
  bench_check (id != 0, error, "gdbus: the object");

  g_signal_connect (connection, "closed", G_CALLBACK (dbus_closed), loop);
  g_dbus_connection_start_message_processing (connection);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}

static void
dbus_set_up (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = bench_program ();
  g_autoptr (GError) error = NULL;
  int fds[2];

  bench_check (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, NULL, "socketpair");
  g_subprocess_launcher_take_fd (launcher, fds[1], DBUS_FD);
  dbus_process = g_subprocess_launcher_spawn (launcher, &error, program, DBUS_ARGUMENT, NULL);
  bench_check (dbus_process != NULL, error, "gdbus: the other process");

  /* Its end of the socket is the launcher's, and goes with it. */
  g_clear_object (&launcher);
  dbus_connection = dbus_connect (fds[0], G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT);
}

static void
dbus_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  gint64 answer = 0;

  if (value != NULL)
    g_variant_get (value, "(x)", &answer);

  series_next (answer, error, "gdbus");
}

static void
dbus_start (void)
{
  g_dbus_connection_call (dbus_connection, NULL, DBUS_PATH, DBUS_INTERFACE, "Increment",
                          g_variant_new ("(x)", series.number), G_VARIANT_TYPE ("(x)"),
                          G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, dbus_done, NULL);
}

static void
dbus_run (guint n_calls)
{
  series_run (dbus_start, n_calls);
}

static void
dbus_tear_down (void)
{
  g_dbus_connection_close_sync (dbus_connection, NULL, NULL);
  g_clear_object (&dbus_connection);
  g_subprocess_wait (dbus_process, NULL, NULL);
  g_clear_object (&dbus_process);
}

/* ---- call ---- */

static ProcPool *pool;

static void
call_set_up (void)
{
  pool = proc_pool_new (NULL);
  proc_pool_set_max_workers (pool, 1);
}

static void
call_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);
  gint64 answer = 0;

  if (value != NULL)
    answer = g_variant_get_int64 (value);

  series_next (answer, error, "call");
}

static void
call_start (void)
{
  proc_pool_call_async (pool, "increment", g_variant_new_int64 (series.number), NULL, call_done, NULL);
}

static void
call_run (guint n_calls)
{
  series_run (call_start, n_calls);
}

static void
call_tear_down (void)
{
  g_autoptr (GError) error = NULL;

  bench_check (proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error), error, "call: closing the pool");
  g_clear_object (&pool);
}

/* ---- All four ---- */

typedef enum
{
  RAW,
  GTASK,
  GDBUS,
  CALL,
  N_WAYS
} WayId;

typedef struct
{
  const char *name;
  void (*set_up) (void);
  void (*run) (guint n_calls);
  void (*tear_down) (void);
} Way;

/* The forked one first: this process has no threads yet. */
static const Way ways[N_WAYS] = {
  [RAW] = { "raw", raw_set_up, raw_run, raw_tear_down },
  [GTASK] = { "gtask", NULL, gtask_run, NULL },
  [GDBUS] = { "gdbus", dbus_set_up, dbus_run, dbus_tear_down },
  [CALL] = { "call", call_set_up, call_run, call_tear_down },
};

static const struct
{
  const char *name;
  WayId numerator;
  WayId denominator;
} ratios[] = {
  { "call/raw", CALL, RAW },
  { "call/gtask", CALL, GTASK },
  { "gdbus/call", GDBUS, CALL },
};

static double
measure (const Way *way, guint n_calls)
{
  gint64 start = g_get_monotonic_time ();

  way->run (n_calls);
  return (g_get_monotonic_time () - start) / (double) n_calls;
}

static void
print_table (const double *medians, const double *bests)
{
  g_print ("%-12s %9s %9s\n", "", "median us", "best us");
  for (guint i = 0; i < N_WAYS; i++)
    {
      g_autofree char *figure = g_strdup_printf ("roundtrip.%s", ways[i].name);

      g_print ("%-12s %9.2f %9.2f\n", ways[i].name, medians[i], bests[i]);
      bench_figure (figure, medians[i]);
    }

  g_print ("\n%-12s %9s %9s\n", "ratio", "median", "best");
  for (guint i = 0; i < G_N_ELEMENTS (ratios); i++)
    g_print ("%-12s %9.2f %9.2f\n", ratios[i].name,
             medians[ratios[i].numerator] / medians[ratios[i].denominator],
             bests[ratios[i].numerator] / bests[ratios[i].denominator]);
}

static void
measure_all (guint n_rounds, guint n_calls, double *medians, double *bests)
{
  guint n_times = n_rounds * N_WAYS;
  g_autofree double *times = NULL;

  for (guint i = 0; i < N_WAYS; i++)
    if (ways[i].set_up != NULL)
      ways[i].set_up ();

  for (guint i = 0; i < N_WAYS; i++)
    ways[i].run (n_calls);

  times = g_new (double, n_times);
  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < N_WAYS; i++)
      times[i * n_rounds + round] = measure (&ways[i], n_calls);

  for (guint i = 0; i < N_WAYS; i++)
    {
      medians[i] = bench_median (times + i * n_rounds, n_rounds);
      bests[i] = times[i * n_rounds];
    }

  for (guint i = 0; i < N_WAYS; i++)
    if (ways[i].tear_down != NULL)
      ways[i].tear_down ();
}

int
main (int argc, char **argv)
{
  int n_rounds = 21;
  int n_calls = 1000;
  double medians[N_WAYS];
  double bests[N_WAYS];
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "rounds", 0, 0, G_OPTION_ARG_INT, &n_rounds, "Rounds, of which the median is taken (21)", "N" },
    { "calls", 0, 0, G_OPTION_ARG_INT, &n_calls, "Calls in a round, for each way (1000)", "N" },
    G_OPTION_ENTRY_NULL
  };

  if (proc_helper_is_helper_process ())
    return bench_serve ();
  if (argc == 2 && g_str_equal (argv[1], DBUS_ARGUMENT))
    return dbus_serve ();

  g_option_context_add_main_entries (context, entries, NULL);
  bench_check (g_option_context_parse (context, &argc, &argv, &error), error, "roundtrip");
  if (n_rounds < 1 || n_rounds > 10000 || n_calls < 1)
    {
      g_printerr ("--rounds can be from 1 to 10000, --calls is at least 1\n");
      return EXIT_FAILURE;
    }

  measure_all (n_rounds, n_calls, medians, bests);

  print_table (medians, bests);

  return EXIT_SUCCESS;
}
