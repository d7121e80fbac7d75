/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Waiting for room in the queue. */

#include "testing.h"

/* A pool of one worker that is held by a task, and a queue of two that is full. */
typedef struct
{
  ProcPool *pool;
  GCancellable *gate;
  TestRun *runs[3];
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->pool = test_pool_new (1);
  proc_pool_set_max_queued (self->pool, 2);
  self->gate = g_cancellable_new ();
  self->runs[0] = test_run_start (self->pool, "wait-for-cancel", NULL, self->gate);
  test_run_wait_until_told (self->runs[0], "waiting");
  for (guint i = 1; i < G_N_ELEMENTS (self->runs); i++)
    self->runs[i] = test_run_start (self->pool, "nothing", NULL, NULL);
  g_assert_cmpuint (proc_pool_get_n_queued (self->pool), ==, 2);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_cancellable_cancel (self->gate);
  for (guint i = 0; i < G_N_ELEMENTS (self->runs); i++)
    {
      test_run_wait (self->runs[i]);
      test_run_free (self->runs[i]);
    }
  g_object_unref (self->gate);
  test_pool_finish (self->pool);
}

typedef struct
{
  guint n_completions;
  GError *error;
  guint place; /* among those told */
  guint *n_told;
  TestRun *run; /* what was run then */
} Waiter;

static void
on_room (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiter *waiter = user_data;

  waiter->n_completions++;
  if (waiter->n_told)
    waiter->place = ++*waiter->n_told;
  if (proc_pool_wait_for_room_finish (PROC_POOL (source), result, &waiter->error))
    waiter->run = test_run_start (PROC_POOL (source), "nothing", NULL, NULL);
}

static void
test_told_in_order_and_each_finds_its_place (Fixture *self, gconstpointer unused)
{
  Waiter waiters[5] = { 0 };
  guint n_told = 0;

  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      waiters[i].n_told = &n_told;
      proc_pool_wait_for_room_async (self->pool, NULL, on_room, &waiters[i]);
    }

  /* Turns the loop, and there is no room. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_told, ==, 0);

  g_cancellable_cancel (self->gate);
  test_wait_until (n_told == G_N_ELEMENTS (waiters));
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      g_assert_cmpuint (waiters[i].place, ==, i + 1);
      g_assert_no_error (waiters[i].error);
      test_run_wait (waiters[i].run);
      g_assert_no_error (waiters[i].run->error);
      test_run_free (waiters[i].run);
    }
}

static void
wait_for_room (Fixture *self, GCancellable *cancellable, Waiter *waiter)
{
  proc_pool_wait_for_room_async (self->pool, cancellable, on_room, waiter);
}

static void
finish (Waiter *waiter)
{
  test_wait_until (waiter->n_completions > 0);
  if (!waiter->run)
    return;

  test_run_wait (waiter->run);
  test_run_free (waiter->run);
}

static void
test_no_wait_where_there_is_room (Fixture *self, gconstpointer unused)
{
  Waiter waiter = { 0 };

  proc_pool_set_max_queued (self->pool, 4);
  wait_for_room (self, NULL, &waiter);
  test_wait_until (waiter.n_completions > 0);
  g_assert_no_error (waiter.error);
  g_assert_cmpuint (proc_pool_get_n_queued (self->pool), ==, 3);

  g_cancellable_cancel (self->gate);
  finish (&waiter);
}

static void
test_a_larger_queue_lets_in (Fixture *self, gconstpointer unused)
{
  Waiter first = { 0 };
  Waiter second = { 0 };

  wait_for_room (self, NULL, &first);
  wait_for_room (self, NULL, &second);
  proc_pool_set_max_queued (self->pool, 3);
  test_wait_until (first.n_completions > 0);
  g_assert_no_error (first.error);
  g_assert_cmpuint (second.n_completions, ==, 0);
  proc_pool_set_max_queued (self->pool, 0);
  test_wait_until (second.n_completions > 0);
  g_assert_no_error (second.error);

  g_cancellable_cancel (self->gate);
  finish (&first);
  finish (&second);
}

static void
test_cancelled (Fixture *self, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  Waiter later = { 0 };
  Waiter before = { 0 };

  wait_for_room (self, cancellable, &later);
  g_cancellable_cancel (cancelled);
  wait_for_room (self, cancelled, &before);
  test_wait_until (before.n_completions > 0);
  g_assert_error (before.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (later.n_completions, ==, 0);

  g_cancellable_cancel (cancellable);
  test_wait_until (later.n_completions > 0);
  g_assert_error (later.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&before.error);
  g_clear_error (&later.error);
}

static void
test_closed_meanwhile (Fixture *self, gconstpointer unused)
{
  Waiter waiter = { 0 };
  Waiter late = { 0 };

  wait_for_room (self, NULL, &waiter);
  proc_pool_close_async (self->pool, PROC_CLOSE_CANCEL, NULL, NULL, NULL);
  test_wait_until (waiter.n_completions > 0);
  g_assert_error (waiter.error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);

  wait_for_room (self, NULL, &late);
  test_wait_until (late.n_completions > 0);
  g_assert_error (late.error, PROC_POOL_ERROR, PROC_POOL_ERROR_CLOSED);
  g_clear_error (&waiter.error);
  g_clear_error (&late.error);
}

typedef struct
{
  ProcPool *pool;
  int done; /* atomic */
} Maker;

static gpointer
make_tasks (gpointer user_data)
{
  Maker *maker = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 100; i++)
    {
      Waiter waiter = { 0 };

      proc_pool_wait_for_room_async (maker->pool, NULL, on_room, &waiter);
      while (waiter.n_completions == 0)
        g_main_context_iteration (context, TRUE);
      g_assert_no_error (waiter.error);
      while (waiter.run->n_completions == 0)
        g_main_context_iteration (context, TRUE);
      g_assert_no_error (waiter.run->error);
      test_run_free (waiter.run);
    }
  g_main_context_pop_thread_default (context);

  g_atomic_int_set (&maker->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_from_another_thread (Fixture *self, gconstpointer unused)
{
  Maker maker = { self->pool, FALSE };
  GThread *thread = g_thread_new ("maker", make_tasks, &maker);

  g_cancellable_cancel (self->gate);
  test_wait_until (g_atomic_int_get (&maker.done));
  g_thread_join (thread);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/pool-room/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("told-in-order-and-each-finds-its-place", test_told_in_order_and_each_finds_its_place);
  ADD ("no-wait-where-there-is-room", test_no_wait_where_there_is_room);
  ADD ("a-larger-queue-lets-in", test_a_larger_queue_lets_in);
  ADD ("cancelled", test_cancelled);
  ADD ("closed-meanwhile", test_closed_meanwhile);
  ADD ("from-another-thread", test_from_another_thread);

  return g_test_run ();
}
