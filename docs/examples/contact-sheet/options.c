/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "options.h"

#define DEFAULT_FOLDER "/usr/share/backgrounds/mate" /* photographs, from Debian's package mate-backgrounds */

void
options_clear (Options *self)
{
  g_clear_pointer (&self->folder, g_free);
  g_clear_pointer (&self->output, g_free);
}

static gboolean
check_range (const char *option, int value, int minimum, int maximum, GError **error)
{
  if (value >= minimum && value <= maximum)
    return TRUE;

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s is %d, and can be from %d to %d", option, value, minimum, maximum);
  return FALSE;
}

gboolean
options_parse (Options *self, int argc, char **argv, GError **error)
{
  g_auto (GStrv) arguments = g_strdupv (argv);
  g_auto (GStrv) folders = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new ("[FOLDER]");
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output, "Where to write the sheet (contact-sheet.png)", "FILE" },
    { "columns", 'c', 0, G_OPTION_ARG_INT, &self->n_columns, "Pictures in a row (0: what looks well)", "N" },
    { "cell", 's', 0, G_OPTION_ARG_INT, &self->cell_width, "Width of a picture on the sheet (240)", "PX" },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &self->n_jobs, "Helper processes at most (0: one for each core)", "N" },
    { "no-specimens", 0, 0, G_OPTION_ARG_NONE, &self->no_specimens, "Leave out the two files that can't be decoded", NULL },
    { "no-comparison", 0, 0, G_OPTION_ARG_NONE, &self->no_comparison, "Don't do the work again in threads", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &folders, NULL, NULL },
    G_OPTION_ENTRY_NULL
  };

  *self = (Options){ .cell_width = 240 };

  g_option_context_set_summary (context,
                                "Makes a contact sheet, a PNG image, of the pictures in FOLDER and the folders below it\n"
                                "(" DEFAULT_FOLDER "), each decoded in a helper process.");
  g_option_context_add_main_entries (context, entries, NULL);

  if (!g_option_context_parse_strv (context, &arguments, error) ||
      !check_range ("--columns", self->n_columns, 0, 1000, error) ||
      !check_range ("--cell", self->cell_width, 32, 2048, error) ||
      !check_range ("--jobs", self->n_jobs, 0, 1024, error))
    return FALSE;

  if (folders != NULL && g_strv_length (folders) > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "One folder at a time: '%s' is one too many", folders[1]);
      return FALSE;
    }

  self->folder = g_strdup (folders != NULL ? folders[0] : DEFAULT_FOLDER);
  if (self->output == NULL)
    self->output = g_strdup ("contact-sheet.png");

  return TRUE;
}
