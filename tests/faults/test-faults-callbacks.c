/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* All that a caller's code may do to a pool, done from all the places where the pool runs the caller's code. */

#include "faults.h"

/* What is done, once, in each of the places. */
typedef enum
{
  CLOSE_DRAIN,
  CLOSE_CANCEL,
  CLOSE_KILL,
  CLOSE_BLOCKING,
  DROP,
  SHRINK,
  GROW,
  RUN,
  RUN_BLOCKING,
  CANCEL,
  ITERATE,
  KILL_WORKERS,
  N_ACTIONS
} Action;

static const char *const action_names[] = {
  "close-drain", "close-cancel", "close-kill", "close-blocking", "drop", "shrink", "grow", "run", "run-blocking", "cancel", "iterate", "kill-workers",
};

typedef enum
{
  COMPLETION,
  WORKER_STARTED,
  WORKER_EXITED,
  WORKERS_CHANGED,
  COUNT_NOTIFY,
  TASK_NOTIFY,
  WORKER_NOTIFY,
  PROGRESS,
  OUTPUT,
  LOG,
  N_PLACES
} Place;

static const char *const place_names[] = {
  "completion", "worker-started", "worker-exited", "workers-changed", "count-notify", "task-notify", "worker-notify", "progress", "output", "log",
};

typedef struct
{
  Action action;
  Place place;

  ProcPool *pool;  /* NULL once dropped */
  gpointer weak;
  GCancellable *cancellable;
  gboolean acted;
  gboolean closing;
  guint n_closed;
  guint n_runs;
  guint n_completions;
  guint n_actions_done; /* completions of what the action has started */
  guint n_actions;
} Scene;

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Scene *self = user_data;

  g_assert_true (proc_pool_close_finish (PROC_POOL (source), result, NULL));
  self->n_closed++;
}

static void
on_more_completed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Scene *self = user_data;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, NULL);

  self->n_actions_done++;
}

static void
close_pool (Scene *self, ProcCloseMode mode)
{
  self->closing = TRUE;
  proc_pool_close_async (self->pool, mode, NULL, on_closed, self);
}

static void
kill_workers (ProcPool *pool)
{
  GListModel *workers = proc_pool_get_workers (pool);

  /* Those that are starting or gone can't be. */
  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    proc_worker_kill (test_get_worker (pool, i), NULL);
}

static void
do_action (Scene *self)
{
  g_autoptr (GVariant) value = NULL;

  switch (self->action)
    {
    case CLOSE_DRAIN:
      close_pool (self, PROC_CLOSE_DRAIN);
      break;
    case CLOSE_CANCEL:
      close_pool (self, PROC_CLOSE_CANCEL);
      break;
    case CLOSE_KILL:
      close_pool (self, PROC_CLOSE_KILL);
      break;
    case CLOSE_BLOCKING:
      self->closing = TRUE;
      g_assert_true (proc_pool_close (self->pool, PROC_CLOSE_CANCEL, NULL, NULL));
      self->n_closed++;
      break;
    case DROP:
      g_object_unref (g_steal_pointer (&self->pool));
      break;
    case SHRINK:
      proc_pool_set_max_workers (self->pool, 1);
      break;
    case GROW:
      proc_pool_set_min_workers (self->pool, 4);
      proc_pool_set_max_workers (self->pool, 4);
      break;
    case RUN:
      self->n_actions++;
      proc_pool_call_async (self->pool, "echo", g_variant_new_int32 (1), NULL, on_more_completed, self);
      break;
    case RUN_BLOCKING:
      value = proc_pool_call (self->pool, "echo", g_variant_new_int32 (1), NULL, NULL);
      g_assert_nonnull (value);
      break;
    case CANCEL:
      g_cancellable_cancel (self->cancellable);
      break;
    case ITERATE:
      for (guint i = 0; i < 10; i++)
        g_main_context_iteration (NULL, FALSE);
      break;
    case KILL_WORKERS:
      kill_workers (self->pool);
      break;
    case N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
}

static void
reach (Scene *self, Place place)
{
  if (place != self->place || self->acted)
    return;

  self->acted = TRUE;
  do_action (self);
}

static void
on_completed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Scene *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_run_finish (PROC_POOL (source), result, &error);

  g_assert_true ((value != NULL) != (error != NULL));
  self->n_completions++;
  reach (self, COMPLETION);
}

static void
on_worker_state (ProcWorker *worker, GParamSpec *pspec, Scene *self)
{
  reach (self, WORKER_NOTIFY);
}

static void
on_worker_started (ProcPool *pool, ProcWorker *worker, Scene *self)
{
  g_signal_connect (worker, "notify::state", G_CALLBACK (on_worker_state), self);
  reach (self, WORKER_STARTED);
}

static void
on_worker_exited (ProcPool *pool, ProcWorker *worker, Scene *self)
{
  reach (self, WORKER_EXITED);
}

static void
on_items_changed (GListModel *workers, guint position, guint n_removed, guint n_added, Scene *self)
{
  reach (self, WORKERS_CHANGED);
}

static void
on_count (ProcPool *pool, GParamSpec *pspec, Scene *self)
{
  reach (self, COUNT_NOTIFY);
}

static gboolean
on_log (ProcPool *pool, ProcWorker *worker, ProcTask *task, guint level, const char *domain, const char *message, GVariant *fields, Scene *self)
{
  reach (self, LOG);
  return TRUE;
}

static void
on_task_state (ProcTask *task, GParamSpec *pspec, Scene *self)
{
  reach (self, TASK_NOTIFY);
}

static void
on_progress (ProcTask *task, double fraction, const char *text, Scene *self)
{
  reach (self, PROGRESS);
}

static void
on_output (ProcTask *task, GVariant *value, Scene *self)
{
  reach (self, OUTPUT);
}

static void
start_run (Scene *self, const char *function, GVariant *arguments)
{
  g_autoptr (ProcTask) task = proc_task_new (function, arguments);

  g_signal_connect (task, "notify::state", G_CALLBACK (on_task_state), self);
  g_signal_connect (task, "progressed", G_CALLBACK (on_progress), self);
  g_signal_connect (task, "output", G_CALLBACK (on_output), self);
  self->n_runs++;
  proc_pool_run_async (self->pool, task, self->cancellable, on_completed, self);
}

static void
start_scene (Scene *self)
{
  self->pool = test_pool_new (2);
  self->weak = self->pool;
  g_object_add_weak_pointer (G_OBJECT (self->pool), &self->weak);
  self->cancellable = g_cancellable_new ();

  g_signal_connect (self->pool, "worker-started", G_CALLBACK (on_worker_started), self);
  g_signal_connect (self->pool, "worker-exited", G_CALLBACK (on_worker_exited), self);
  g_signal_connect (self->pool, "log", G_CALLBACK (on_log), self);
  g_signal_connect (self->pool, "notify::n-running", G_CALLBACK (on_count), self);
  g_signal_connect (proc_pool_get_workers (self->pool), "items-changed", G_CALLBACK (on_items_changed), self);

  start_run (self, "progress", NULL);
  start_run (self, "outputs", g_variant_new_uint32 (3));
  start_run (self, "log", g_variant_new_string ("something"));
  start_run (self, "exit", g_variant_new_int32 (1));
  for (int i = 0; i < 4; i++)
    start_run (self, "echo", g_variant_new_int32 (i));
}

static void
wait_until_done (Scene *self)
{
  test_wait_until (self->n_completions == self->n_runs && self->n_actions_done == self->n_actions);
}

static void
play (gconstpointer data)
{
  /* Not on the stack: workers may tell of their ends when all else is over. */
  Scene *self = (Scene *) data;

  start_scene (self);
  wait_until_done (self);

  /* A count that changes and changes back within one turn isn't told of, and a worker may exit when all else is over. */
  while (!self->acted)
    {
      start_run (self, "exit", g_variant_new_int32 (1));
      wait_until_done (self);
    }
  if (self->closing)
    test_wait_until (self->n_closed == 1);

  if (self->pool)
    {
      if (!self->closing)
        {
          test_assert_answers (self->pool);
          test_close (self->pool, PROC_CLOSE_CANCEL);
        }
      g_signal_handlers_disconnect_by_data (self->pool, self);
      g_object_unref (self->pool);
    }
  test_wait_until (self->weak == NULL);

  g_assert_cmpuint (self->n_completions, ==, self->n_runs);
  g_object_unref (self->cancellable);
}

int
main (int argc, char *argv[])
{
  static Scene scenes[N_PLACES][N_ACTIONS];

  faults_init (&argc, &argv);

  for (guint place = 0; place < N_PLACES; place++)
    {
      for (guint action = 0; action < N_ACTIONS; action++)
        {
          g_autofree char *path = g_strdup_printf ("/faults/host/closes-in-callback/%s/%s", place_names[place], action_names[action]);

          scenes[place][action] = (Scene) { .action = action, .place = place };
          faults_add_data (path, &scenes[place][action], play);
        }
    }

  return g_test_run ();
}
