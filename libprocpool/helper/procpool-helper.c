/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The library's own helper program: it serves the functions of loadable modules, and external
 * commands.
 */

#include <locale.h>
#include <procpool/procpool.h>
#include <stdlib.h>

static gboolean
add_modules (ProcHelper *helper, char **paths, GError **error)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      if (!proc_helper_add_module (helper, paths[i], error))
        return FALSE;
    }

  return TRUE;
}

static GOptionContext *
build_options (gboolean *version, char ***paths)
{
  GOptionContext *context = g_option_context_new ("[MODULE…]");
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, version, "Show the version and exit", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, paths, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };

  g_option_context_set_summary (context, "Runs the functions of loadable modules, and external commands, "
                                         "for a program with a pool of\nhelper processes, which starts it.");
  g_option_context_add_main_entries (context, entries, NULL);

  return context;
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();
  g_auto (GStrv) paths = NULL;
  gboolean version = FALSE;
  g_autoptr (GOptionContext) context = build_options (&version, &paths);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");

  if (!g_option_context_parse (context, &argc, &argv, &error))
    return proc_helper_refuse (helper, error);

  if (version)
    {
      g_print ("procpool-helper %s\n", PROC_VERSION_STRING);
      return EXIT_SUCCESS;
    }

  if (paths == NULL && !proc_helper_is_helper_process ())
    {
      g_autofree char *help = g_option_context_get_help (context, TRUE, NULL);

      g_print ("%s", help);
      return EXIT_SUCCESS;
    }

  if (!add_modules (helper, paths, &error))
    return proc_helper_refuse (helper, error);

  return proc_helper_run (helper);
}
