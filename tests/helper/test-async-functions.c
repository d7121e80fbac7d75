/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Async functions. The table at the end tells them all. */

#include "test-helper.h"

static gboolean
check_type (ProcInvocation *invocation, GVariant *arguments, const char *type)
{
  g_autoptr (GError) error = NULL;

  if (g_variant_is_of_type (arguments, G_VARIANT_TYPE (type)))
    return TRUE;

  error = g_error_new (PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
                       "this function takes %s, not %s", type, g_variant_get_type_string (arguments));
  proc_invocation_return_error (invocation, error);
  return FALSE;
}

static gboolean
reply_with_arguments (gpointer user_data)
{
  proc_invocation_return_value (user_data, proc_invocation_get_arguments (user_data));
  return G_SOURCE_REMOVE;
}

static void
async_echo (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, reply_with_arguments, g_object_ref (invocation), g_object_unref);
}

/* How many of these are in flight. */
static int n_together;

static gboolean
reply_how_many (gpointer user_data)
{
  proc_invocation_return_value (user_data, g_variant_new_int32 (n_together));
  n_together--;
  return G_SOURCE_REMOVE;
}

static void
async_count_together (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  n_together++;
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, reply_how_many, g_object_ref (invocation), g_object_unref);
}

static gboolean
reply_with_value (gpointer user_data)
{
  g_autoptr (GVariant) value = NULL;

  g_variant_get (proc_invocation_get_arguments (user_data), "(uv)", NULL, &value);
  proc_invocation_return_value (user_data, value);
  return G_SOURCE_REMOVE;
}

static void
async_delay (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  guint milliseconds;

  if (!check_type (invocation, arguments, "(uv)"))
    return;

  g_variant_get (arguments, "(uv)", &milliseconds, NULL);
  g_timeout_add_full (G_PRIORITY_DEFAULT, milliseconds, reply_with_value, g_object_ref (invocation), g_object_unref);
}

/* Only in the main loop: a cancellable's own handler must not let it go. */
static gboolean
reply_cancelled (gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (proc_invocation_get_cancellable (user_data), &error);
  proc_invocation_return_error (user_data, error);
  return G_SOURCE_REMOVE;
}

static void
notice_cancel (GCancellable *cancellable, gpointer user_data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, reply_cancelled, g_object_ref (user_data), g_object_unref);
}

static void
async_wait_for_cancel (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  proc_invocation_progress (invocation, 0.0, "waiting");
  g_cancellable_connect (proc_invocation_get_cancellable (invocation), G_CALLBACK (notice_cancel),
                         g_object_ref (invocation), g_object_unref);
}

static void
no_reply (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
}

static void
reply_twice (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  proc_invocation_return_value (invocation, g_variant_new_string ("first"));
  proc_invocation_return_value (invocation, g_variant_new_string ("second"));
}

static void
late_reports (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  proc_invocation_return_value (invocation, NULL);
  proc_invocation_progress (invocation, 0.5, "too late");
  proc_invocation_output (invocation, g_variant_new_string ("too late"));
}

static void
fail_with_details (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the details tell more");
  GVariantDict details;

  g_variant_dict_init (&details, NULL);
  g_variant_dict_insert (&details, "traceback", "s", "line 1\nline 2\n");
  proc_invocation_return_error_with_details (invocation, error, g_variant_dict_end (&details));
}

static gpointer
reply_in_thread (gpointer user_data)
{
  g_autoptr (ProcInvocation) invocation = user_data;

  proc_invocation_progress (invocation, 0.5, "in a thread");
  g_log ("test-helper", G_LOG_LEVEL_MESSAGE, "in a thread");
  proc_invocation_return_value (invocation, proc_invocation_get_arguments (invocation));
  return NULL;
}

static void
reply_from_thread (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  g_thread_unref (g_thread_new ("reply", reply_in_thread, g_object_ref (invocation)));
}

static const struct
{
  const char *name;
  ProcAsyncFunction function;
} functions[] = {
  { "async-echo", async_echo },                       /* v: returns it, from an idle source */
  { "async-count-together", async_count_together },   /* → i: how many of these were in flight */
  { "async-delay", async_delay },                     /* (uv): returns the v after so many milliseconds */
  { "async-wait-for-cancel", async_wait_for_cancel }, /* G_IO_ERROR_CANCELLED when it is; progress "waiting" */
  { "no-reply", no_reply },                           /* drops its invocation */
  { "reply-twice", reply_twice },                     /* "first", then "second": against the rules */
  { "late-reports", late_reports },                   /* progress and output after the reply */
  { "fail-with-details", fail_with_details },         /* G_IO_ERROR_INVALID_DATA with "traceback" */
  { "reply-from-thread", reply_from_thread },         /* v: returns it, after progress and a log record */
};

void
test_async_functions_add (ProcHelper *helper)
{
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    proc_helper_add_async_function (helper, functions[i].name, functions[i].function, helper, NULL);
}
