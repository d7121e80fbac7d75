/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "threads.h"

#include <procpool/procpool.h>

#include "decode.h"
#include "progress.h"

typedef struct
{
  guint width;
  guint height;
  GCancellable *cancellable;
  GAsyncQueue *done; /* of the pictures, from the threads to the one that waits */
} Run;

static void
decode (gpointer data, gpointer user_data)
{
  Picture *picture = data;
  Run *run = user_data;
  g_autoptr (cairo_surface_t) thumbnail = NULL;

  if (!g_cancellable_is_cancelled (run->cancellable))
    thumbnail = decode_picture (picture->path, run->width, run->height, NULL);

  g_async_queue_push (run->done, picture);
}

guint
threads_decode (GPtrArray *pictures, guint width, guint height, guint n_threads, GCancellable *cancellable)
{
  g_autoptr (GAsyncQueue) done = g_async_queue_new ();
  Run run = { width, height, cancellable, done };
  GThreadPool *threads = g_thread_pool_new (decode, &run, n_threads, TRUE, NULL);
  Progress progress;
  guint n_started = 0;

  for (guint i = 0; i < pictures->len; i++)
    {
      Picture *picture = g_ptr_array_index (pictures, i);

      if (g_error_matches (picture->error, PROC_POOL_ERROR, PROC_POOL_ERROR_CRASHED))
        continue;

      g_thread_pool_push (threads, picture, NULL);
      n_started++;
    }

  progress_begin (&progress, "In threads", n_started);
  for (guint i = 0; i < n_started; i++)
    {
      g_async_queue_pop (done);

      /* Nothing else runs the main loop meanwhile, which brings the signal of Ctrl-C. */
      g_main_context_iteration (NULL, FALSE);
      progress_step (&progress);
    }
  progress_end (&progress);

  g_thread_pool_free (threads, FALSE, TRUE);
  return pictures->len - n_started;
}
