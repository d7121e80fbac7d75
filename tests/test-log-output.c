/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where a record goes that nobody handled. */

#include "host/log-output.h"

#include <string.h>

/* What was written last: the fields as NAME=value, one a line. */
static GString *record;

static GLogWriterOutput
note_record (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  g_string_truncate (record, 0);
  for (gsize i = 0; i < n_fields; i++)
    g_string_append_printf (record, "%s=%s\n", fields[i].key, (const char *) fields[i].value);

  return G_LOG_WRITER_HANDLED;
}

static void
note_output (const char *text)
{
  g_string_append_printf (record, "output: %s", text);
}

static void
note_errors (const char *text)
{
  g_string_append_printf (record, "errors: %s", text);
}

static void
output (GLogLevelFlags level, const char *function, const char *domain, const char *fields)
{
  g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_new_parsed (fields));

  g_string_truncate (record, 0);
  proc_log_output (4711, function, level, domain, "hello", dictionary);
}

static void
test_priority_follows_the_level (void)
{
  const struct
  {
    GLogLevelFlags level;
    const char *priority;
  } cases[] = {
    { G_LOG_LEVEL_CRITICAL, "PRIORITY=4\n" },
    { G_LOG_LEVEL_WARNING, "PRIORITY=4\n" },
    { G_LOG_LEVEL_MESSAGE, "PRIORITY=5\n" },
    { G_LOG_LEVEL_INFO, "PRIORITY=6\n" },
    { G_LOG_LEVEL_DEBUG, "PRIORITY=7\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      output (cases[i].level, NULL, NULL, "@a{ss} {}");
      g_assert_nonnull (strstr (record->str, cases[i].priority));
    }
}

static void
test_tells_process_function_and_domain (void)
{
  output (G_LOG_LEVEL_MESSAGE, "count", "Domain", "@a{ss} {}");
  g_assert_cmpstr (record->str, ==, "MESSAGE=hello\nPRIORITY=5\nGLIB_DOMAIN=Domain\nPROC_PID=4711\nPROC_FUNCTION=count\n");

  output (G_LOG_LEVEL_MESSAGE, NULL, NULL, "@a{ss} {}");
  g_assert_cmpstr (record->str, ==, "MESSAGE=hello\nPRIORITY=5\nPROC_PID=4711\n");
}

static void
test_passes_on_what_are_fields (void)
{
  output (G_LOG_LEVEL_MESSAGE, NULL, NULL, "{'CODE_LINE': '1', 'lower': 'x', 'A\\nB': 'x', 'PROC_PID': '1', 'PRIORITY': '0'}");
  g_assert_cmpstr (record->str, ==, "MESSAGE=hello\nPRIORITY=5\nPROC_PID=4711\nCODE_LINE=1\n");
}

static void
test_lines_go_where_the_helper_wrote_them (void)
{
  GPrintFunc usual_print = g_set_print_handler (note_output);
  GPrintFunc usual_printerr = g_set_printerr_handler (note_errors);
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;

  output (G_LOG_LEVEL_MESSAGE, NULL, NULL, "{'PROC_STREAM': 'stdout'}");
  out = g_strdup (record->str);
  output (G_LOG_LEVEL_MESSAGE, NULL, NULL, "{'PROC_STREAM': 'stderr'}");
  err = g_strdup (record->str);

  /* What the assertions and GLib itself print is no line of a helper. */
  g_set_print_handler (usual_print);
  g_set_printerr_handler (usual_printerr);
  g_assert_cmpstr (out, ==, "output: hello\n");
  g_assert_cmpstr (err, ==, "errors: hello\n");
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (note_record, NULL, NULL);
  record = g_string_new (NULL);

  g_test_add_func ("/log-output/priority", test_priority_follows_the_level);
  g_test_add_func ("/log-output/process-function-domain", test_tells_process_function_and_domain);
  g_test_add_func ("/log-output/fields", test_passes_on_what_are_fields);
  g_test_add_func ("/log-output/lines", test_lines_go_where_the_helper_wrote_them);

  status = g_test_run ();
  g_string_free (record, TRUE);
  return status;
}
