/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "queue.h"

#include "host/task-private.h"

/* A lane is a list of runs with the same priority and needs, oldest first. The lanes are sorted by
 * priority, highest first; an empty lane is removed. Within a priority the heads are compared by sequence,
 * which is all it takes to serve first come first.
 */
typedef struct
{
  int priority;
  guint cores;
  ProcIsolation isolation;
  GQueue runs; /* by the link in ProcRun, which holds a reference */
  GSequenceIter *position;
} ProcLane;

struct _ProcQueue
{
  GSequence *lanes;
  ProcLane *last; /* the one last used, NULL if it is gone: as a rule it is the next one too */
  guint64 next_sequence;
  guint length;
  guint n_dedicated;
};

/* How many runs may pass one that doesn't fit. */
#define MAX_BYPASSED 32

static void
lane_free (gpointer data)
{
  g_assert (g_queue_is_empty (&((ProcLane *) data)->runs));
  g_free (data);
}

ProcQueue *
proc_queue_new (void)
{
  ProcQueue *self = g_new0 (ProcQueue, 1);

  self->lanes = g_sequence_new (lane_free);

  return self;
}

void
proc_queue_free (ProcQueue *self)
{
  g_sequence_free (self->lanes);
  g_free (self);
}

static int
compare_lanes (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const ProcLane *first = a;
  const ProcLane *second = b;

  if (first->priority != second->priority)
    return first->priority > second->priority ? -1 : 1;
  if (first->cores != second->cores)
    return first->cores < second->cores ? -1 : 1;

  return (int) first->isolation - (int) second->isolation;
}

static ProcLane
lane_for (ProcTask *task)
{
  return (ProcLane) {
    .priority = proc_task_get_priority (task),
    .cores = proc_task_get_cores (task),
    .isolation = proc_task_get_effective_isolation (task),
  };
}

static ProcLane *
ensure_lane (ProcQueue *self, ProcTask *task)
{
  ProcLane wanted = lane_for (task);
  GSequenceIter *position;

  if (self->last && compare_lanes (self->last, &wanted, NULL) == 0)
    return self->last;

  position = g_sequence_lookup (self->lanes, &wanted, compare_lanes, NULL);
  if (position)
    {
      self->last = g_sequence_get (position);
    }
  else
    {
      self->last = g_memdup2 (&wanted, sizeof wanted);
      self->last->position = g_sequence_insert_sorted (self->lanes, self->last, compare_lanes, NULL);
    }

  return self->last;
}

static void
link_run (ProcQueue *self, ProcLane *lane, ProcRun *run, GList *next)
{
  g_assert (!run->queued);
  run->queued = TRUE;
  g_queue_insert_before_link (&lane->runs, next, &proc_run_ref (run)->link);

  self->length++;
  if (lane->isolation == PROC_ISOLATION_DEDICATED)
    self->n_dedicated++;
}

void
proc_queue_push (ProcQueue *self, ProcRun *run)
{
  run->sequence = self->next_sequence++;
  link_run (self, ensure_lane (self, run->task), run, NULL);
}

void
proc_queue_put_back (ProcQueue *self, ProcRun *run)
{
  ProcLane *lane = ensure_lane (self, run->task);
  GList *next = lane->runs.head;

  /* One that was never queued has the sequence 0: it was started before all that had to wait. */
  while (next && ((ProcRun *) next->data)->sequence < run->sequence)
    next = next->next;

  link_run (self, lane, run, next);
}

static ProcRun *
unlink_run (ProcQueue *self, ProcLane *lane, ProcRun *run)
{
  g_queue_unlink (&lane->runs, &run->link);
  run->queued = FALSE;

  self->length--;
  if (lane->isolation == PROC_ISOLATION_DEDICATED)
    self->n_dedicated--;
  if (g_queue_is_empty (&lane->runs))
    {
      if (lane == self->last)
        self->last = NULL;
      g_sequence_remove (lane->position);
    }

  return run;
}

ProcRun *
proc_queue_remove (ProcQueue *self, ProcRun *run)
{
  g_assert (run->queued);

  return unlink_run (self, ensure_lane (self, run->task), run);
}

static ProcRun *
lane_peek (ProcLane *lane)
{
  return g_queue_peek_head (&lane->runs);
}

ProcRun *
proc_queue_pop_any (ProcQueue *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->lanes);
  ProcLane *lane;

  if (g_sequence_iter_is_end (first))
    return NULL;

  lane = g_sequence_get (first);
  return unlink_run (self, lane, lane_peek (lane));
}

/* The lane from @start to before @end whose head is the oldest but younger than @after; NULL if none. */
static ProcLane *
next_by_age (GSequenceIter *start, GSequenceIter *end, gint64 after)
{
  ProcLane *best = NULL;

  for (GSequenceIter *i = start; i != end; i = g_sequence_iter_next (i))
    {
      ProcLane *lane = g_sequence_get (i);
      gint64 sequence = (gint64) lane_peek (lane)->sequence;

      if (sequence > after && (!best || sequence < (gint64) lane_peek (best)->sequence))
        best = lane;
    }

  return best;
}

static GSequenceIter *
end_of_priority (GSequenceIter *start)
{
  int priority = ((ProcLane *) g_sequence_get (start))->priority;
  GSequenceIter *end = start;

  while (!g_sequence_iter_is_end (end) && ((ProcLane *) g_sequence_get (end))->priority == priority)
    end = g_sequence_iter_next (end);

  return end;
}

/* Calls @visit for the lanes' heads in the order in which they are to start, until it says stop. */
typedef gboolean (*ProcLaneVisitor) (ProcLane *lane, gpointer user_data);

static void
visit_heads (ProcQueue *self, ProcLaneVisitor visit, gpointer user_data)
{
  GSequenceIter *start = g_sequence_get_begin_iter (self->lanes);

  while (!g_sequence_iter_is_end (start))
    {
      GSequenceIter *end = end_of_priority (start);
      ProcLane *lane = next_by_age (start, end, -1);

      for (; lane; lane = next_by_age (start, end, (gint64) lane_peek (lane)->sequence))
        {
          if (!visit (lane, user_data))
            return;
        }

      start = end;
    }
}

typedef struct
{
  ProcQueueFits fits;
  gpointer user_data;
  ProcLane *found;
} ProcPick;

static gboolean
visit_to_pick (ProcLane *lane, gpointer user_data)
{
  ProcPick *pick = user_data;
  ProcRun *run = lane_peek (lane);

  if (pick->fits (run, pick->user_data))
    {
      pick->found = lane;
      return FALSE;
    }

  return run->n_bypassed < MAX_BYPASSED;
}

static gboolean
visit_to_count (ProcLane *lane, gpointer user_data)
{
  if (lane == user_data)
    return FALSE;

  lane_peek (lane)->n_bypassed++;
  return TRUE;
}

/* The only lane there is, NULL for several. */
static ProcLane *
get_only_lane (ProcQueue *self)
{
  return self->last && self->last->runs.length == self->length ? self->last : NULL;
}

ProcRun *
proc_queue_pick (ProcQueue *self, ProcQueueFits fits, gpointer user_data)
{
  ProcPick pick = { fits, user_data, NULL };
  ProcLane *only = get_only_lane (self);

  if (only)
    return fits (lane_peek (only), user_data) ? unlink_run (self, only, lane_peek (only)) : NULL;

  visit_heads (self, visit_to_pick, &pick);
  if (!pick.found)
    return NULL;

  visit_heads (self, visit_to_count, pick.found);

  return unlink_run (self, pick.found, lane_peek (pick.found));
}

guint
proc_queue_count_workers (ProcQueue *self, guint n_free_cores, guint per_worker, guint limit)
{
  GSequenceIter *i = g_sequence_get_begin_iter (self->lanes);
  guint n_workers = 0;

  for (; !g_sequence_iter_is_end (i) && n_workers < limit; i = g_sequence_iter_next (i))
    {
      ProcLane *lane = g_sequence_get (i);
      guint n_runs = lane->runs.length;

      if (lane->cores > 0)
        {
          n_runs = MIN (n_runs, n_free_cores / lane->cores);
          n_free_cores -= n_runs * lane->cores;
          n_workers += n_runs;
        }
      else if (lane->isolation == PROC_ISOLATION_SHARED)
        {
          n_workers += (n_runs - 1) / per_worker + 1;
        }
      else
        {
          n_workers += n_runs;
        }
    }

  return MIN (n_workers, limit);
}

guint
proc_queue_get_length (ProcQueue *self)
{
  return self->length;
}

guint
proc_queue_count_dedicated (ProcQueue *self)
{
  return self->n_dedicated;
}
