/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Sync functions: values, errors, reports, initializers. The table at the end tells them all. */

#include "test-helper.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the initializer was given. */
static GVariant *initialized;

static GVariant *
echo (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_ref (arguments);
}

static GVariant *
nothing (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return NULL;
}

static GVariant *
add (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int a;
  int b;

  if (!test_check_type (arguments, "(ii)", error))
    return NULL;

  g_variant_get (arguments, "(ii)", &a, &b);
  return g_variant_new_int32 (a + b);
}

static GVariant *
unpack (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return test_check_type (arguments, "v", error) ? g_variant_get_variant (arguments) : NULL;
}

static GVariant *
add_variant (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_autoptr (GVariant) numbers = unpack (invocation, arguments, user_data, error);

  return numbers ? add (invocation, numbers, user_data, error) : NULL;
}

static GVariant *
square_root (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "d", error))
    return NULL;

  return g_variant_new_double (sqrt (g_variant_get_double (arguments)));
}

static guint64
fib (int n)
{
  return n < 2 ? (guint64) n : fib (n - 1) + fib (n - 2);
}

static GVariant *
fibonacci (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "i", error))
    return NULL;

  return g_variant_new_uint64 (fib (g_variant_get_int32 (arguments)));
}

static GVariant *
big (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gsize size;
  guint8 *data;

  if (!test_check_type (arguments, "t", error))
    return NULL;

  size = g_variant_get_uint64 (arguments);
  data = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    data[i] = i;

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static gint64
processor_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static GVariant *
spin (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gint64 end;

  if (!test_check_type (arguments, "u", error))
    return NULL;

  end = processor_time () + g_variant_get_uint32 (arguments);
  while (processor_time () < end)
    ;

  return NULL;
}

/* The code of a G_IO_ERROR, and its message. */
static GVariant *
fail (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int code;
  const char *message;

  if (!test_check_type (arguments, "(is)", error))
    return NULL;

  g_variant_get (arguments, "(i&s)", &code, &message);
  g_set_error_literal (error, G_IO_ERROR, code, message);
  return NULL;
}

static GVariant *
fail_unknown_domain (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_set_error_literal (error, g_quark_from_static_string ("proc-test-only-here-error"), 7, "nobody else knows this");
  return NULL;
}

static GVariant *
value_and_error (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "an error and a value");
  return g_variant_new_string ("a value and an error");
}

static GVariant *
progress (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  for (int quarter = 0; quarter <= 4; quarter++)
    {
      g_autofree char *text = g_strdup_printf ("%d of 4", quarter);

      proc_invocation_progress (invocation, quarter / 4.0, text);
    }

  return NULL;
}

static GVariant *
outputs (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  guint n;

  if (!test_check_type (arguments, "u", error))
    return NULL;

  n = g_variant_get_uint32 (arguments);
  for (guint i = 0; i < n; i++)
    proc_invocation_output (invocation, g_variant_new_uint32 (i));

  return g_variant_new_uint32 (n);
}

static GVariant *
log_text (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *text;

  if (!test_check_type (arguments, "s", error))
    return NULL;

  text = g_variant_get_string (arguments, NULL);
  g_log_structured ("test-helper", G_LOG_LEVEL_WARNING, "ANSWER", "42", "MESSAGE", "%s", text);
  g_log ("test-helper", G_LOG_LEVEL_MESSAGE, "%s", text);
  g_log ("test-helper", G_LOG_LEVEL_INFO, "%s", text);

  return NULL;
}

static GVariant *
log_error (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_error ("this is the end");
  return NULL;
}

static GVariant *
print (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "s", error))
    return NULL;

  g_print ("%s", g_variant_get_string (arguments, NULL));
  g_printerr ("%s", g_variant_get_string (arguments, NULL));
  return NULL;
}

static gboolean
write_all (int fd, const char *bytes, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize n = write (fd, bytes, size);

      if (n < 0)
        {
          g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "writing: %s", g_strerror (errno));
          return FALSE;
        }

      bytes += n;
      size -= n;
    }

  return TRUE;
}

/* So many bytes, without a newline. */
static GVariant *
flood_stderr (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  char block[64 * 1024];
  guint64 rest;

  if (!test_check_type (arguments, "t", error))
    return NULL;

  memset (block, '~', sizeof block);
  for (rest = g_variant_get_uint64 (arguments); rest > 0; rest -= MIN (rest, sizeof block))
    {
      if (!write_all (STDERR_FILENO, block, MIN (rest, sizeof block), error))
        return NULL;
    }

  return NULL;
}

static int
dup_fd (ProcInvocation *invocation, GError **error)
{
  GUnixFDList *fds = proc_invocation_get_fds (invocation);

  if (fds != NULL)
    return g_unix_fd_list_get (fds, 0, error);

  g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS, "this function takes a descriptor");
  return -1;
}

static GVariant *
read_fd (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 block[4096];
  int fd = dup_fd (invocation, error);
  gssize n;

  if (fd < 0)
    return NULL;

  while ((n = read (fd, block, sizeof block)) > 0)
    g_byte_array_append (bytes, block, n);

  close (fd);
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes->data, bytes->len, 1);
}

static GVariant *
write_fd (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *text;
  int fd;

  if (!test_check_type (arguments, "s", error) || (fd = dup_fd (invocation, error)) < 0)
    return NULL;

  text = g_variant_get_string (arguments, NULL);
  write_all (fd, text, strlen (text), error);
  close (fd);
  return NULL;
}

static GVariant *
wait_for_cancel (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GCancellable *cancellable = proc_invocation_get_cancellable (invocation);
  GPollFD descriptor = { g_cancellable_get_fd (cancellable), G_IO_IN, 0 };

  /* So that a test knows that it runs. */
  proc_invocation_progress (invocation, 0.0, "waiting");

  while (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_poll (&descriptor, 1, -1);

  g_cancellable_release_fd (cancellable);
  return NULL;
}

static GVariant *
print_when_cancelled (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_printerr ("waiting\n");
  wait_for_cancel (invocation, arguments, user_data, error);
  g_printerr ("cancelled\n");
  return NULL;
}

static void
wake_main_loop (GCancellable *cancellable, gpointer user_data)
{
  g_main_context_wakeup (NULL);
}

/* Turns the main loop until it is cancelled, which no well-bred function does. */
static GVariant *
turn_main_loop (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GCancellable *cancellable = proc_invocation_get_cancellable (invocation);
  gulong id = g_cancellable_connect (cancellable, G_CALLBACK (wake_main_loop), NULL, NULL);
  guint n_turns;

  proc_invocation_progress (invocation, 0.0, "turning");

  for (n_turns = 0; !g_cancellable_is_cancelled (cancellable); n_turns++)
    g_main_context_iteration (NULL, TRUE);

  g_cancellable_disconnect (cancellable, id);
  return g_variant_new_uint32 (n_turns);
}

static GVariant *
initialize (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_clear_pointer (&initialized, g_variant_unref);
  initialized = g_variant_ref (arguments);
  return NULL;
}

static GVariant *
get_initialized (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return initialized != NULL ? g_variant_ref (initialized) : NULL;
}

static GVariant *
fail_initialize (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the initializer found nothing");
  return NULL;
}

static GVariant *
crash_initialize (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  abort ();
  return NULL;
}

static GVariant *
hang_initialize (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  test_helper_sleep ();
  return NULL;
}

/* Writes "finalized" to the file whose name the initializer was given, or $PROC_TEST_FINALIZED. */
static GVariant *
finalize (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *path = g_getenv ("PROC_TEST_FINALIZED");

  if (initialized != NULL && g_variant_is_of_type (initialized, G_VARIANT_TYPE_STRING))
    path = g_variant_get_string (initialized, NULL);

  if (path == NULL || g_file_set_contents (path, "finalized", -1, error))
    g_clear_pointer (&initialized, g_variant_unref);

  return NULL;
}

static GVariant *
retire (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  proc_helper_retire (user_data);
  return g_variant_new_int32 (getpid ());
}

static const struct
{
  const char *name;
  ProcFunction function;
} functions[] = {
  { "echo", echo },                                 /* v: returns it */
  { "nothing", nothing },                           /* no result */
  { "add", add },                                   /* (ii) → i */
  { "unpack", unpack },                             /* v → what is in it */
  { "add-variant", add_variant },                   /* v of (ii) → i */
  { "sqrt", square_root },                          /* d → d */
  { "fib", fibonacci },                             /* i → t, slowly */
  { "big", big },                                   /* t → ay of that size: 0, 1, … 255, 0 … */
  { "spin", spin },                                 /* u: milliseconds of processor time */
  { "fail", fail },                                 /* (is): G_IO_ERROR of that code, with that message */
  { "fail-unknown-domain", fail_unknown_domain },   /* a domain that only this program knows */
  { "value-and-error", value_and_error },           /* against the rules */
  { "progress", progress },                         /* 0, 0.25, 0.5, 0.75, 1: "0 of 4" … "4 of 4" */
  { "outputs", outputs },                           /* u → u: partial values 0, 1, … */
  { "log", log_text },                              /* s: a warning with the field ANSWER, a message, an info */
  { "log-error", log_error },                       /* g_error(), which ends the process */
  { "print", print },                               /* s: to standard output and error */
  { "flood-stderr", flood_stderr },                 /* t: so many bytes, no newline */
  { "read-fd", read_fd },                           /* → ay: all of the task's first descriptor */
  { "write-fd", write_fd },                         /* s: to the task's first descriptor */
  { "wait-for-cancel", wait_for_cancel },           /* fails with G_IO_ERROR_CANCELLED when it is; progress "waiting" */
  { "print-when-cancelled", print_when_cancelled }, /* the same, with "waiting" and "cancelled" on standard error */
  { "turn-main-loop", turn_main_loop },             /* → u, how often, until cancelled; progress "turning" */
  { "initialize", initialize },                     /* v: kept */
  { "get-initialized", get_initialized },           /* → what the initializer was given */
  { "fail-initialize", fail_initialize },           /* G_IO_ERROR_NOT_FOUND */
  { "crash-initialize", crash_initialize },         /* SIGABRT */
  { "hang-initialize", hang_initialize },           /* never returns */
  { "finalize", finalize },                         /* writes a file: see there */
  { "retire", retire },                             /* → i, the process id */
};

void
test_functions_add (ProcHelper *helper)
{
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    proc_helper_add_function (helper, functions[i].name, functions[i].function, helper, NULL);
}
