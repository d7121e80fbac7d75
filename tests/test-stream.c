/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The stream behind a map, with the pool's part played by the test. */

#include "host/stream.h"

#include "testing.h"

typedef struct
{
  ProcReactor *reactor;
  GObject *pool; /* any object */
  ProcStream *stream;
  GQueue submitted; /* of ProcRun, referenced */
  guint n_submitted;
} Fixture;

static Fixture *current;

static void
submit (gpointer pool, ProcRun *run)
{
  g_assert_true (pool == (gpointer) current->pool);
  g_queue_push_tail (&current->submitted, proc_run_ref (run));
  current->n_submitted++;
}

static void
set_up (Fixture *self, gconstpointer unused)
{
  g_autoptr (ProcTask) prototype = proc_task_new ("work", NULL);
  const int items[] = { 0, 1, 2, 3, 4 };

  current = self;
  self->reactor = proc_reactor_new (NULL);
  self->pool = g_object_new (G_TYPE_OBJECT, NULL);
  g_queue_init (&self->submitted);
  self->stream = proc_stream_new (self->pool, self->reactor, submit, 2, prototype,
                                  g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, items, G_N_ELEMENTS (items), sizeof *items));
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  gpointer weak = self->pool;

  g_clear_pointer (&self->stream, proc_stream_unref);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (g_queue_is_empty (&self->submitted));
  g_object_add_weak_pointer (self->pool, &weak);
  g_object_unref (self->pool);
  g_assert_null (weak);
  proc_reactor_unref (self->reactor);
}

static void
note_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
ask (Fixture *self, GCancellable *cancellable, GTask **result)
{
  GTask *task = g_task_new (NULL, cancellable, note_done, result);

  g_task_set_check_cancellable (task, FALSE);
  proc_stream_next_async (self->stream, task, FALSE);
}

/* The @position-th of those under way gives its arguments back. */
static void
reply (Fixture *self, guint position)
{
  g_autoptr (ProcRun) run = g_queue_pop_nth (&self->submitted, position);

  proc_run_resolve_value (run, proc_task_get_arguments (run->task));
}

static void
fail (Fixture *self)
{
  g_autoptr (ProcRun) run = g_queue_pop_head (&self->submitted);

  proc_run_resolve_error (run, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy"), NULL);
}

static void
assert_answer (GTask **result, int expected)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  test_wait_until (*result != NULL);
  value = proc_stream_next_finish (*result, &error);
  g_assert_no_error (error);
  if (expected >= 0)
    g_assert_cmpint (g_variant_get_int32 (value), ==, expected);
  else
    g_assert_null (value);
  g_clear_object (result);
}

static void
assert_error_answer (GTask **result, int code)
{
  g_autoptr (GError) error = NULL;

  test_wait_until (*result != NULL);
  g_assert_null (proc_stream_next_finish (*result, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_clear_object (result);
}

static void
test_starts_no_more_than_look_ahead (Fixture *self, gconstpointer unused)
{
  GTask *result = NULL;

  g_assert_cmpuint (self->n_submitted, ==, 0);
  ask (self, NULL, &result);
  g_assert_cmpuint (self->n_submitted, ==, 2);
  reply (self, 0);
  assert_answer (&result, 0);
  g_assert_cmpuint (self->n_submitted, ==, 3);

  /* What is done and not asked for counts too. */
  reply (self, 0);
  reply (self, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (self->n_submitted, ==, 3);
  g_assert_cmpuint (proc_stream_get_position (self->stream), ==, 1);

  proc_stream_set_look_ahead (self->stream, 10);
  ask (self, NULL, &result);
  assert_answer (&result, 1);
  g_assert_cmpuint (self->n_submitted, ==, 5);
  reply (self, 0);
  reply (self, 0);
}

static void
test_answers_in_order (Fixture *self, gconstpointer unused)
{
  GTask *results[7] = { NULL };

  proc_stream_set_look_ahead (self->stream, 5);
  for (int i = 0; i < 7; i++)
    ask (self, NULL, &results[i]);

  /* From the last to the first. */
  for (guint i = 5; i > 0; i--)
    reply (self, i - 1);
  for (int i = 0; i < 7; i++)
    assert_answer (&results[i], i < 5 ? i : -1);
}

static void
test_error_is_one_answer_of_many (Fixture *self, gconstpointer unused)
{
  GTask *results[3] = { NULL };

  for (int i = 0; i < 3; i++)
    ask (self, NULL, &results[i]);
  fail (self);
  assert_error_answer (&results[0], G_IO_ERROR_BUSY);
  reply (self, 0);
  reply (self, 0);
  assert_answer (&results[1], 1);
  assert_answer (&results[2], 2);

  while (!g_queue_is_empty (&self->submitted))
    {
      reply (self, 0);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

static void
test_cancelled_waiter_takes_nothing (Fixture *self, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GTask *results[2] = { NULL };

  ask (self, cancellable, &results[0]);
  ask (self, NULL, &results[1]);
  g_cancellable_cancel (cancellable);
  assert_error_answer (&results[0], G_IO_ERROR_CANCELLED);
  reply (self, 0);
  assert_answer (&results[1], 0);
  while (!g_queue_is_empty (&self->submitted))
    {
      reply (self, 0);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

static void
answer_all (Fixture *self)
{
  while (!g_queue_is_empty (&self->submitted))
    {
      reply (self, 0);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

static void
test_answer_that_nobody_finishes_is_the_next_one (Fixture *self, gconstpointer unused)
{
  GTask *results[4] = { NULL };

  proc_stream_set_look_ahead (self->stream, 5);
  for (int i = 0; i < 3; i++)
    ask (self, NULL, &results[i]);
  fail (self);
  answer_all (self);
  test_wait_until (results[0] && results[1] && results[2]);
  g_assert_cmpuint (proc_stream_get_position (self->stream), ==, 3);

  /* In any order; who waits already has what comes back. */
  g_clear_object (&results[1]);
  ask (self, NULL, &results[3]);
  assert_answer (&results[3], 1);
  g_clear_object (&results[2]);
  g_clear_object (&results[0]);
  g_assert_cmpuint (proc_stream_get_position (self->stream), ==, 1);

  ask (self, NULL, &results[0]);
  assert_error_answer (&results[0], G_IO_ERROR_BUSY);
  for (int i = 2; i < 6; i++)
    {
      ask (self, NULL, &results[0]);
      assert_answer (&results[0], i < 5 ? i : -1);
    }
}

static void
test_answer_of_a_cancelled_stream_is_not_put_back (Fixture *self, gconstpointer unused)
{
  GTask *result = NULL;

  ask (self, NULL, &result);
  reply (self, 0);
  test_wait_until (result);
  proc_stream_cancel (self->stream);
  g_clear_object (&result);
  answer_all (self);
  ask (self, NULL, &result);
  assert_answer (&result, -1);
}

static void
test_cancelled_stream_is_at_its_end (Fixture *self, gconstpointer unused)
{
  GTask *results[3] = { NULL };
  ProcRun *run;

  ask (self, NULL, &results[0]);
  ask (self, NULL, &results[1]);
  run = g_queue_peek_head (&self->submitted);
  proc_stream_cancel (self->stream);
  g_assert_true (g_cancellable_is_cancelled (run->cancellable));
  assert_error_answer (&results[0], G_IO_ERROR_CANCELLED);
  assert_error_answer (&results[1], G_IO_ERROR_CANCELLED);

  /* Late ones are nobody's. */
  reply (self, 0);
  reply (self, 0);
  ask (self, NULL, &results[2]);
  assert_answer (&results[2], -1);
  g_assert_cmpuint (self->n_submitted, ==, 2);
}

static void
test_runs_under_way_keep_it (Fixture *self, gconstpointer unused)
{
  GTask *result = NULL;

  ask (self, NULL, &result);
  g_clear_pointer (&self->stream, proc_stream_unref);
  reply (self, 0);
  assert_answer (&result, 0);
  while (!g_queue_is_empty (&self->submitted))
    {
      reply (self, 0);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/stream/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("look-ahead", test_starts_no_more_than_look_ahead);
  ADD ("order", test_answers_in_order);
  ADD ("error", test_error_is_one_answer_of_many);
  ADD ("cancelled-waiter", test_cancelled_waiter_takes_nothing);
  ADD ("unfinished", test_answer_that_nobody_finishes_is_the_next_one);
  ADD ("unfinished-and-cancelled", test_answer_of_a_cancelled_stream_is_not_put_back);
  ADD ("cancelled", test_cancelled_stream_is_at_its_end);
  ADD ("kept-by-runs", test_runs_under_way_keep_it);
#undef ADD

  return g_test_run ();
}
