/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a small task costs, in things that can be counted: calls of the system, allocations and wakeups, of the host
 * and of the helper, each bounded. This program is its own helper, and takes the place of the functions of libc that
 * are counted, in both.
 *
 * The bounds are a little above what it takes today, so that a change which costs more is noticed. Where one costs
 * less they are to be lowered.
 */

#include <dlfcn.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

#define N_CALLS 1000
#define N_RUNS 20

typedef enum
{
  ALLOCATIONS,
  SENDS,
  RECEIVES,
  POLLS, /* each that waited is a wakeup */
  EPOLL_WAITS,
  READS,
  WRITES,
  N_COUNTS
} Count;

static const char *const count_names[N_COUNTS] = { "allocations", "sends", "receives", "polls", "epoll waits", "reads", "writes" };

static atomic_uint counts[N_COUNTS];

typedef struct
{
  double of[N_COUNTS]; /* for each task */
} Costs;

/* ---- Counting ---- */

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

/* A sanitizer has a malloc() of its own, which it needs. */
#if defined (__GLIBC__) && !defined (__SANITIZE_ADDRESS__) && !defined (__SANITIZE_THREAD__) && \
    !__has_feature (address_sanitizer) && !__has_feature (thread_sanitizer)

/* What the allocating functions of libc are called behind their names; dlsym() itself allocates. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);

#define CAN_COUNT TRUE

void *
malloc (size_t size)
{
  atomic_fetch_add (&counts[ALLOCATIONS], 1);
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  atomic_fetch_add (&counts[ALLOCATIONS], 1);
  return __libc_calloc (n, size);
}

void *
realloc (void *memory, size_t size)
{
  atomic_fetch_add (&counts[ALLOCATIONS], 1);
  return __libc_realloc (memory, size);
}

#else

#define CAN_COUNT FALSE

#endif

/* Calls libc's own function of the name after having counted. */
#define COUNTED(count, name, ...) \
  static __typeof__ (name) *next; \
  if (next == NULL) \
    next = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name); \
  atomic_fetch_add (&counts[count], 1); \
  return next (__VA_ARGS__)

ssize_t
send (int fd, const void *bytes, size_t n, int flags)
{
  COUNTED (SENDS, send, fd, bytes, n, flags);
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  COUNTED (SENDS, sendmsg, fd, message, flags);
}

ssize_t
recv (int fd, void *bytes, size_t n, int flags)
{
  COUNTED (RECEIVES, recv, fd, bytes, n, flags);
}

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  COUNTED (RECEIVES, recvmsg, fd, message, flags);
}

int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  COUNTED (POLLS, poll, fds, n, timeout);
}

int
ppoll (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
  COUNTED (POLLS, ppoll, fds, n, timeout, mask);
}

int
epoll_wait (int fd, struct epoll_event *events, int n, int timeout)
{
  COUNTED (EPOLL_WAITS, epoll_wait, fd, events, n, timeout);
}

ssize_t
read (int fd, void *bytes, size_t n)
{
  COUNTED (READS, read, fd, bytes, n);
}

ssize_t
write (int fd, const void *bytes, size_t n)
{
  COUNTED (WRITES, write, fd, bytes, n);
}

/* ---- The helper ---- */

static GVariant *
increment (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int64 (g_variant_get_int64 (arguments) + 1);
}

static GVariant *
tell_counts (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  guint32 values[N_COUNTS];

  for (guint i = 0; i < N_COUNTS; i++)
    values[i] = atomic_load (&counts[i]);
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, values, N_COUNTS, sizeof *values);
}

static int
serve (void)
{
  g_autoptr (ProcHelper) helper = proc_helper_new ();

  proc_helper_add_function (helper, "increment", increment, NULL, NULL);
  proc_helper_add_function (helper, "tell-counts", tell_counts, NULL, NULL);
  return proc_helper_run (helper);
}

/* ---- Calls ---- */

typedef struct
{
  ProcPool *pool;
  guint n_to_start;
  guint n_to_finish;
} Calls;

static void on_called (GObject *source, GAsyncResult *result, gpointer user_data);

static void
start_call (Calls *self)
{
  self->n_to_start--;
  proc_pool_call_async (self->pool, "increment", g_variant_new_int64 (1), NULL, on_called, self);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Calls *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call_finish (PROC_POOL (source), result, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, 2);
  self->n_to_finish--;
  if (self->n_to_start > 0)
    start_call (self);
}

static void
run_calls (ProcPool *pool, guint n_in_flight)
{
  Calls self = { .pool = pool, .n_to_start = N_CALLS, .n_to_finish = N_CALLS };

  for (guint i = 0; i < n_in_flight; i++)
    start_call (&self);
  test_wait_until (self.n_to_finish == 0);
}

static void
read_counts (ProcPool *pool, guint32 *host, guint32 *helper)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = proc_pool_call (pool, "tell-counts", NULL, NULL, &error);
  const guint32 *values;
  gsize n;

  g_assert_no_error (error);
  values = g_variant_get_fixed_array (value, &n, sizeof *values);
  g_assert_cmpuint (n, ==, N_COUNTS);
  for (guint i = 0; i < N_COUNTS; i++)
    {
      host[i] = atomic_load (&counts[i]);
      helper[i] = values[i];
    }
}

static void
measure (guint n_in_flight, Costs *host, Costs *helper)
{
  g_autoptr (ProcPool) pool = proc_pool_new (NULL);
  guint32 before[2][N_COUNTS];
  guint32 after[2][N_COUNTS];

  proc_pool_set_max_workers (pool, 1);
  run_calls (pool, n_in_flight);

  read_counts (pool, before[0], before[1]);
  run_calls (pool, n_in_flight);
  read_counts (pool, after[0], after[1]);

  for (guint i = 0; i < N_COUNTS; i++)
    {
      host->of[i] = (after[0][i] - before[0][i]) / (double) N_CALLS;
      helper->of[i] = (after[1][i] - before[1][i]) / (double) N_CALLS;
      g_test_message ("%s: host %.3f, helper %.3f a task", count_names[i], host->of[i], helper->of[i]);
    }
  proc_pool_close (pool, PROC_CLOSE_DRAIN, NULL, NULL);
}

/* From 2.76 on GLib allocates by malloc() what it had an allocator of its own for. */
static double
get_allowance (Count count)
{
  return count == ALLOCATIONS && glib_check_version (2, 76, 0) == NULL ? 16 : 0;
}

static gboolean
is_within (const char *who, const Costs *costs, const Costs *bounds)
{
  for (guint i = 0; i < N_COUNTS; i++)
    if (costs->of[i] > bounds->of[i] + get_allowance (i))
      {
        g_test_message ("%s: %.3f %s for each task, and at most %.3f are allowed", who, costs->of[i], count_names[i], bounds->of[i]);
        return FALSE;
      }
  return TRUE;
}

/* How many messages go together differs from run to run: where other processes want the processors, a helper may have one for
 * a single reply at a time. What all runs need is what it costs.
 */
static void
assert_within (guint n_in_flight, const Costs *host_bounds, const Costs *helper_bounds)
{
  gboolean within = FALSE;

  for (guint i = 0; i < N_RUNS && !within; i++)
    {
      Costs host, helper;

      measure (n_in_flight, &host, &helper);
      within = is_within ("host", &host, host_bounds) && is_within ("helper", &helper, helper_bounds);
    }
  g_assert_true (within);
}

static gboolean
can_count (void)
{
  if (CAN_COUNT && !test_is_slow ())
    return TRUE;

  g_test_skip ("a checker has taken the place of malloc()");
  return FALSE;
}

/* ---- Tests ---- */

static void
test_one_in_flight (void)
{
  const Costs host_bounds = { { 24, 1.05, 1.05, 1.05, 1.05, 0.05, 0.05 } };
  const Costs helper_bounds = { { 24, 1.05, 1.05, 1.05, 0.05, 0.05, 0.05 } };

  if (can_count ())
    assert_within (1, &host_bounds, &helper_bounds);
}

static void
test_many_in_flight (void)
{
  const Costs host_bounds = { { 27, 0.4, 0.6, 0.6, 0.6, 0.05, 0.05 } };
  const Costs helper_bounds = { { 24, 1.05, 0.4, 0.4, 0.05, 0.05, 0.05 } };

  if (can_count ())
    assert_within (N_CALLS, &host_bounds, &helper_bounds);
}

int
main (int argc, char **argv)
{
  if (proc_helper_is_helper_process ())
    return serve ();

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/costs/one-in-flight", test_one_in_flight);
  g_test_add_func ("/costs/many-in-flight", test_many_in_flight);

  return g_test_run ();
}
