/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/fork.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many that some fall into a time when the other thread has the mutex. */
#define N_FORKS 200

/* For how many turns of a loop it has it. */
#define N_TURNS 100000

static GMutex waited_for;
static ProcForkMutex waited_for_in_fork = { .mutex = &waited_for };

static GMutex anew;
static ProcForkMutex anew_in_fork = { .mutex = &anew, .anew = TRUE };

/* What the other thread changes under the mutex; the second follows the first. */
static volatile guint first;
static volatile guint second;
static int stop; /* atomic */

static gboolean
is_unlocked (GMutex *mutex)
{
  gboolean unlocked = g_mutex_trylock (mutex);

  if (unlocked)
    g_mutex_unlock (mutex);
  return unlocked;
}

/* Runs @check in a fork. */
static void
assert_in_fork (gboolean (*check) (void))
{
  int status;
  pid_t pid = fork ();

  /* Nothing of the test's is to end with the fork: neither its report nor a checker's. */
  if (pid == 0)
    kill (getpid (), check () ? SIGTERM : SIGKILL);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGTERM);
}

static guint parent_generation;

static gboolean
has_another_generation (void)
{
  return proc_fork_get_generation () != parent_generation;
}

static void
test_generation (void)
{
  parent_generation = proc_fork_get_generation ();
  assert_in_fork (has_another_generation);
  g_assert_cmpuint (proc_fork_get_generation (), ==, parent_generation);
}

static gpointer
lock_and_unlock (gpointer unused)
{
  while (!g_atomic_int_get (&stop))
    {
      g_mutex_lock (&waited_for);
      first++;
      for (guint i = 0; i < N_TURNS; i++)
        g_atomic_int_get (&stop);
      second = first;
      g_mutex_unlock (&waited_for);

      /* Who waits for it is let in, under valgrind too. */
      g_usleep (1);
    }
  return NULL;
}

static gboolean
is_whole (void)
{
  return is_unlocked (&waited_for) && first == second;
}

static void
test_waits (void)
{
  GThread *thread;

  proc_fork_keep_mutex (&waited_for_in_fork);
  proc_fork_keep_mutex (&waited_for_in_fork);
  thread = g_thread_new ("other", lock_and_unlock, NULL);
  for (guint i = 0; i < N_FORKS; i++)
    assert_in_fork (is_whole);
  g_atomic_int_set (&stop, TRUE);
  g_thread_join (thread);
  g_assert_true (is_unlocked (&waited_for));
}

static gboolean
is_anew (void)
{
  return is_unlocked (&anew);
}

static void
test_anew (void)
{
  proc_fork_keep_mutex (&anew_in_fork);
  g_mutex_lock (&anew);
  assert_in_fork (is_anew);
  g_assert_false (is_unlocked (&anew));
  g_mutex_unlock (&anew);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fork/has-a-generation-of-its-own", test_generation);
  g_test_add_func ("/fork/waits-for-a-mutex", test_waits);
  g_test_add_func ("/fork/has-a-mutex-anew", test_anew);

  return g_test_run ();
}
