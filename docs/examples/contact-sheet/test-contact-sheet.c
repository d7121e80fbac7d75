/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Runs the program, whose path is in the environment variable CONTACT_SHEET, on folders made here. */

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

/* One colour for each picture, so that it can be found on the sheet. */
static const guint32 colours[] = { 0x2060c0, 0x20a040, 0xe0c020, 0xc040c0, 0x40c0c0, 0xe08020, 0xf0f0f0 };

#define CROSS_COLOUR 0xed5c5c

typedef struct
{
  char *folder;
  char *pictures;
  char *sheet;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("test-contact-sheet-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->pictures = g_build_filename (fixture->folder, "pictures", NULL);
  fixture->sheet = g_build_filename (fixture->folder, "sheet.png", NULL);
  g_assert_no_errno (g_mkdir (fixture->pictures, 0700));
}

static void
remove_recursively (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_recursively (child);
    }

  g_remove (path);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  remove_recursively (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->pictures);
  g_free (fixture->sheet);
}

/* The first half as files of the folder, the others of one below. */
static void
make_pictures (Fixture *fixture)
{
  g_autofree char *below = g_build_filename (fixture->pictures, "below", NULL);

  g_assert_no_errno (g_mkdir (below, 0700));

  for (guint i = 0; i < G_N_ELEMENTS (colours); i++)
    {
      g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 600, 400);
      const char *type = i % 2 == 0 ? "jpeg" : "png";
      g_autofree char *name = g_strdup_printf ("%u.%s", i, type);
      g_autofree char *path = g_build_filename (i < G_N_ELEMENTS (colours) / 2 ? fixture->pictures : below, name, NULL);
      g_autoptr (GError) error = NULL;

      gdk_pixbuf_fill (pixbuf, colours[i] << 8);
      gdk_pixbuf_save (pixbuf, path, type, &error, NULL);
      g_assert_no_error (error);
    }
}

static int
run (char **output, char **errors, const char *first_argument, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  va_list arguments;

  g_ptr_array_add (argv, (gpointer) g_getenv ("CONTACT_SHEET"));
  va_start (arguments, first_argument);
  for (const char *argument = first_argument; argument != NULL; argument = va_arg (arguments, const char *))
    g_ptr_array_add (argv, (gpointer) argument);
  va_end (arguments);
  g_ptr_array_add (argv, NULL);

  process = g_subprocess_newv ((const char *const *) argv->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, output, errors, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  g_test_message ("%s%s", *output, *errors);
  return g_subprocess_get_exit_status (process);
}

/* JPEG changes a colour a little. */
static gboolean
has_colour (GdkPixbuf *pixbuf, guint32 colour)
{
  for (int y = 0; y < gdk_pixbuf_get_height (pixbuf); y++)
    {
      const guint8 *pixel = gdk_pixbuf_read_pixels (pixbuf) + (gsize) y * gdk_pixbuf_get_rowstride (pixbuf);

      for (int x = 0; x < gdk_pixbuf_get_width (pixbuf); x++, pixel += gdk_pixbuf_get_n_channels (pixbuf))
        if (ABS (pixel[0] - (int) (colour >> 16 & 0xff)) <= 3 &&
            ABS (pixel[1] - (int) (colour >> 8 & 0xff)) <= 3 &&
            ABS (pixel[2] - (int) (colour & 0xff)) <= 3)
          return TRUE;
    }

  return FALSE;
}

static void
assert_sheet (const char *path, gboolean has_failures)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkPixbuf) sheet = gdk_pixbuf_new_from_file (path, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (colours); i++)
    g_assert_true (has_colour (sheet, colours[i]));
  g_assert_cmpint (has_colour (sheet, CROSS_COLOUR), ==, has_failures);
}

static void
assert_contains (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    g_error ("'%s' isn't in '%s'", part, text);
}

static void
test_failures_are_marked_and_the_rest_is_there (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  make_pictures (fixture);

  g_assert_cmpint (run (&output, &errors, "--output", fixture->sheet, fixture->pictures, NULL), ==, 0);
  assert_sheet (fixture->sheet, TRUE);

  assert_contains (output, "Pictures     9\n");
  assert_contains (output, "Failed       2\n");
  assert_contains (output, "corrupt.abrt\n");
  assert_contains (output, "signal 6");
  assert_contains (output, "assertion failed");
  assert_contains (output, "The file is incomplete");
  assert_contains (output, "In threads");
  assert_contains (output, fixture->sheet);
  g_assert_cmpstr (errors, ==, "");
}

static void
test_no_failures_without_specimens (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  make_pictures (fixture);

  g_assert_cmpint (run (&output, &errors, "--no-specimens", "--no-comparison", "--jobs=1", "-o", fixture->sheet, fixture->pictures, NULL), ==, 0);
  assert_sheet (fixture->sheet, FALSE);

  assert_contains (output, "Failed       0\n");
  g_assert_null (strstr (output, "In threads"));
  g_assert_cmpstr (errors, ==, "");
}

static void
test_an_existing_sheet_is_replaced (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  make_pictures (fixture);
  g_assert_true (g_file_set_contents (fixture->sheet, "not a picture", -1, NULL));

  g_assert_cmpint (run (&output, &errors, "--no-comparison", "--output", fixture->sheet, fixture->pictures, NULL), ==, 0);
  assert_sheet (fixture->sheet, TRUE);
}

static void
test_what_is_no_picture_is_a_failure_of_its_own (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;
  g_autofree char *empty = g_build_filename (fixture->pictures, "empty.png", NULL);
  g_autofree char *text = g_build_filename (fixture->pictures, "text.jpg", NULL);

  make_pictures (fixture);
  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  g_assert_true (g_file_set_contents (text, "hello", -1, NULL));

  g_assert_cmpint (run (&output, &errors, "--no-specimens", "--no-comparison", "--output", fixture->sheet, fixture->pictures, NULL), ==, 0);
  assert_sheet (fixture->sheet, TRUE);
  assert_contains (output, "Failed       2\n");
  assert_contains (output, "empty.png");
  assert_contains (output, "text.jpg");
}

static void
test_an_empty_folder_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;

  g_assert_cmpint (run (&output, &errors, "--output", fixture->sheet, fixture->pictures, NULL), ==, 1);
  assert_contains (errors, "There are no pictures in");
  assert_contains (errors, fixture->pictures);
  g_assert_false (g_file_test (fixture->sheet, G_FILE_TEST_EXISTS));
}

static void
test_a_missing_folder_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;
  g_autofree char *missing = g_build_filename (fixture->folder, "missing", NULL);

  g_assert_cmpint (run (&output, &errors, "--output", fixture->sheet, missing, NULL), ==, 1);
  assert_contains (errors, missing);
}

static void
test_an_output_that_cannot_be_written_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;
  g_autofree char *more_output = NULL;
  g_autofree char *more_errors = NULL;
  g_autofree char *missing = g_build_filename (fixture->folder, "missing", "sheet.png", NULL);

  make_pictures (fixture);

  g_assert_cmpint (run (&output, &errors, "--output", missing, fixture->pictures, NULL), ==, 1);
  assert_contains (errors, missing);

  g_assert_cmpint (run (&more_output, &more_errors, "--output", fixture->folder, fixture->pictures, NULL), ==, 1);
  assert_contains (more_errors, "it is a folder");
}

static void
test_wrong_arguments_are_usage_errors (Fixture *fixture, gconstpointer data)
{
  const char *const wrong[] = { "--cell=5", "--columns=-1", "--jobs=many", "--unknown" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *output = NULL;
      g_autofree char *errors = NULL;

      g_assert_cmpint (run (&output, &errors, wrong[i], fixture->pictures, NULL), ==, 2);
      assert_contains (errors, "--help");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function) \
  g_test_add ("/contact-sheet/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

  ADD ("failures-are-marked-and-the-rest-is-there", test_failures_are_marked_and_the_rest_is_there);
  ADD ("no-failures-without-specimens", test_no_failures_without_specimens);
  ADD ("an-existing-sheet-is-replaced", test_an_existing_sheet_is_replaced);
  ADD ("what-is-no-picture-is-a-failure-of-its-own", test_what_is_no_picture_is_a_failure_of_its_own);
  ADD ("an-empty-folder-is-an-error", test_an_empty_folder_is_an_error);
  ADD ("a-missing-folder-is-an-error", test_a_missing_folder_is_an_error);
  ADD ("an-output-that-cannot-be-written-is-an-error", test_an_output_that_cannot_be_written_is_an_error);
  ADD ("wrong-arguments-are-usage-errors", test_wrong_arguments_are_usage_errors);

  return g_test_run ();
}
