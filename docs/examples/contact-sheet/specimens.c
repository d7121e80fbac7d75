/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "specimens.h"

#include <glib/gstdio.h>
#include <string.h>

#include "brittle.h"

static Picture *
make_cut_copy (const char *folder, const Picture *original, GError **error)
{
  g_autofree char *basename = g_path_get_basename (original->path);
  g_autofree char *name = g_strconcat ("cut-", basename, NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (original->path, &data, &size, error) ||
      !g_file_set_contents (path, data, size / 2, error))
    return NULL;

  return picture_new (path);
}

static Picture *
make_aborting_file (const char *folder, GError **error)
{
  BrittleHeader header = { .magic = { 'A', 'B', 'R', 'T' } };
  g_autofree char *path = g_build_filename (folder, "corrupt" BRITTLE_EXTENSION, NULL);

  /* The length belongs to another size than the header tells: what the decoder asserts isn't so. */
  header.width = GUINT32_TO_LE (640);
  header.height = GUINT32_TO_LE (480);
  header.n_bytes = GUINT32_TO_LE (3 * 64 * 48);

  if (!g_file_set_contents (path, (const char *) &header, sizeof header, error))
    return NULL;

  return picture_new (path);
}

char *
specimens_add (GPtrArray *pictures, GError **error)
{
  guint one_third = pictures->len / 3;
  guint two_thirds = pictures->len * 2 / 3;
  g_autofree char *folder = g_dir_make_tmp ("contact-sheet-XXXXXX", error);
  Picture *cut, *aborting;

  if (folder == NULL)
    return NULL;

  cut = make_cut_copy (folder, g_ptr_array_index (pictures, two_thirds), error);
  if (cut != NULL)
    {
      g_ptr_array_insert (pictures, two_thirds + 1, cut);

      aborting = make_aborting_file (folder, error);
      if (aborting != NULL)
        {
          g_ptr_array_insert (pictures, one_third, aborting);
          return g_steal_pointer (&folder);
        }
    }

  specimens_remove (g_steal_pointer (&folder));
  return NULL;
}

void
specimens_remove (char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }

  g_rmdir (folder);
  g_free (folder);
}
