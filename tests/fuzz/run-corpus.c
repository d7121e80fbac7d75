/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A fuzz target as an ordinary test: one call for each file of the folders that are given. */

#include "fuzz.h"

static guint
run_folder (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = g_dir_open (path, 0, &error);
  const char *name;
  guint n_files = 0;

  if (folder == NULL)
    g_error ("%s", error->message);

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_autofree char *content = NULL;
      g_autofree guint8 *exact = NULL;
      gsize size;

      if (!g_file_get_contents (file, &content, &size, &error))
        g_error ("%s", error->message);

      /* Without the NUL that is behind a file's content, which would hide a read too far. */
      exact = g_memdup2 (content, size);
      LLVMFuzzerTestOneInput (exact, size);
      n_files++;
    }
  return n_files;
}

int
main (int argc, char *argv[])
{
  guint n_files = 0;

  for (int i = 1; i < argc; i++)
    n_files += run_folder (argv[i]);

  g_print ("%u inputs\n", n_files);
  return n_files > 0 ? 0 : 1;
}
