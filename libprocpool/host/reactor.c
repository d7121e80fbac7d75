/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "reactor.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/fork.h"
#include "host/hub.h"
#include "host/reactor-parts.h"

/* One epoll descriptor a pool, however many workers it has: what the caller's main loop polls doesn't grow with
 * them, and a blocking call can drive the pool alone by polling the same descriptor, without dispatching
 * anything else. The GSource is the hub's, which all pools of a context share.
 *
 * Decide, then act: events only change the pool's own state and leave what the caller is to be told in
 * two queues, which are emptied when that state is consistent. So caller's code may do anything: run
 * another task, close or drop the pool, iterate the main loop again (whatever is still in the queues is then
 * delivered by the inner iteration).
 *
 * Ownership: the creator holds a reference, so does each watch and timer, and a dispatch in progress. The hub
 * holds none, and is left with the last one.
 *
 * A fork has a copy of it that shares the epoll instance and the sockets in it with the original: the copy
 * is never dispatched, lest it take what the original was sent.
 */

struct _ProcWatch
{
  ProcReactor *reactor;
  int fd;
  GIOCondition condition;
  ProcWatchFunc func;
  gpointer user_data;
  guint n_held;     /* batches of events being dispatched that may name it */
  gboolean cleared; /* its owner is done with it; freed when no batch holds it */
};

struct _ProcTimer
{
  ProcReactor *reactor;
  GSequenceIter *position;
  ProcTimer **location; /* the owner's pointer, set to NULL when the timer has fired */
  gint64 deadline;
  ProcReactorFunc func;
  gpointer user_data;
};

typedef struct
{
  ProcReactorFunc func;
  gpointer user_data;
} ProcPosted;

/* Bounds on one dispatch, so that the caller's other sources have their turn. */
#define MAX_EVENTS 64
#define MAX_COMPLETIONS 256
#define MAX_LINGERING 100 /* microseconds, until others have theirs */

gint64
proc_reactor_get_next_deadline (ProcReactor *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->timers);

  if (g_sequence_iter_is_end (first))
    return -1;

  return ((ProcTimer *) g_sequence_get (first))->deadline;
}

/* Something is to be done that no descriptor and no deadline tells of. */
static gboolean
has_work (ProcReactor *self)
{
  return self->dirty || !g_queue_is_empty (&self->emissions) || !g_queue_is_empty (&self->completions) ||
         g_atomic_int_get (&self->n_posted) > 0;
}

static GIOCondition
condition_from_epoll (guint32 events)
{
  GIOCondition condition = 0;

  if (events & EPOLLIN)
    condition |= G_IO_IN;
  if (events & EPOLLOUT)
    condition |= G_IO_OUT;
  if (events & EPOLLERR)
    condition |= G_IO_ERR;
  if (events & EPOLLHUP)
    condition |= G_IO_HUP;

  return condition;
}

static guint32
condition_to_epoll (GIOCondition condition)
{
  return (condition & G_IO_IN ? EPOLLIN : 0) | (condition & G_IO_OUT ? EPOLLOUT : 0);
}

static void
watch_release (ProcWatch *watch)
{
  if (--watch->n_held > 0 || !watch->cleared)
    return;

  proc_reactor_unref (watch->reactor);
  g_free (watch);
}

static void
dispatch_watches (ProcReactor *self)
{
  struct epoll_event events[MAX_EVENTS];
  int n_events;

  if (self->epoll_fd < 0)
    return;

  n_events = epoll_wait (self->epoll_fd, events, G_N_ELEMENTS (events), 0);

  for (int i = 0; i < n_events; i++)
    ((ProcWatch *) events[i].data.ptr)->n_held++;

  for (int i = 0; i < n_events; i++)
    {
      ProcWatch *watch = events[i].data.ptr;

      if (!watch->cleared)
        watch->func (condition_from_epoll (events[i].events), watch->user_data);

      watch_release (watch);
    }
}

static void
dispatch_timers (ProcReactor *self)
{
  gint64 now;

  if (g_sequence_is_empty (self->timers))
    return;

  now = g_get_monotonic_time ();

  for (;;)
    {
      gint64 deadline = proc_reactor_get_next_deadline (self);
      ProcTimer *timer;
      ProcReactorFunc func;
      gpointer user_data;

      if (deadline < 0 || deadline > now)
        return;

      timer = g_sequence_get (g_sequence_get_begin_iter (self->timers));
      func = timer->func;
      user_data = timer->user_data;
      proc_timer_clear (timer->location);
      func (user_data);
    }
}

static void
dispatch_inbox (ProcReactor *self)
{
  GQueue inbox;
  ProcPosted *message;

  if (g_atomic_int_get (&self->n_posted) == 0)
    return;

  g_mutex_lock (&self->lock);
  inbox = self->inbox;
  g_queue_init (&self->inbox);
  g_atomic_int_set (&self->n_posted, 0);
  g_mutex_unlock (&self->lock);

  while ((message = g_queue_pop_head (&inbox)))
    {
      message->func (message->user_data);
      g_free (message);
    }
}

static void
settle (ProcReactor *self)
{
  self->dirty = FALSE;

  if (self->settle)
    self->settle (self->settle_data);
}

/* FALSE if there is none. */
static gboolean
deliver_first (GQueue *queue)
{
  GList *link = g_queue_pop_head_link (queue);
  ProcDelivery *delivery;
  ProcReactorFunc func;

  if (!link)
    return FALSE;

  delivery = link->data;
  func = g_steal_pointer (&delivery->func);
  func (delivery->user_data);

  return TRUE;
}

static void
deliver_emissions (ProcReactor *self)
{
  while (deliver_first (&self->emissions))
    continue;
}

static void
deliver_completions (ProcReactor *self)
{
  for (guint i = 0; i < MAX_COMPLETIONS; i++)
    {
      if (!deliver_first (&self->completions))
        return;
    }
}

static void
deliver (ProcReactor *self)
{
  deliver_emissions (self);
  if (self->n_blocking == 0)
    deliver_completions (self);
}

static void
act (ProcReactor *self)
{
  settle (self);
  deliver (self);

  /* What the caller's code asked for just now needn't wait for another turn of the main loop. */
  if (self->dirty)
    {
      settle (self);
      deliver_emissions (self);
    }
}

static gboolean
linger (ProcReactor *self)
{
  return self->linger && self->linger (self->settle_data);
}

void
proc_reactor_dispatch (ProcReactor *self)
{
  g_autoptr (ProcReactor) held = proc_reactor_ref (self);
  gint64 end = 0;

  dispatch_inbox (self);
  dispatch_watches (self);
  dispatch_timers (self);
  act (self);

  while (linger (self))
    {
      gint64 now = g_get_monotonic_time ();

      act (self);
      if (end == 0)
        end = now + MAX_LINGERING;
      else if (now >= end)
        return;
    }
}

static gboolean
member_has_work (ProcHubMember *member)
{
  return has_work ((ProcReactor *) member);
}

static void
member_dispatch (ProcHubMember *member)
{
  g_autoptr (ProcReactor) self = (ProcReactor *) member;

  proc_reactor_dispatch (self);
  if (has_work (self))
    proc_hub_queue (member);
}

static const ProcHubMemberFuncs member_funcs = { member_has_work, member_dispatch };

/* From any thread, and for what it does itself. */
static void
note_work (ProcReactor *self)
{
  if (!proc_reactor_is_copy (self))
    proc_hub_queue (&self->member);
}

static void
note_deadline (ProcReactor *self)
{
  if (!proc_reactor_is_copy (self))
    proc_hub_set_deadline (&self->member, proc_reactor_get_next_deadline (self));
}

ProcReactor *
proc_reactor_new (GMainContext *context)
{
  ProcReactor *self = g_new0 (ProcReactor, 1);

  self->generation = proc_fork_get_generation ();
  g_mutex_init (&self->lock);
  g_queue_init (&self->inbox);
  g_queue_init (&self->emissions);
  g_queue_init (&self->completions);
  self->epoll_fd = -1;
  self->timers = g_sequence_new (NULL);
  self->context = g_main_context_ref (context ? context : g_main_context_default ());

  proc_hub_join (&self->member, self->context, &member_funcs);

  return self;
}

ProcReactor *
proc_reactor_ref (ProcReactor *self)
{
  g_atomic_int_inc (&self->member.ref_count);

  return self;
}

static void
proc_reactor_free (ProcReactor *self)
{
  g_assert (g_sequence_is_empty (self->timers));
  g_assert (self->waiters == NULL);
  g_assert (g_queue_is_empty (&self->emissions) && g_queue_is_empty (&self->completions));

  if (!proc_reactor_is_copy (self))
    proc_hub_leave (&self->member);
  proc_fd_clear (&self->epoll_fd);
  g_sequence_free (self->timers);
  g_queue_clear_full (&self->inbox, g_free);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
proc_reactor_unref (ProcReactor *self)
{
  if (g_atomic_int_dec_and_test (&self->member.ref_count))
    proc_reactor_free (self);
}

gboolean
proc_reactor_is_copy (ProcReactor *self)
{
  return self->generation != proc_fork_get_generation ();
}

GMainContext *
proc_reactor_get_context (ProcReactor *self)
{
  return self->context;
}

void
proc_reactor_set_settle (ProcReactor *self, ProcReactorFunc on_settle, gboolean (*on_linger) (gpointer user_data), gpointer user_data)
{
  self->settle = on_settle;
  self->linger = on_linger;
  self->settle_data = user_data;
}

void
proc_reactor_wake (ProcReactor *self)
{
  self->dirty = TRUE;
  note_work (self);

  /* A thread that blocks may be the only one that runs this, and it polls without the context. */
  if (g_atomic_int_get (&self->n_waiters) > 0)
    proc_reactor_notify_waiters (self);
}

static gboolean
ensure_epoll (ProcReactor *self, GError **error)
{
  if (self->epoll_fd >= 0)
    return TRUE;

  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll_fd < 0 || !proc_hub_watch (&self->member, self->epoll_fd))
    {
      int saved_errno = errno;

      proc_fd_clear (&self->epoll_fd);
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "A pool needs a descriptor to watch its helper processes and there is none: %s",
                   g_strerror (saved_errno));
      return FALSE;
    }

  return TRUE;
}

ProcWatch *
proc_reactor_add_watch (ProcReactor *self, int fd, GIOCondition condition, ProcWatchFunc func, gpointer user_data, GError **error)
{
  g_autofree ProcWatch *watch = NULL;
  struct epoll_event event = { 0 };

  if (!ensure_epoll (self, error))
    return NULL;

  watch = g_new0 (ProcWatch, 1);
  watch->fd = fd;
  watch->condition = condition;
  watch->func = func;
  watch->user_data = user_data;

  event.events = condition_to_epoll (condition);
  event.data.ptr = watch;
  if (epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      int saved_errno = errno;

      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "Descriptor %d of a helper process can't be watched: %s", fd, g_strerror (saved_errno));
      return NULL;
    }

  watch->reactor = proc_reactor_ref (self);
  return g_steal_pointer (&watch);
}

void
proc_watch_set_condition (ProcWatch *watch, GIOCondition condition)
{
  struct epoll_event event = { 0 };

  if (watch->condition == condition)
    return;

  watch->condition = condition;
  event.events = condition_to_epoll (condition);
  event.data.ptr = watch;
  epoll_ctl (watch->reactor->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void
proc_watch_clear (ProcWatch **location)
{
  ProcWatch *watch = g_steal_pointer (location);

  if (!watch)
    return;

  epoll_ctl (watch->reactor->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->cleared = TRUE;
  watch->n_held++;
  watch_release (watch);
}

static int
compare_timers (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const ProcTimer *first = a;
  const ProcTimer *second = b;

  return (first->deadline > second->deadline) - (first->deadline < second->deadline);
}

ProcTimer *
proc_reactor_add_timer (ProcReactor *self, guint milliseconds, ProcTimer **location, ProcReactorFunc func, gpointer user_data)
{
  ProcTimer *timer;

  proc_timer_clear (location);

  timer = g_new0 (ProcTimer, 1);
  timer->reactor = proc_reactor_ref (self);
  timer->location = location;
  timer->deadline = g_get_monotonic_time () + milliseconds * G_TIME_SPAN_MILLISECOND;
  timer->func = func;
  timer->user_data = user_data;
  timer->position = g_sequence_insert_sorted (self->timers, timer, compare_timers, NULL);
  *location = timer;
  note_deadline (self);

  return timer;
}

void
proc_timer_clear (ProcTimer **location)
{
  ProcTimer *timer = g_steal_pointer (location);

  if (!timer)
    return;

  g_sequence_remove (timer->position);
  note_deadline (timer->reactor);
  proc_reactor_unref (timer->reactor);
  g_free (timer);
}

void
proc_reactor_post (ProcReactor *self, ProcReactorFunc func, gpointer user_data)
{
  ProcPosted *message = g_new (ProcPosted, 1);

  message->func = func;
  message->user_data = user_data;

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->inbox, message);
  if (g_atomic_int_add (&self->n_posted, 1) == 0)
    {
      proc_reactor_wake_waiters_locked (self);
      note_work (self);
      g_main_context_wakeup (self->context);
    }
  g_mutex_unlock (&self->lock);
}

static void
push_delivery (ProcReactor *self, GQueue *queue, ProcDelivery *delivery, ProcReactorFunc func, gpointer user_data)
{
  g_assert (!delivery->func);

  delivery->func = func;
  delivery->user_data = user_data;
  delivery->link.data = delivery;
  g_queue_push_tail_link (queue, &delivery->link);
  note_work (self);
}

void
proc_reactor_emit (ProcReactor *self, ProcDelivery *emission, ProcReactorFunc func, gpointer user_data)
{
  push_delivery (self, &self->emissions, emission, func, user_data);
}

void
proc_reactor_complete (ProcReactor *self, ProcDelivery *completion, ProcReactorFunc func, gpointer user_data)
{
  push_delivery (self, &self->completions, completion, func, user_data);
}
