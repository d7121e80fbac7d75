/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/command.h"

#include <signal.h>

#include "base/error.h"
#include "wire/command.h"

/* One command that runs. Owned by the callback of g_subprocess_communicate_async(). */
typedef struct
{
  ProcInvocation *invocation;
  GSubprocess *subprocess;
  gulong cancelled_id;
} Command;

static void
command_free (Command *self)
{
  g_cancellable_disconnect (proc_invocation_get_cancellable (self->invocation), self->cancelled_id);
  g_clear_object (&self->subprocess);
  g_clear_object (&self->invocation);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Command, command_free)

/* From any thread. Its output is still read to the end, for it may have something to say as it stops. */
static void
command_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_subprocess_send_signal (user_data, SIGTERM);
}

static GVariant *
build_result (GSubprocess *subprocess, GBytes *output, GBytes *errors)
{
  gboolean exited = g_subprocess_get_if_exited (subprocess);

  return g_variant_new ("(ii@ay@ay)",
                        exited ? g_subprocess_get_exit_status (subprocess) : -1,
                        exited ? 0 : g_subprocess_get_term_sig (subprocess),
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, output, TRUE),
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, errors, TRUE));
}

static void
command_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Command) self = user_data;
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GBytes) errors = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_subprocess_communicate_finish (self->subprocess, result, &output, &errors, &error) ||
      g_cancellable_set_error_if_cancelled (proc_invocation_get_cancellable (self->invocation), &error))
    {
      proc_invocation_return_error (self->invocation, error);
      return;
    }

  proc_invocation_return_value (self->invocation, build_result (self->subprocess, output, errors));
}

static GSubprocess *
spawn (const char *const *argv, gboolean has_input, GError **error)
{
  GSubprocessFlags flags = G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE;
  g_autoptr (GError) spawn_error = NULL;
  GSubprocess *subprocess;

  if (has_input)
    flags |= G_SUBPROCESS_FLAGS_STDIN_PIPE;

  subprocess = g_subprocess_newv (argv, flags, &spawn_error);
  if (subprocess == NULL)
    g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                 "can't run “%s”: %s", argv[0], spawn_error->message);

  return subprocess;
}

static gboolean
parse_arguments (GVariant *arguments, const char ***argv, GBytes **input, GError **error)
{
  g_autoptr (GVariant) words = NULL;
  g_autoptr (GVariant) bytes = NULL;

  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE (PROC_COMMAND_ARGUMENTS_TYPE)))
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                   "a command needs arguments of the type %s, not %s",
                   PROC_COMMAND_ARGUMENTS_TYPE, g_variant_get_type_string (arguments));
      return FALSE;
    }

  g_variant_get (arguments, "(@aaym@ay)", &words, &bytes);
  *argv = g_variant_get_bytestring_array (words, NULL);

  if ((*argv)[0] == NULL || (*argv)[0][0] == '\0')
    {
      g_clear_pointer (argv, g_free);
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                           "a command needs at least the name of a program");
      return FALSE;
    }

  *input = bytes != NULL ? g_variant_get_data_as_bytes (bytes) : NULL;
  return TRUE;
}

void
proc_command_run (ProcInvocation *invocation)
{
  GVariant *arguments = proc_invocation_get_arguments (invocation);
  GCancellable *cancellable = proc_invocation_get_cancellable (invocation);
  g_autofree const char **argv = NULL; /* its strings are those of @arguments */
  g_autoptr (GBytes) input = NULL;
  g_autoptr (GSubprocess) subprocess = NULL;
  g_autoptr (GError) error = NULL;
  Command *self;

  if (!parse_arguments (arguments, &argv, &input, &error) ||
      (subprocess = spawn (argv, input != NULL, &error)) == NULL)
    {
      proc_invocation_return_error (invocation, error);
      return;
    }

  self = g_new0 (Command, 1);
  self->invocation = g_object_ref (invocation);
  self->subprocess = g_object_ref (subprocess);
  self->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (command_cancelled),
                                              g_object_ref (subprocess), g_object_unref);

  g_subprocess_communicate_async (subprocess, input, NULL, command_ended, self);
}
