/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* contact-sheet: one picture of a folder full of pictures.
 *
 * Files from a camera, the web or a dying disk are what decoders crash on. Here each picture is decoded in a
 * helper process of a ProcPool: where the decoder fails, and even where it takes its process down, one
 * cell of the sheet says so, and every other picture is there.
 *
 *   options.c      what it is asked to do
 *   picture.c      finds the pictures
 *   specimens.c    puts two among them that can't be decoded, so that there is something to see
 *   helpers.c      decodes them in helper processes: this is where the library is at work
 *   threads.c      does the same in threads of this process, to compare the times
 *   decode.c       from a file to a thumbnail, used by both
 *   brittle.c      a decoder that aborts
 *   sheet.c        draws the sheet
 *   progress.c     the bar on the terminal
 *
 * The program is its own helper: the pool starts it again, and main() asks which of the two it is.
 *
 * It exits with 0 if the sheet was written, whether or not all pictures could be decoded; with 1 if it
 * was not; with 2 if the arguments are wrong.
 */

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <procpool/procpool.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "helpers.h"
#include "options.h"
#include "picture.h"
#include "sheet.h"
#include "specimens.h"
#include "threads.h"

#define EXIT_USAGE 2

/* Whether the sheet could be written, asked before the work and not after it. */
static gboolean
check_output (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ISDIR,
                   "The sheet can't be written to '%s': it is a folder; name a file with --output", path);
      return FALSE;
    }

  if (g_access (folder, W_OK | X_OK) != 0)
    {
      int saved_errno = errno;

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved_errno),
                   "The sheet can't be written to '%s': %s; name another place with --output", path, g_strerror (saved_errno));
      return FALSE;
    }

  return TRUE;
}

/* Reads the files once, so that neither of the two ways is timed with the disk. */
static void
warm_up (GPtrArray *pictures)
{
  for (guint i = 0; i < pictures->len; i++)
    {
      const Picture *picture = g_ptr_array_index (pictures, i);
      g_autofree char *data = NULL;

      g_file_get_contents (picture->path, &data, NULL, NULL);
    }
}

static double
seconds_since (gint64 start)
{
  return (g_get_monotonic_time () - start) / (double) G_USEC_PER_SEC;
}

static guint
count_failures (GPtrArray *pictures)
{
  guint n_failures = 0;

  for (guint i = 0; i < pictures->len; i++)
    {
      const Picture *picture = g_ptr_array_index (pictures, i);

      if (picture->error != NULL)
        n_failures++;
    }

  return n_failures;
}

/* What the summary tells of the two ways. */
typedef struct
{
  guint n_helpers;
  double helper_seconds;
  guint n_threads; /* 0: there was no comparison */
  double thread_seconds;
  guint n_left_out; /* pictures that the threads were spared */
} Times;

static void
time_helpers (Times *times, GPtrArray *pictures, const SheetLayout *layout, guint n_jobs, GCancellable *cancellable)
{
  gint64 start = g_get_monotonic_time ();

  times->n_helpers = helpers_decode (pictures, layout->cell_width, layout->cell_height, n_jobs, cancellable);
  times->helper_seconds = seconds_since (start);
}

static void
time_threads (Times *times, GPtrArray *pictures, const SheetLayout *layout, GCancellable *cancellable)
{
  gint64 start = g_get_monotonic_time ();
  guint n_threads = times->n_helpers;

  times->n_left_out = threads_decode (pictures, layout->cell_width, layout->cell_height, n_threads, cancellable);
  times->thread_seconds = seconds_since (start);

  /* Half a comparison is none. */
  if (!g_cancellable_is_cancelled (cancellable))
    times->n_threads = n_threads;
}

static void
print_row (const char *label, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
print_row (const char *label, const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_print ("%-12s %s\n", label, text);
}

static void
print_failures (GPtrArray *pictures)
{
  print_row ("Failed", "%u", count_failures (pictures));

  for (guint i = 0; i < pictures->len; i++)
    {
      const Picture *picture = g_ptr_array_index (pictures, i);
      g_auto (GStrv) lines = NULL;

      if (picture->error == NULL)
        continue;

      print_row ("", "%s", picture->name);
      lines = g_strsplit (picture->error->message, "\n", -1);
      for (guint j = 0; lines[j] != NULL; j++)
        print_row ("", "  %s", lines[j]);
    }
}

static void
print_times (const Times *times)
{
  print_row ("In helpers", "%.2f s, %u at a time, from the start of the first to the end of the last",
             times->helper_seconds, times->n_helpers);
  if (times->n_threads == 0)
    return;

  if (times->n_left_out > 0)
    print_row ("In threads", "%.2f s, %u at a time, leaving out %u that would have ended this program",
               times->thread_seconds, times->n_threads, times->n_left_out);
  else
    print_row ("In threads", "%.2f s, %u at a time", times->thread_seconds, times->n_threads);
  print_row ("Ratio", "%.2f, helpers to threads", times->helper_seconds / times->thread_seconds);
}

static gboolean
make_sheet (const Options *options, GPtrArray *pictures, GCancellable *cancellable, GError **error)
{
  SheetLayout layout;
  Times times = { 0 };
  g_autofree char *folder_name = g_filename_display_name (options->folder);
  g_autofree char *output = g_canonicalize_filename (options->output, NULL);
  g_autofree char *output_name = g_filename_display_name (output);
  g_autofree char *title = NULL;

  if (!sheet_layout (&layout, pictures->len, options->n_columns, options->cell_width, error))
    return FALSE;

  if (!options->no_comparison)
    warm_up (pictures);

  time_helpers (&times, pictures, &layout, options->n_jobs, cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  title = g_strdup_printf ("%u of %u pictures in %s", pictures->len - count_failures (pictures), pictures->len, folder_name);
  if (!sheet_write (&layout, pictures, title, output, error))
    return FALSE;

  if (!options->no_comparison)
    time_threads (&times, pictures, &layout, cancellable);

  print_row ("Pictures", "%u", pictures->len);
  print_failures (pictures);
  print_times (&times);
  print_row ("Sheet", "%s, %u x %u pixels", output_name, layout.width, layout.height);
  return TRUE;
}

static gboolean
run (const Options *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) pictures = NULL;
  g_autoptr (GError) specimens_error = NULL;
  char *specimens = NULL;
  gboolean made;

  if (!check_output (options->output, error))
    return FALSE;

  pictures = pictures_find (options->folder, error);
  if (pictures == NULL)
    return FALSE;

  if (!options->no_specimens)
    {
      specimens = specimens_add (pictures, &specimens_error);
      if (specimens == NULL)
        g_printerr ("The sheet is made without specimens: %s\n", specimens_error->message);
    }

  made = make_sheet (options, pictures, cancellable, error);

  if (specimens != NULL)
    specimens_remove (specimens);

  return made;
}

/* Ctrl-C cancels the work, so that what there is of it is cleared away. */
static gboolean
on_signal (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  if (proc_helper_is_helper_process ())
    return helpers_serve ();

  setlocale (LC_ALL, "");

  if (!options_parse (&options, argc, argv, &error))
    {
      g_printerr ("%s\nTry '%s --help'.\n", error->message, argv[0]);
      return EXIT_USAGE;
    }

  g_unix_signal_add (SIGINT, on_signal, cancellable);
  g_unix_signal_add (SIGTERM, on_signal, cancellable);

  if (!run (&options, cancellable, &error))
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }

  return EXIT_SUCCESS;
}
