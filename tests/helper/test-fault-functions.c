/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Functions that do harm at a certain moment or to what the runtime stands on. The table at the end tells
 * them all.
 */

#include "test-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void
die_of (int signum)
{
  signal (signum, SIG_DFL);
  raise (signum);
}

/* ---- the moment ---- */

static GVariant *
cry_and_crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "i", error))
    return NULL;

  fputs ("first words\nlast words\n", stderr);
  die_of (g_variant_get_int32 (arguments));
  return NULL;
}

static void
reply_then_crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  proc_invocation_return_value (invocation, arguments);
  die_of (g_variant_get_int32 (arguments));
}

static void
keep_busy (int milliseconds)
{
  gint64 end = g_get_monotonic_time () + milliseconds * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < end)
    ;
}

/* Long enough on both sides of the reply for the runtime to read ahead. */
static void
reply_and_linger (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  keep_busy (40);
  proc_invocation_return_value (invocation, arguments);
  keep_busy (40);
  _exit (0);
}

static GVariant *
crash_while_exists (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "s", error))
    return NULL;

  if (g_file_test (g_variant_get_string (arguments, NULL), G_FILE_TEST_EXISTS))
    die_of (SIGKILL);

  return g_variant_ref (arguments);
}

/* More than what progress reports come to, and less than the socket holds. */
#define MUCH_OUTPUT (64 * 1024)

static gpointer
wait_for_output (gpointer user_data)
{
  int n_waiting = 0;
  int signum = GPOINTER_TO_INT (user_data);

  do
    g_thread_yield ();
  while (ioctl (test_helper_channel, SIOCOUTQ, &n_waiting) == 0 && n_waiting < MUCH_OUTPUT);

  die_of (signum);
  return NULL;
}

static void
forbid_files (void)
{
  const struct rlimit none = { 0, 0 };

  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &none);
}

static GVariant *
die_replying (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  guint64 size;
  int signum;
  char *data;

  if (!test_check_type (arguments, "(ti)", error))
    return NULL;

  g_variant_get (arguments, "(ti)", &size, &signum);

  /* Without shared memory all of it goes through the socket. */
  forbid_files ();
  proc_invocation_progress (invocation, 0.0, "replying");
  g_thread_unref (g_thread_new ("killer", wait_for_output, GINT_TO_POINTER (signum)));

  data = g_malloc0 (size);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

/* ---- what the runtime stands on ---- */

static void
handle_signal (int signum)
{
}

static void
spoil_signals (void)
{
  sigset_t all;

  for (int signum = 1; signum < NSIG; signum++)
    signal (signum, signum % 2 ? SIG_IGN : handle_signal);

  sigfillset (&all);
  sigprocmask (SIG_BLOCK, &all, NULL);
}

static GVariant *
change_signals (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  spoil_signals ();
  return g_variant_new_int32 (getpid ());
}

static GVariant *
change_signals_and_hang (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  spoil_signals ();
  proc_invocation_progress (invocation, 0.0, "hanging");

  for (;;)
    pause ();

  return NULL;
}

static GVariant *
close_all (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const long max = sysconf (_SC_OPEN_MAX);

  for (int fd = 0; fd < MIN (max, 4096); fd++)
    close (fd);

  return g_variant_new_int32 (getpid ());
}

static GVariant *
limit_files (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  forbid_files ();
  return NULL;
}

/* ---- floods ---- */

static GVariant *
spin_forever (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  proc_invocation_progress (invocation, 0.0, "spinning");

  for (volatile guint i = 0;; i++)
    ;

  return NULL;
}

static GVariant *
flood (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  char block[8192];
  gboolean with_newlines;
  guint64 rest;
  int fd;

  if (!test_check_type (arguments, "(tib)", error))
    return NULL;

  g_variant_get (arguments, "(tib)", &rest, &fd, &with_newlines);
  memset (block, '.', sizeof block);
  for (gsize i = 79; with_newlines && i < sizeof block; i += 80)
    block[i] = '\n';

  while (rest > 0)
    {
      gssize n = write (fd, block, MIN (rest, sizeof block));

      if (n < 0 && errno != EINTR)
        {
          g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "writing: %s", g_strerror (errno));
          return NULL;
        }
      rest -= MAX (n, 0);
    }

  return g_variant_new_boolean (TRUE);
}

static GVariant *
report_too_much (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_autofree char *text = g_strnfill (2 * 1024 * 1024, 'x');
  /* With a type that is longer than any frame has room for. */
  g_autofree char *type = g_strnfill (5000, 'i');
  g_autofree char *tuple = g_strconcat ("(", type, ")", NULL);
  g_autofree guint8 *zeros = g_malloc0 (4 * 5000);
  GVariant *value = g_variant_new_from_data (G_VARIANT_TYPE (tuple), zeros, 4 * 5000, TRUE, NULL, NULL);

  proc_invocation_progress (invocation, 0.5, text);
  proc_invocation_output (invocation, value);

  return NULL;
}

static const struct
{
  const char *name;
  ProcFunction function;
} functions[] = {
  { "cry-and-crash", cry_and_crash },                     /* i: dies of that signal; “last words” on standard error */
  { "crash-while-exists", crash_while_exists },           /* s → s: SIGKILL as long as there is a file of that name */
  { "die-replying", die_replying },                       /* (ti): dies of that signal when a part of so many bytes is sent; progress "replying" */
  { "change-signals", change_signals },                   /* → i, the process id: all handled or ignored, and blocked */
  { "change-signals-and-hang", change_signals_and_hang }, /* the same, and never returns; progress "hanging" */
  { "close-all", close_all },                             /* → i: all descriptors, the channel too */
  { "limit-files", limit_files },                         /* none can be written from now on, memfds included */
  { "report-too-much", report_too_much },                 /* progress and a partial value that no frame can hold */
  { "spin-forever", spin_forever },                       /* progress "spinning" */
  { "flood", flood },                                     /* (tib) → b: so many bytes, to that descriptor, with newlines? */
};

void
test_fault_functions_add (ProcHelper *helper)
{
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    proc_helper_add_function (helper, functions[i].name, functions[i].function, helper, NULL);

  /* i: returns it, and dies of that signal. */
  proc_helper_add_async_function (helper, "reply-then-crash", reply_then_crash, NULL, NULL);
  /* v: returns it, and exits with 0 a while later. */
  proc_helper_add_async_function (helper, "reply-and-linger", reply_and_linger, NULL, NULL);
}
