/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/reactor.h"

#include <fcntl.h>
#include <unistd.h>

#include "testing.h"

static void
count (gpointer user_data)
{
  ++*(guint *) user_data;
}

/* ---- settling ---- */

static void
test_settles_when_woken (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  guint n_settled = 0;

  proc_reactor_set_settle (reactor, count, NULL, &n_settled);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_settled, ==, 0);

  proc_reactor_wake (reactor);
  proc_reactor_wake (reactor);
  test_wait_until (n_settled > 0);
  g_assert_cmpuint (n_settled, ==, 1);
  g_assert_false (g_main_context_pending (NULL));
  proc_reactor_set_settle (reactor, NULL, NULL, NULL);
}

static void
test_is_quiet_when_idle (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  guint n_posted = 0;

  proc_reactor_post (reactor, count, &n_posted);
  test_wait_until (n_posted == 1);
  for (int i = 0; i < 10; i++)
    g_assert_false (g_main_context_iteration (NULL, FALSE));
}

static gboolean
linger_for_ever (gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

static void
test_lingers_for_a_moment (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  guint n_lingered = 0;

  proc_reactor_set_settle (reactor, NULL, linger_for_ever, &n_lingered);
  proc_reactor_wake (reactor);
  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (n_lingered, >, 1);
  proc_reactor_set_settle (reactor, NULL, NULL, NULL);
}

/* ---- descriptors ---- */

typedef struct
{
  ProcReactor *reactor;
  int fds[2];
  ProcWatch *watch;
  ProcWatch *other;
  guint n_told;
  GIOCondition condition;
  gboolean clears;
} Pipe;

static void
pipe_open (Pipe *self)
{
  self->reactor = proc_reactor_new (NULL);
  g_assert_cmpint (pipe2 (self->fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
}

static void
pipe_close (Pipe *self)
{
  proc_watch_clear (&self->watch);
  proc_watch_clear (&self->other);
  for (int i = 0; i < 2; i++)
    {
      if (self->fds[i] >= 0)
        close (self->fds[i]);
    }
  proc_reactor_unref (self->reactor);
}

static void
on_pipe (GIOCondition condition, gpointer user_data)
{
  Pipe *self = user_data;
  char byte;

  self->n_told++;
  self->condition = condition;
  if ((condition & G_IO_IN) != 0)
    g_assert_cmpint (read (self->fds[0], &byte, 1), ==, 1);
  if (self->clears || (condition & G_IO_HUP) != 0)
    {
      proc_watch_clear (&self->watch);
      proc_watch_clear (&self->other);
    }
}

static void
test_readable (void)
{
  Pipe pipe = { 0 };

  pipe_open (&pipe);
  pipe.watch = proc_reactor_add_watch (pipe.reactor, pipe.fds[0], G_IO_IN, on_pipe, &pipe, NULL);
  g_assert_nonnull (pipe.watch);
  g_assert_cmpint (write (pipe.fds[1], "ab", 2), ==, 2);
  test_wait_until (pipe.n_told == 2);
  g_assert_cmpint (pipe.condition, ==, G_IO_IN);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  pipe_close (&pipe);
}

static void
test_hangup_is_always_told (void)
{
  Pipe pipe = { 0 };

  pipe_open (&pipe);
  pipe.watch = proc_reactor_add_watch (pipe.reactor, pipe.fds[0], 0, on_pipe, &pipe, NULL);
  close (pipe.fds[1]);
  pipe.fds[1] = -1;
  test_wait_until (pipe.n_told == 1);
  g_assert_cmpint (pipe.condition & G_IO_HUP, !=, 0);
  pipe_close (&pipe);
}

static void
test_condition_can_change (void)
{
  Pipe pipe = { 0 };

  pipe_open (&pipe);
  pipe.watch = proc_reactor_add_watch (pipe.reactor, pipe.fds[0], 0, on_pipe, &pipe, NULL);
  g_assert_cmpint (write (pipe.fds[1], "a", 1), ==, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (pipe.n_told, ==, 0);
  proc_watch_set_condition (pipe.watch, G_IO_IN);
  test_wait_until (pipe.n_told == 1);
  pipe_close (&pipe);
}

/* Both are ready in the same batch. */
static void
test_watch_cleared_by_another_is_not_told (void)
{
  Pipe pipe = { .clears = TRUE };
  int copy;

  pipe_open (&pipe);
  copy = dup (pipe.fds[0]);
  pipe.watch = proc_reactor_add_watch (pipe.reactor, pipe.fds[0], G_IO_IN, on_pipe, &pipe, NULL);
  pipe.other = proc_reactor_add_watch (pipe.reactor, copy, G_IO_IN, on_pipe, &pipe, NULL);
  g_assert_cmpint (write (pipe.fds[1], "ab", 2), ==, 2);
  test_wait_until (pipe.n_told > 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (pipe.n_told, ==, 1);
  close (copy);
  pipe_close (&pipe);
}

static void
test_bad_descriptor (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (proc_reactor_add_watch (reactor, 9999, G_IO_IN, on_pipe, NULL, &error));
  g_assert_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED);
}

/* ---- timers ---- */

static void
test_timers_fire_once_in_order (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  ProcTimer *timers[3] = { NULL };
  guint n_fired[3] = { 0 };

  proc_reactor_add_timer (reactor, 150, &timers[2], count, &n_fired[2]);
  proc_reactor_add_timer (reactor, 50, &timers[0], count, &n_fired[0]);
  proc_reactor_add_timer (reactor, 100, &timers[1], count, &n_fired[1]);

  while (n_fired[2] == 0)
    {
      g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (n_fired[0], >=, n_fired[1]);
      g_assert_cmpuint (n_fired[1], >=, n_fired[2]);
    }

  for (int i = 0; i < 3; i++)
    {
      g_assert_null (timers[i]);
      g_assert_cmpuint (n_fired[i], ==, 1);
    }
}

static void
test_cleared_timer_does_not_fire (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  ProcTimer *cleared = NULL;
  ProcTimer *later = NULL;
  guint n_cleared = 0;
  guint n_later = 0;

  proc_reactor_add_timer (reactor, 1, &cleared, count, &n_cleared);
  proc_reactor_add_timer (reactor, 5, &later, count, &n_later);
  proc_timer_clear (&cleared);
  proc_timer_clear (&cleared);
  test_wait_until (n_later == 1);
  g_assert_cmpuint (n_cleared, ==, 0);
}

static void
test_added_again_replaces_the_timer (void)
{
  g_autoptr (ProcReactor) reactor = proc_reactor_new (NULL);
  ProcTimer *timer = NULL;
  guint n_first = 0;
  guint n_second = 0;

  proc_reactor_add_timer (reactor, 100000, &timer, count, &n_first);
  proc_reactor_add_timer (reactor, 1, &timer, count, &n_second);
  test_wait_until (n_second == 1);
  g_assert_null (timer);
  g_assert_cmpuint (n_first, ==, 0);
}

/* ---- deliveries ---- */

typedef struct
{
  ProcReactor *reactor;
  GString *order;
  ProcDelivery deliveries[4];
} Deliveries;

static void
deliver_emission (gpointer user_data)
{
  g_string_append_c (((Deliveries *) user_data)->order, 'e');
}

static void
deliver_completion (gpointer user_data)
{
  g_string_append_c (((Deliveries *) user_data)->order, 'c');
}

static void
deliver_both (gpointer user_data)
{
  Deliveries *self = user_data;

  proc_reactor_complete (self->reactor, &self->deliveries[0], deliver_completion, self);
  proc_reactor_complete (self->reactor, &self->deliveries[1], deliver_completion, self);
  proc_reactor_emit (self->reactor, &self->deliveries[2], deliver_emission, self);
  proc_reactor_emit (self->reactor, &self->deliveries[3], deliver_emission, self);
}

static void
test_emissions_come_before_completions (void)
{
  Deliveries deliveries = { proc_reactor_new (NULL), g_string_new (NULL), { { 0 } } };

  proc_reactor_post (deliveries.reactor, deliver_both, &deliveries);
  test_wait_until (deliveries.order->len == 4);
  g_assert_cmpstr (deliveries.order->str, ==, "eecc");

  g_string_free (deliveries.order, TRUE);
  proc_reactor_unref (deliveries.reactor);
}

static gboolean
has_emissions (gpointer user_data)
{
  return ((Deliveries *) user_data)->order->len >= 2;
}

static void
test_completions_wait_for_a_blocking_call (void)
{
  Deliveries deliveries = { proc_reactor_new (NULL), g_string_new (NULL), { { 0 } } };

  proc_reactor_post (deliveries.reactor, deliver_both, &deliveries);
  proc_reactor_wait (deliveries.reactor, has_emissions, &deliveries);
  g_assert_cmpstr (deliveries.order->str, ==, "ee");
  test_wait_until (deliveries.order->len == 4);
  g_assert_cmpstr (deliveries.order->str, ==, "eecc");

  g_string_free (deliveries.order, TRUE);
  proc_reactor_unref (deliveries.reactor);
}

/* ---- threads ---- */

typedef struct
{
  ProcReactor *reactor;
  GThread *owner;
  guint n_done;
} Posts;

#define N_THREADS 4
#define N_POSTS 1000

static void
note_post (gpointer user_data)
{
  Posts *posts = user_data;

  g_assert_true (g_thread_self () == posts->owner);
  posts->n_done++;
}

static gpointer
post_many (gpointer user_data)
{
  Posts *posts = user_data;

  for (int i = 0; i < N_POSTS; i++)
    proc_reactor_post (posts->reactor, note_post, posts);

  return NULL;
}

static void
test_posts_of_threads_all_arrive (void)
{
  Posts posts = { proc_reactor_new (NULL), g_thread_self (), 0 };
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("poster", post_many, &posts);
  test_wait_until (posts.n_done == N_THREADS * N_POSTS);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  proc_reactor_unref (posts.reactor);
}

typedef struct
{
  ProcReactor *reactor;
  int done;     /* atomic */
  int returned; /* atomic */
} Wait;

static gboolean
is_done (gpointer user_data)
{
  return g_atomic_int_get (&((Wait *) user_data)->done);
}

static void
set_done (gpointer user_data)
{
  g_atomic_int_set (&((Wait *) user_data)->done, TRUE);
}

static gpointer
wait_in_thread (gpointer user_data)
{
  Wait *wait = user_data;

  proc_reactor_wait (wait->reactor, is_done, wait);
  g_atomic_int_set (&wait->returned, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gpointer
finish_in_thread (gpointer user_data)
{
  Wait *wait = user_data;

  set_done (wait);
  proc_reactor_notify_waiters (wait->reactor);
  return NULL;
}

static void
test_waits_while_the_main_loop_runs (void)
{
  Wait wait = { proc_reactor_new (NULL), FALSE, FALSE };
  GThread *waiter = g_thread_new ("waiter", wait_in_thread, &wait);

  proc_reactor_post (wait.reactor, set_done, &wait);
  proc_reactor_notify_waiters (wait.reactor);
  test_wait_until (g_atomic_int_get (&wait.returned));
  g_thread_join (waiter);
  proc_reactor_unref (wait.reactor);
}

static void
test_waits_without_a_main_loop (void)
{
  Wait wait = { proc_reactor_new (NULL), FALSE, FALSE };
  GThread *finisher = g_thread_new ("finisher", finish_in_thread, &wait);

  proc_reactor_wait (wait.reactor, is_done, &wait);
  g_thread_join (finisher);
  proc_reactor_unref (wait.reactor);
}

static void
test_timers_fire_in_a_blocking_call (void)
{
  Wait wait = { proc_reactor_new (NULL), FALSE, FALSE };
  ProcTimer *timer = NULL;

  proc_reactor_add_timer (wait.reactor, 1, &timer, set_done, &wait);
  proc_reactor_wait (wait.reactor, is_done, &wait);
  g_assert_null (timer);
  proc_reactor_unref (wait.reactor);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reactor/settle/when-woken", test_settles_when_woken);
  g_test_add_func ("/reactor/settle/quiet-when-idle", test_is_quiet_when_idle);
  g_test_add_func ("/reactor/linger", test_lingers_for_a_moment);
  g_test_add_func ("/reactor/watch/readable", test_readable);
  g_test_add_func ("/reactor/watch/hangup", test_hangup_is_always_told);
  g_test_add_func ("/reactor/watch/condition", test_condition_can_change);
  g_test_add_func ("/reactor/watch/cleared-by-another", test_watch_cleared_by_another_is_not_told);
  g_test_add_func ("/reactor/watch/bad-descriptor", test_bad_descriptor);
  g_test_add_func ("/reactor/timer/in-order", test_timers_fire_once_in_order);
  g_test_add_func ("/reactor/timer/cleared", test_cleared_timer_does_not_fire);
  g_test_add_func ("/reactor/timer/replaced", test_added_again_replaces_the_timer);
  g_test_add_func ("/reactor/delivery/order", test_emissions_come_before_completions);
  g_test_add_func ("/reactor/delivery/blocking", test_completions_wait_for_a_blocking_call);
  g_test_add_func ("/reactor/threads/posts", test_posts_of_threads_all_arrive);
  g_test_add_func ("/reactor/wait/main-loop", test_waits_while_the_main_loop_runs);
  g_test_add_func ("/reactor/wait/no-main-loop", test_waits_without_a_main_loop);
  g_test_add_func ("/reactor/wait/timer", test_timers_fire_in_a_blocking_call);

  return g_test_run ();
}
