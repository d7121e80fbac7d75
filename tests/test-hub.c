/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/reactor.h"
#include "testing.h"

/* A reactor that watches a pipe and reads a byte each time it is told. */
typedef struct _Party Party;
struct _Party
{
  ProcReactor *reactor;
  int fds[2];
  ProcWatch *watch;
  guint n_told;
  void (*act) (Party *self);
  Party *other;
};

static void
on_pipe (GIOCondition condition, gpointer user_data)
{
  Party *self = user_data;
  char byte;

  g_assert_cmpint (read (self->fds[0], &byte, 1), ==, 1);
  self->n_told++;
  if (self->act != NULL)
    self->act (self);
}

static void
party_open (Party *self, GMainContext *context)
{
  self->reactor = proc_reactor_new (context);
  g_assert_cmpint (pipe2 (self->fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  self->watch = proc_reactor_add_watch (self->reactor, self->fds[0], G_IO_IN, on_pipe, self, NULL);
  g_assert_nonnull (self->watch);
}

static void
party_close (Party *self)
{
  if (self->reactor == NULL)
    return;

  proc_watch_clear (&self->watch);
  g_clear_pointer (&self->reactor, proc_reactor_unref);
  close (self->fds[0]);
  close (self->fds[1]);
}

static void
party_tell (Party *self)
{
  g_assert_cmpint (write (self->fds[1], "x", 1), ==, 1);
}

#define N_PARTIES 100

static void
open_all (Party *parties, guint n, GMainContext *context)
{
  for (guint i = 0; i < n; i++)
    party_open (&parties[i], context);
}

static void
close_all (Party *parties, guint n)
{
  for (guint i = 0; i < n; i++)
    party_close (&parties[i]);
}

/* ---- one source ---- */

static int
count_polled (GMainContext *context)
{
  GPollFD fds[N_PARTIES + 2];
  int timeout;
  int priority;
  int n;

  g_assert_true (g_main_context_acquire (context));
  g_main_context_prepare (context, &priority);
  n = g_main_context_query (context, priority, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_release (context);
  return n;
}

static void
test_polls_one_descriptor_for_all (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  int n_without = count_polled (context);
  Party parties[N_PARTIES] = { 0 };

  open_all (parties, 1, context);
  g_assert_cmpint (count_polled (context), ==, n_without + 1);
  open_all (parties + 1, N_PARTIES - 1, context);
  g_assert_cmpint (count_polled (context), ==, n_without + 1);
  close_all (parties, N_PARTIES - 1);
  g_assert_cmpint (count_polled (context), ==, n_without + 1);
  party_close (&parties[N_PARTIES - 1]);
  g_assert_cmpint (count_polled (context), ==, n_without);
}

static void
test_each_is_told_of_its_own (void)
{
  Party parties[N_PARTIES] = { 0 };

  open_all (parties, N_PARTIES, NULL);
  for (guint i = 0; i < N_PARTIES; i += 2)
    party_tell (&parties[i]);
  for (guint i = 0; i < N_PARTIES; i += 2)
    test_wait_until (parties[i].n_told == 1);
  for (guint i = 0; i < N_PARTIES; i++)
    g_assert_cmpuint (parties[i].n_told, ==, i % 2 == 0 ? 1 : 0);

  g_assert_false (g_main_context_iteration (NULL, FALSE));
  close_all (parties, N_PARTIES);
}

static void
test_goes_on_as_others_come_and_go (void)
{
  Party first = { 0 };
  Party others[3] = { 0 };

  party_open (&first, NULL);
  for (guint i = 1; i <= 4; i++)
    {
      party_tell (&first);
      test_wait_until (first.n_told == 2 * i - 1);
      open_all (others, G_N_ELEMENTS (others), NULL);
      party_tell (&first);
      test_wait_until (first.n_told == 2 * i);
      close_all (others, G_N_ELEMENTS (others));
    }
  party_close (&first);
}

typedef struct
{
  guint *n_fired;
  guint rank;
} Firing;

static void
note_rank (gpointer user_data)
{
  Firing *firing = user_data;

  firing->rank = ++*firing->n_fired;
}

static void
test_timers_of_all_fire_in_order (void)
{
  guint n_fired = 0;
  ProcReactor *reactors[3];
  ProcTimer *timers[3] = { NULL };
  const guint times[] = { 40, 1, 20 };
  Firing firings[3];

  for (guint i = 0; i < 3; i++)
    {
      firings[i] = (Firing){ &n_fired, 0 };
      reactors[i] = proc_reactor_new (NULL);
      proc_reactor_add_timer (reactors[i], times[i], &timers[i], note_rank, &firings[i]);
    }
  test_wait_until (n_fired == 3);
  g_assert_cmpuint (firings[1].rank, ==, 1);
  g_assert_cmpuint (firings[2].rank, ==, 2);
  g_assert_cmpuint (firings[0].rank, ==, 3);
  for (guint i = 0; i < 3; i++)
    proc_reactor_unref (reactors[i]);
}

/* ---- callbacks ---- */

static void
wait_for_other (Party *self)
{
  test_wait_until (self->other->n_told == 1);
}

/* Both are ready in the same turn, whichever comes first. */
static void
test_one_may_wait_for_another (void)
{
  Party parties[2] = { { .act = wait_for_other, .other = &parties[1] }, { .act = wait_for_other, .other = &parties[0] } };

  open_all (parties, 2, NULL);
  party_tell (&parties[0]);
  party_tell (&parties[1]);
  test_wait_until (parties[0].n_told == 1 && parties[1].n_told == 1);
  close_all (parties, 2);
}

static void
close_other (Party *self)
{
  party_close (self->other);
}

static void
test_one_may_close_another (void)
{
  Party parties[2] = { { .act = close_other, .other = &parties[1] }, { .act = close_other, .other = &parties[0] } };

  open_all (parties, 2, NULL);
  party_tell (&parties[0]);
  party_tell (&parties[1]);
  test_wait_until (parties[0].n_told + parties[1].n_told > 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (parties[0].n_told + parties[1].n_told, ==, 1);
  close_all (parties, 2);
}

static void
test_one_may_close_itself (void)
{
  Party parties[2] = { { .act = party_close }, { .act = party_close } };

  open_all (parties, 2, NULL);
  party_tell (&parties[0]);
  test_wait_until (parties[0].n_told == 1);
  party_tell (&parties[1]);
  test_wait_until (parties[1].n_told == 1);
}

/* ---- threads and forks ---- */

#define N_ROUNDS 500

static void
count (gpointer user_data)
{
  g_atomic_int_inc ((int *) user_data);
}

/* Joins and leaves while the main loop runs, with work that may be done or not. */
static gpointer
come_and_go (gpointer user_data)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      ProcReactor *reactor = proc_reactor_new (NULL);

      proc_reactor_post (reactor, count, user_data);
      proc_reactor_unref (reactor);
    }
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_threads_come_and_go (void)
{
  Party party = { 0 };
  int n_posts = 0;
  GThread *threads[2];

  party_open (&party, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("comer", come_and_go, &n_posts);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      party_tell (&party);
      test_wait_until (party.n_told == i + 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (n_posts, <=, 2 * N_ROUNDS);
  party_close (&party);
}

static int
use_in_fork (Party *copies, guint n)
{
  Party own = { 0 };

  party_open (&own, NULL);
  for (guint i = 0; i < n; i++)
    party_tell (&copies[i]);
  party_tell (&own);
  test_wait_until (own.n_told == 1);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (copies[i].n_told, ==, 0);
  party_close (&own);
  return 0;
}

static void
test_fork_has_its_own (void)
{
  Party parties[2] = { 0 };
  int status;
  pid_t pid;

  open_all (parties, 2, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;

  pid = test_fork ();
  if (pid == 0)
    _exit (use_in_fork (parties, 2));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);

  /* What the fork wrote is still there to be told. */
  test_wait_until (parties[0].n_told == 1 && parties[1].n_told == 1);
  close_all (parties, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/hub/one-descriptor", test_polls_one_descriptor_for_all);
  g_test_add_func ("/hub/told-of-own", test_each_is_told_of_its_own);
  g_test_add_func ("/hub/come-and-go", test_goes_on_as_others_come_and_go);
  g_test_add_func ("/hub/timers", test_timers_of_all_fire_in_order);
  g_test_add_func ("/hub/wait-for-another", test_one_may_wait_for_another);
  g_test_add_func ("/hub/close-another", test_one_may_close_another);
  g_test_add_func ("/hub/close-itself", test_one_may_close_itself);
  g_test_add_func ("/hub/threads", test_threads_come_and_go);
  g_test_add_func ("/hub/fork", test_fork_has_its_own);

  return g_test_run ();
}
