/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A map: the rows of a picture are computed in helper processes, on all cores, and arrive in order.
 *
 *   mandelbrot FILE.pgm
 */

#include <procpool/procpool.h>
#include <stdio.h>

#define WIDTH 240
#define HEIGHT 160
#define DEPTH 255 /* the lightest grey, too */

/* How many steps it takes a point to escape; DEPTH if it doesn't. */
static int
escape (double re, double im)
{
  double x = 0;
  double y = 0;
  int n = 0;

  while (n < DEPTH && x * x + y * y <= 4)
    {
      double next = x * x - y * y + re;

      y = 2 * x * y + im;
      x = next;
      n++;
    }

  return n;
}

static GVariant *
compute_row (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const int y = g_variant_get_int32 (arguments);
  guint8 pixels[WIDTH];

  for (int x = 0; x < WIDTH; x++)
    pixels[x] = escape (x * 3.0 / WIDTH - 2.25, y * 2.0 / HEIGHT - 1) * 8 % 256;

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, pixels, WIDTH, 1);
}

static int
run_helper (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "compute-row", compute_row, NULL, NULL);
  return proc_helper_run (helper);
}

static GVariant *
list_rows (void)
{
  int rows[HEIGHT];

  for (int y = 0; y < HEIGHT; y++)
    rows[y] = y;

  return g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, rows, HEIGHT, sizeof *rows);
}

static gboolean
write_picture (ProcPool *pool, FILE *file, GError **error)
{
  g_autoptr (ProcResults) results = proc_pool_map (pool, "compute-row", list_rows ());

  fprintf (file, "P5\n%d %d\n%d\n", WIDTH, HEIGHT, DEPTH);
  for (int n_done = 1; n_done <= HEIGHT; n_done++)
    {
      g_autoptr (GVariant) row = proc_results_next (results, NULL, error);

      if (row == NULL)
        return FALSE;

      fwrite (g_variant_get_data (row), 1, g_variant_get_size (row), file);
      if (n_done % (HEIGHT / 4) == 0)
        g_print ("%d %%\n", n_done * 100 / HEIGHT);
    }

  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcPool) pool = NULL;
  g_autoptr (GError) error = NULL;
  FILE *file;
  gboolean done;

  if (proc_helper_is_helper_process ())
    return run_helper ();

  file = argc == 2 ? fopen (argv[1], "wb") : NULL;
  if (file == NULL)
    {
      g_printerr ("Usage: mandelbrot FILE.pgm, which can be written\n");
      return 1;
    }

  pool = proc_pool_new (NULL);
  done = write_picture (pool, file, &error);
  if (!done)
    g_printerr ("%s\n", error->message);
  return fclose (file) == 0 && done ? 0 : 1;
}
