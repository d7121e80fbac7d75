/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Both sides of the work in helper processes: the function that runs in them, and the pool that hands them
 * the pictures. In between, a thumbnail is a GVariant "(uuuay)": width, height, bytes from one row to the
 * next, and the pixels as cairo has them. The pixels are written once, by the helper, and read where they
 * arrive: what makes and takes the variant only points at them.
 */

#include "helpers.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <procpool/procpool.h>
#include <sys/resource.h>

#include "decode.h"
#include "progress.h"

#define THUMBNAIL_TYPE "(uuuay)"

/* ---- In a helper process ---- */

static GVariant *
thumbnail_to_variant (cairo_surface_t *thumbnail)
{
  guint height = cairo_image_surface_get_height (thumbnail);
  guint stride = cairo_image_surface_get_stride (thumbnail);
  GVariant *pixels;

  pixels = g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING,
                                    cairo_image_surface_get_data (thumbnail), (gsize) stride * height, TRUE,
                                    (GDestroyNotify) cairo_surface_destroy, cairo_surface_reference (thumbnail));

  return g_variant_new ("(uuu@ay)", cairo_image_surface_get_width (thumbnail), height, stride, pixels);
}

/* The function "decode": (path, width, height) → a thumbnail. */
static GVariant *
decode (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  const char *path;
  guint width, height;
  g_autoptr (cairo_surface_t) thumbnail = NULL;

  g_variant_get (arguments, "(^&ayuu)", &path, &width, &height);

  thumbnail = decode_picture (path, width, height, error);
  if (thumbnail == NULL)
    return NULL;

  return thumbnail_to_variant (thumbnail);
}

int
helpers_serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();
  const struct rlimit no_core_file = { 0, 0 };

  /* One picture is there to crash its helper: nobody wants the core file of that. */
  setrlimit (RLIMIT_CORE, &no_core_file);

  proc_helper_add_function (helper, "decode", decode, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- In the host ---- */

typedef struct
{
  GMainLoop *loop;
  Progress progress;
  guint n_left; /* pictures on their way; the last one to arrive ends the loop */
} Run;

typedef struct
{
  Run *run;
  Picture *picture;
} Job;

/* What comes from another process is checked like what comes from a file: cairo would believe the sizes. */
static cairo_surface_t *
thumbnail_from_variant (GVariant *variant, GError **error)
{
  g_autoptr (GVariant) pixels = NULL;
  guint width, height, stride;
  cairo_surface_t *thumbnail;
  static const cairo_user_data_key_t pixels_key;

  if (!g_variant_is_of_type (variant, G_VARIANT_TYPE (THUMBNAIL_TYPE)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "The helper's result is of type %s instead of " THUMBNAIL_TYPE, g_variant_get_type_string (variant));
      return NULL;
    }

  g_variant_get (variant, "(uuu@ay)", &width, &height, &stride, &pixels);

  if (width == 0 || width > G_MAXINT16 || height == 0 || height > G_MAXINT16 ||
      stride != (guint) cairo_format_stride_for_width (CAIRO_FORMAT_ARGB32, width) ||
      g_variant_get_size (pixels) != (gsize) stride * height)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "The helper's result isn't a thumbnail: %u x %u pixels in %" G_GSIZE_FORMAT " bytes",
                   width, height, g_variant_get_size (pixels));
      return NULL;
    }

  /* The surface is only read from, so it may stand on the variant's bytes, which it keeps. */
  thumbnail = cairo_image_surface_create_for_data ((guchar *) g_variant_get_data (pixels),
                                                   CAIRO_FORMAT_ARGB32, width, height, stride);
  cairo_surface_set_user_data (thumbnail, &pixels_key, g_steal_pointer (&pixels), (cairo_destroy_func_t) g_variant_unref);
  return thumbnail;
}

/* One picture is done. If it has failed, even by taking its helper down, that is its own affair. */
static void
on_decoded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Job *job = user_data;
  Run *run = job->run;
  Picture *picture = job->picture;
  g_autoptr (GVariant) variant = proc_pool_run_finish (PROC_POOL (source), result, &picture->error);

  if (variant != NULL)
    picture->thumbnail = thumbnail_from_variant (variant, &picture->error);

  progress_step (&run->progress);

  if (--run->n_left == 0)
    g_main_loop_quit (run->loop);
}

/* What a helper writes to its standard output or error would break up the progress bar, and the last lines of
 * one that crashes are in the error anyway.
 */
static gboolean
on_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain,
        const char *message, GVariant *fields, gpointer user_data)
{
  const char *stream;

  return g_variant_lookup (fields, "PROC_STREAM", "&s", &stream);
}

static void
start (ProcPool *pool, Run *run, Picture *picture, guint width, guint height, GCancellable *cancellable)
{
  g_autoptr (ProcTask) task = proc_task_new ("decode", g_variant_new ("(^ayuu)", picture->path, width, height));
  Job *job = g_new (Job, 1);

  job->run = run;
  job->picture = picture;

  /* The name is what errors call the task by. A picture that crashes its helper would crash the next one
   * as well, so there is no second attempt.
   */
  proc_task_set_name (task, picture->name);
  proc_task_set_max_attempts (task, 1);

  proc_pool_run_async (pool, task, cancellable, on_decoded, job);
}

guint
helpers_decode (GPtrArray *pictures, guint width, guint height, guint n_helpers, GCancellable *cancellable)
{
  g_autoptr (ProcPool) pool = proc_pool_new (NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  Run run = { .loop = loop, .n_left = pictures->len };

  /* An error of a helper keeps its domain where this process knows it, and it does once it is asked for. */
  gdk_pixbuf_error_quark ();

  proc_launcher_set_stdout (proc_pool_get_launcher (pool), PROC_STDIO_CAPTURE);
  g_signal_connect (pool, "log", G_CALLBACK (on_log), NULL);
  if (n_helpers > 0)
    proc_pool_set_max_workers (pool, n_helpers);

  progress_begin (&run.progress, "In helper processes", pictures->len);

  /* All at once: the pool holds what its helpers have no room for yet. */
  for (guint i = 0; i < pictures->len; i++)
    start (pool, &run, g_ptr_array_index (pictures, i), width, height, cancellable);

  g_main_loop_run (loop);
  progress_end (&run.progress);

  if (!proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, &error))
    g_printerr ("The helper processes didn't end well: %s\n", error->message);

  return MIN (proc_pool_get_max_workers (pool), pictures->len);
}
