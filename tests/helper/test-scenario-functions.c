/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Sync functions that wait for one another or for the host, and some that compute. The table at the end tells
 * them all.
 */

#include "test-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int interrupted[2]; /* a pipe: the handler may run in any thread */

/* ---- waiting ---- */

/* Whatever the cancellable says. */
static GVariant *
take_file (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *path;

  if (!test_check_type (arguments, "s", error))
    return NULL;

  path = g_variant_get_string (arguments, NULL);
  proc_invocation_progress (invocation, 0.5, "waiting");
  while (path[0] != '\0' && g_unlink (path) < 0)
    g_thread_yield ();

  return g_variant_ref (arguments);
}

static guint
count_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n_files = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n_files++;
  return n_files;
}

static GVariant *
meet (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *folder;
  guint n_wanted;
  g_autofree char *name = g_strdup_printf ("%d", getpid ());
  g_autofree char *path = NULL;

  if (!test_check_type (arguments, "(su)", error))
    return NULL;

  g_variant_get (arguments, "(&su)", &folder, &n_wanted);
  path = g_build_filename (folder, name, NULL);
  if (!g_file_set_contents (path, "", 0, error))
    return NULL;

  while (count_files (folder) < n_wanted)
    ;

  return g_variant_new_int32 (getpid ());
}

static void
on_interrupt (int signum)
{
  int saved_errno = errno;

  if (write (interrupted[1], "", 1) != 1)
    _exit (EXIT_FAILURE);
  errno = saved_errno;
}

static GVariant *
until_interrupted (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const struct sigaction action = { .sa_handler = on_interrupt };
  char byte;

  g_assert_true (g_unix_open_pipe (interrupted, FD_CLOEXEC, NULL));
  sigaction (SIGINT, &action, NULL);
  proc_invocation_progress (invocation, 0.5, "waiting");
  while (read (interrupted[0], &byte, 1) < 0 && errno == EINTR)
    ;

  signal (SIGINT, SIG_DFL);
  close (interrupted[0]);
  close (interrupted[1]);
  return g_variant_new_int32 (9999);
}

/* ---- computing ---- */

/* Of the numbers below the argument. The sum outgrows 64 bits, so it comes as text. */
static GVariant *
sum_of_squares (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const guint64 unit = 1000000000;
  guint64 end;
  guint64 high = 0;
  guint64 low = 0;

  if (!test_check_type (arguments, "t", error))
    return NULL;

  end = g_variant_get_uint64 (arguments);
  for (guint64 i = 0; i < end; i++)
    {
      low += i * i;
      high += low / unit;
      low %= unit;
    }

  g_log ("test-helper", G_LOG_LEVEL_MESSAGE, "summed up %" G_GUINT64_FORMAT " squares", end);
  return g_variant_new_take_string (g_strdup_printf ("%" G_GUINT64_FORMAT "%09" G_GUINT64_FORMAT, high, low));
}

static GVariant *
square (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gsize n_cores;
  const int *cores = proc_invocation_get_cores (invocation, &n_cores);
  int number;

  if (!test_check_type (arguments, "i", error))
    return NULL;

  number = g_variant_get_int32 (arguments);
  return g_variant_new ("(i@ai)", number * number, g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, cores, n_cores, sizeof *cores));
}

static const struct
{
  const char *name;
  ProcFunction function;
} functions[] = {
  { "take-file", take_file },                 /* s → s: waits for that file and removes it, none for ""; progress "waiting" */
  { "meet", meet },                           /* (su) → i, the process id: computes until so many have been in that folder */
  { "until-interrupted", until_interrupted }, /* → i: 9999, at SIGINT; progress "waiting" */
  { "sum-of-squares", sum_of_squares },       /* t → s: of all numbers below; logs a message */
  { "square", square },                       /* i → (iai): with the cores that it was given */
};

void
test_scenario_functions_add (ProcHelper *helper)
{
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    proc_helper_add_function (helper, functions[i].name, functions[i].function, helper, NULL);
}
