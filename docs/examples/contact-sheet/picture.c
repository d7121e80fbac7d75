/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "picture.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <gio/gio.h>
#include <string.h>

Picture *
picture_new (const char *path)
{
  Picture *self = g_new0 (Picture, 1);

  self->path = g_strdup (path);
  self->name = g_filename_display_basename (path);
  return self;
}

void
picture_free (Picture *self)
{
  g_clear_pointer (&self->thumbnail, cairo_surface_destroy);
  g_clear_error (&self->error);
  g_free (self->name);
  g_free (self->path);
  g_free (self);
}

/* "jpg", "png" and so on, as the keys of a set. */
static GHashTable *
readable_extensions (void)
{
  GHashTable *extensions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GSList) formats = gdk_pixbuf_get_formats ();

  for (GSList *l = formats; l != NULL; l = l->next)
    {
      g_auto (GStrv) names = gdk_pixbuf_format_get_extensions (l->data);

      for (guint i = 0; names[i] != NULL; i++)
        g_hash_table_add (extensions, g_ascii_strdown (names[i], -1));
    }

  return extensions;
}

static gboolean
is_picture (const char *path, GHashTable *extensions)
{
  const char *dot = strrchr (path, '.');
  g_autofree char *extension = NULL;

  if (dot == NULL || !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return FALSE;

  extension = g_ascii_strdown (dot + 1, -1);
  return g_hash_table_contains (extensions, extension);
}

static gboolean
search (const char *folder, GHashTable *extensions, GPtrArray *pictures, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GError) local_error = NULL;

      /* A link to a folder could lead back up, and round for ever. */
      if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        {
          if (!search (path, extensions, pictures, &local_error))
            g_printerr ("Left out: %s\n", local_error->message);
        }
      else if (is_picture (path, extensions))
        {
          g_ptr_array_add (pictures, picture_new (path));
        }
    }

  return TRUE;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  const Picture *const *first = a;
  const Picture *const *second = b;

  return strcmp ((*first)->path, (*second)->path);
}

GPtrArray *
pictures_find (const char *folder, GError **error)
{
  g_autoptr (GHashTable) extensions = readable_extensions ();
  g_autoptr (GPtrArray) pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);

  if (!search (folder, extensions, pictures, error))
    {
      g_prefix_error (error, "The folder of pictures can't be read; name one that can: ");
      return NULL;
    }

  if (pictures->len == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "There are no pictures in '%s'; name a folder that has some", folder);
      return NULL;
    }

  g_ptr_array_sort (pictures, compare_paths);
  return g_steal_pointer (&pictures);
}
