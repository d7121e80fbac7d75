/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hub.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/fd.h"
#include "base/fork.h"

/* A member is dispatched when it is in the queue and has work, when its descriptor is readable, or when its
 * deadline has come. The last two put it into the queue first, and it leaves that just before it is dispatched: so
 * when a member's code iterates the main loop, that sees all that wait behind it.
 *
 * Each member's descriptor is an epoll instance. The source polls that of an only member directly, and one of its own,
 * in which they all are, when there are more: a system call more for each batch of events.
 *
 * Ownership: each member holds a reference to the source. Destroyed with the last of them, under the lock of all hubs,
 * so that who finds one there can join it. A member may be freed by any thread meanwhile: it is dispatched only
 * if there is a reference left to add one to.
 *
 * A fork's copy does nothing, since it shares the epoll instances with the original; a pool that the fork
 * makes finds none of its generation, and makes one.
 */
struct _ProcHub
{
  GSource source;
  guint generation; /* of the process that made it */
  guint n_members;  /* under the lock of all hubs */

  /* The context's owner's. */
  int polled_fd; /* -1: none */
  gpointer polled_tag;

  GMutex lock; /* protects all below */
  GQueue queue;         /* of members, by their queue_link */
  GQueue watched;       /* of members that have a descriptor, by their fd_link */
  GSequence *deadlines; /* of members that have a deadline */
  int epoll_fd;         /* -1 until there are two descriptors */
};

/* Members dispatched for their descriptors in one turn, so that other sources have theirs. */
#define MAX_EVENTS 64

static GMutex hubs_lock;

static gboolean
is_copy (ProcHub *self)
{
  return self->generation != proc_fork_get_generation ();
}

static void
poll_fd (ProcHub *self, int fd)
{
  if (self->polled_fd == fd)
    return;

  if (self->polled_tag)
    g_source_remove_unix_fd (&self->source, g_steal_pointer (&self->polled_tag));
  self->polled_fd = fd;
  if (fd >= 0)
    self->polled_tag = g_source_add_unix_fd (&self->source, fd, G_IO_IN);
}

static gboolean
is_readable (ProcHub *self)
{
  return self->polled_tag && g_source_query_unix_fd (&self->source, self->polled_tag) != 0;
}

static int
get_fd_to_poll (ProcHub *self)
{
  switch (self->watched.length)
    {
    case 0:
      return -1;
    case 1:
      return ((ProcHubMember *) self->watched.head->data)->fd;
    default:
      return self->epoll_fd;
    }
}

static gint64
get_deadline (ProcHub *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->deadlines);

  if (g_sequence_iter_is_end (first))
    return -1;

  return ((ProcHubMember *) g_sequence_get (first))->deadline;
}

static void
enqueue (ProcHub *self, ProcHubMember *member)
{
  if (g_atomic_int_get (&member->queued))
    return;

  g_atomic_int_set (&member->queued, TRUE);
  g_queue_push_tail_link (&self->queue, &member->queue_link);
}

static ProcHubMember *
dequeue (ProcHub *self)
{
  ProcHubMember *member = g_queue_pop_head_link (&self->queue)->data;

  /* Before its work is looked at: what is added from now on queues it again. */
  g_atomic_int_set (&member->queued, FALSE);

  return member;
}

/* Forgets those who have done it meanwhile. */
static gboolean
has_work (ProcHub *self)
{
  while (self->queue.length > 0)
    {
      ProcHubMember *member = dequeue (self);

      if (member->funcs->has_work (member))
        {
          enqueue (self, member);
          return TRUE;
        }
    }

  return FALSE;
}

static gboolean
hub_prepare (GSource *source, int *timeout)
{
  ProcHub *self = (ProcHub *) source;
  gboolean ready;
  gint64 deadline;
  int fd;

  /* What is ready to be read there stays ready, as far as a copy can tell: not to be polled. */
  if (is_copy (self))
    {
      poll_fd (self, -1);
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  fd = get_fd_to_poll (self);
  deadline = get_deadline (self);
  ready = has_work (self);
  g_mutex_unlock (&self->lock);

  poll_fd (self, fd);
  /* Asked in each turn of the main loop: who sets it needs no wakeup. */
  if (deadline >= 0)
    *timeout = (int) CLAMP ((deadline - g_source_get_time (source) + 999) / 1000, 0, G_MAXINT);

  return ready || *timeout == 0;
}

static gboolean
hub_check (GSource *source)
{
  ProcHub *self = (ProcHub *) source;
  gint64 deadline;
  gboolean ready;

  /* Forked since it was prepared. */
  if (is_copy (self))
    return FALSE;

  if (is_readable (self))
    return TRUE;

  g_mutex_lock (&self->lock);
  deadline = get_deadline (self);
  ready = self->queue.length > 0;
  g_mutex_unlock (&self->lock);

  return ready || (deadline >= 0 && deadline <= g_source_get_time (source));
}

static void
enqueue_readable (ProcHub *self)
{
  struct epoll_event events[MAX_EVENTS];
  int n_events;

  if (self->polled_fd != self->epoll_fd)
    {
      ProcHubMember *first = g_queue_peek_head (&self->watched);

      if (first && first->fd == self->polled_fd)
        enqueue (self, first);
      return;
    }

  n_events = epoll_wait (self->epoll_fd, events, G_N_ELEMENTS (events), 0);
  for (int i = 0; i < n_events; i++)
    enqueue (self, events[i].data.ptr);
}

static void
enqueue_due (ProcHub *self, gint64 now)
{
  GSequenceIter *iter = g_sequence_get_begin_iter (self->deadlines);

  while (!g_sequence_iter_is_end (iter) && ((ProcHubMember *) g_sequence_get (iter))->deadline <= now)
    {
      enqueue (self, g_sequence_get (iter));
      iter = g_sequence_iter_next (iter);
    }
}

/* FALSE: its owner is about to leave. */
static gboolean
hold (ProcHubMember *member)
{
  int n;

  do
    {
      n = g_atomic_int_get (&member->ref_count);
      if (n == 0)
        return FALSE;
    }
  while (!g_atomic_int_compare_and_exchange (&member->ref_count, n, n + 1));

  return TRUE;
}

/* With a reference; NULL if none is left. */
static ProcHubMember *
take_first (ProcHub *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (self->queue.length > 0)
    {
      ProcHubMember *member = dequeue (self);

      if (hold (member))
        return member;
    }

  return NULL;
}

static gboolean
hub_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ProcHub *self = (ProcHub *) source;
  ProcHubMember *member;
  guint n;

  g_mutex_lock (&self->lock);
  if (is_readable (self))
    enqueue_readable (self);
  enqueue_due (self, g_source_get_time (source));
  n = self->queue.length;
  g_mutex_unlock (&self->lock);

  /* No more than that: who has work again waits for the next turn. */
  while (n-- > 0 && (member = take_first (self)))
    member->funcs->dispatch (member);

  return G_SOURCE_CONTINUE;
}

static void
hub_finalize (GSource *source)
{
  ProcHub *self = (ProcHub *) source;

  proc_fd_clear (&self->epoll_fd);
  g_sequence_free (self->deadlines);
  g_mutex_clear (&self->lock);
}

static GSourceFuncs hub_funcs = {
  .prepare = hub_prepare,
  .check = hub_check,
  .dispatch = hub_dispatch,
  .finalize = hub_finalize,
};

/* By what a hub is found among the sources of its context, which has no other place to note it. */
static gpointer
make_key (guint generation)
{
  return GUINT_TO_POINTER (generation);
}

static ProcHub *
hub_new (GMainContext *context)
{
  ProcHub *self = (ProcHub *) g_source_new (&hub_funcs, sizeof (ProcHub));

  self->generation = proc_fork_get_generation ();
  self->polled_fd = -1;
  self->epoll_fd = -1;
  g_mutex_init (&self->lock);
  g_queue_init (&self->queue);
  g_queue_init (&self->watched);
  self->deadlines = g_sequence_new (NULL);

  g_source_set_static_name (&self->source, "ProcPool");
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_set_callback (&self->source, NULL, make_key (self->generation), NULL);
  g_source_attach (&self->source, context);

  return self;
}

void
proc_hub_join (ProcHubMember *member, GMainContext *context, const ProcHubMemberFuncs *funcs)
{
  GSource *found;

  member->ref_count = 1;
  member->funcs = funcs;
  member->queue_link.data = member;
  member->fd_link.data = member;
  member->fd = -1;
  member->deadline = -1;

  g_mutex_lock (&hubs_lock);
  found = g_main_context_find_source_by_funcs_user_data (context, &hub_funcs, make_key (proc_fork_get_generation ()));
  member->hub = found ? (ProcHub *) g_source_ref (found) : hub_new (context);
  member->hub->n_members++;
  g_mutex_unlock (&hubs_lock);
}

/* Another thread may poll meanwhile what isn't to be polled any more. */
static void
wake_others (ProcHub *self)
{
  GMainContext *context = g_source_get_context (&self->source);

  if (!g_main_context_is_owner (context))
    g_main_context_wakeup (context);
}

static void
unwatch (ProcHub *self, ProcHubMember *member)
{
  if (member->fd < 0)
    return;

  /* It doesn't leave by being closed, if there is a fork that has a copy. */
  if (self->epoll_fd >= 0)
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, member->fd, NULL);
  g_queue_unlink (&self->watched, &member->fd_link);
  member->fd = -1;
  wake_others (self);
}

void
proc_hub_leave (ProcHubMember *member)
{
  ProcHub *self = g_steal_pointer (&member->hub);

  g_mutex_lock (&self->lock);
  unwatch (self, member);
  if (member->queued)
    g_queue_unlink (&self->queue, &member->queue_link);
  g_clear_pointer (&member->deadline_position, g_sequence_remove);
  g_mutex_unlock (&self->lock);

  g_mutex_lock (&hubs_lock);
  if (--self->n_members == 0)
    g_source_destroy (&self->source);
  g_mutex_unlock (&hubs_lock);

  g_source_unref (&self->source);
}

void
proc_hub_queue (ProcHubMember *member)
{
  ProcHub *self = member->hub;

  if (g_atomic_int_get (&member->queued))
    return;

  g_mutex_lock (&self->lock);
  enqueue (self, member);
  g_mutex_unlock (&self->lock);
}

static gboolean
add_to_epoll (ProcHub *self, ProcHubMember *member)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = member };

  return epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, member->fd, &event) == 0;
}

static gboolean
watch (ProcHub *self, ProcHubMember *member)
{
  if (self->watched.length > 0 && self->epoll_fd < 0)
    {
      self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
      if (self->epoll_fd < 0)
        return FALSE;
      if (!add_to_epoll (self, self->watched.head->data))
        {
          proc_fd_clear (&self->epoll_fd);
          return FALSE;
        }
    }

  if (self->epoll_fd >= 0 && !add_to_epoll (self, member))
    return FALSE;

  g_queue_push_tail_link (&self->watched, &member->fd_link);
  wake_others (self);
  return TRUE;
}

gboolean
proc_hub_watch (ProcHubMember *member, int fd)
{
  ProcHub *self = member->hub;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  member->fd = fd;
  if (watch (self, member))
    return TRUE;

  member->fd = -1;
  return FALSE;
}

static int
compare_deadlines (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const ProcHubMember *first = a;
  const ProcHubMember *second = b;

  return (first->deadline > second->deadline) - (first->deadline < second->deadline);
}

void
proc_hub_set_deadline (ProcHubMember *member, gint64 deadline)
{
  ProcHub *self = member->hub;

  if (member->deadline == deadline)
    return;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&member->deadline_position, g_sequence_remove);
  member->deadline = deadline;
  if (deadline >= 0)
    member->deadline_position = g_sequence_insert_sorted (self->deadlines, member, compare_deadlines, NULL);
  g_mutex_unlock (&self->lock);
}
