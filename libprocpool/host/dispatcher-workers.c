/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "base/error.h"
#include "host/dispatcher-parts.h"
#include "launch/fork-server-launcher.h"

/* How many workers there are: starting those that are missing, ending those with nothing to do. */

/* Starting and ending workers */

static void
make_template (ProcDispatcher *self)
{
  if (!self->template && PROC_IS_FORK_SERVER_LAUNCHER (self->settings->launcher))
    self->template = proc_template_new (self->reactor, self->settings->launcher);
}

static gboolean
start_worker (ProcDispatcher *self)
{
  ProcSettings *settings = self->settings;
  g_autoptr (ProcSlot) slot = proc_slot_new (self);
  g_autoptr (GError) error = NULL;
  ProcWorkerOptions options = {
    .template = self->template,
    .startup_timeout = settings->startup_timeout,
    .cancel_grace = settings->cancel_grace,
    .frame_timeout = settings->frame_timeout,
    .max_message = settings->max_message,
    .max_fds = settings->max_fds,
    .max_log_rate = settings->max_log_rate,
    .initializer = settings->initializer,
    .initializer_arguments = settings->initializer_arguments,
    .finalizer = settings->finalizer,
  };

  slot->worker = proc_worker_start (self->reactor, settings->launcher, &options, &proc_dispatcher_worker_callbacks, slot, &error);
  if (!slot->worker)
    {
      proc_dispatcher_note_start_failure (self, error, -1);
      return FALSE;
    }

  slot->generation = proc_start_policy_get_generation (&self->starts);
  self->n_starting++;
  proc_dispatcher_emit_worker (self, slot->worker, self->callbacks.worker_added);
  g_ptr_array_add (self->slots, g_steal_pointer (&slot));

  return TRUE;
}

void
proc_dispatcher_look_again (gpointer user_data)
{
  /* The settling that follows each event looks again. */
}

/* Idle workers that a dedicated task can't use make room for one that it can. */
static void
make_room_for_dedicated (ProcDispatcher *self)
{
  ProcSlot *oldest;

  if (self->n_starting >= proc_queue_count_dedicated (self->queue) || self->slots->len < self->settings->max_workers || !self->idle.tail)
    return;

  /* One that is leaving makes room enough for now. */
  for (guint i = 0; i < self->slots->len; i++)
    {
      ProcSlot *slot = g_ptr_array_index (self->slots, i);

      if (slot->retiring && slot->runs->len == 0)
        return;
    }

  oldest = self->idle.tail->data;
  if (oldest->n_started > 0)
    proc_dispatcher_retire (self, oldest);
}

/* How many workers those that wait could use, beside the ones that are being started. */
static guint
count_missing_workers (ProcDispatcher *self)
{
  ProcSettings *settings = self->settings;
  guint n_free;

  if (proc_queue_get_length (self->queue) == 0)
    return 0;

  n_free = proc_core_resource_get_n_free (settings->cores);
  return proc_queue_count_workers (self->queue, n_free, settings->tasks_per_worker, settings->max_workers);
}

/* With several tasks a worker, they are spread over workers as these are started. */
static gboolean
all_are_busy (ProcDispatcher *self)
{
  return self->settings->tasks_per_worker > 1 && self->n_running > 0 && self->idle.length == 0 && self->n_starting == 0;
}

/* Without those that are ending already. */
static guint
count_kept (ProcDispatcher *self)
{
  guint n_kept = 0;

  for (guint i = 0; i < self->slots->len; i++)
    n_kept += !((ProcSlot *) g_ptr_array_index (self->slots, i))->retiring;

  return n_kept;
}

/* In one turn of the main loop: each takes 100 to 300 µs of it. */
#define MAX_STARTS 4

void
proc_dispatcher_start_workers (ProcDispatcher *self)
{
  ProcSettings *settings = self->settings;
  guint wanted;

  if (self->closing && proc_queue_get_length (self->queue) == 0)
    return;

  if (self->starts.refusal)
    {
      if (self->slots->len == 0)
        proc_dispatcher_fail_queued (self, self->starts.refusal);
      return;
    }

  wanted = count_missing_workers (self);
  if (all_are_busy (self))
    wanted = MAX (wanted, 1);
  if (self->slots->len < settings->min_workers && proc_start_policy_is_hopeful (&self->starts))
    wanted = MAX (wanted, settings->min_workers - self->slots->len + self->n_starting);

  if (self->n_prepared > 0 && count_kept (self) < self->n_prepared)
    wanted = MAX (wanted, self->n_prepared - count_kept (self) + self->n_starting);

  make_room_for_dedicated (self);
  make_template (self);

  for (guint n = 0; self->n_starting < wanted && self->slots->len < settings->max_workers; n++)
    {
      guint pause = proc_start_policy_get_pause (&self->starts, g_get_monotonic_time ());

      if (pause > 0)
        {
          proc_reactor_add_timer (self->reactor, pause, &self->start_timer, proc_dispatcher_look_again, self);
          return;
        }

      if (n == MAX_STARTS || !start_worker (self))
        {
          proc_reactor_wake (self->reactor);
          return;
        }
    }
}

void
proc_dispatcher_retire_surplus (ProcDispatcher *self)
{
  guint n_kept;

  if (self->slots->len <= self->settings->max_workers)
    return;

  n_kept = count_kept (self);
  while (n_kept > self->settings->max_workers && self->idle.tail)
    {
      proc_dispatcher_retire (self, self->idle.tail->data);
      n_kept--;
    }
}

static void end_idle (gpointer user_data);

void
proc_dispatcher_watch_idle (ProcDispatcher *self)
{
  ProcSlot *oldest = self->idle.tail ? self->idle.tail->data : NULL;
  gint64 left;

  if (self->armed_idle_timeout != self->settings->idle_timeout)
    proc_timer_clear (&self->idle_timer);

  if (!oldest || self->idle_timer || self->settings->idle_timeout == 0 || count_kept (self) <= self->settings->min_workers)
    return;

  self->armed_idle_timeout = self->settings->idle_timeout;

  left = oldest->idle_since + self->settings->idle_timeout * G_TIME_SPAN_MILLISECOND - g_get_monotonic_time ();
  proc_reactor_add_timer (self->reactor, (guint) (MAX (left, 0) / 1000 + 1), &self->idle_timer, end_idle, self);
}

static void
end_idle (gpointer user_data)
{
  ProcDispatcher *self = user_data;
  gint64 limit = g_get_monotonic_time () - self->settings->idle_timeout * G_TIME_SPAN_MILLISECOND;
  guint n_kept = count_kept (self);

  /* The time was up before the setting was taken back. */
  if (self->settings->idle_timeout == 0)
    return;

  while (self->idle.tail && n_kept > self->settings->min_workers)
    {
      ProcSlot *oldest = self->idle.tail->data;

      if (oldest->idle_since > limit)
        break;

      proc_dispatcher_retire (self, oldest);
      n_kept--;
    }
}
