/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "results.h"

#include "host/results-private.h"

/**
 * SECTION:results
 * @Title: ProcResults
 * @Short_description: the results of a map, in order, as a stream
 *
 * #ProcResults is what proc_pool_map() gives: a stream of the results of one function over many items, in
 * the order of the items. Ask for the next one with proc_results_next_async() until it gives %NULL.
 *
 * Only #ProcResults:look-ahead items are under way, or done and not yet taken, at any time: a map over a
 * million items takes the memory of a few tasks, and a consumer that pauses makes it pause. Nothing runs
 * before the first result is asked for.
 *
 * An item that fails gives its error in its place; the stream goes on with the next one.
 *
 * Dropping the last reference, or proc_results_cancel(), cancels what is under way.
 *
 * # Threads
 *
 * May be used from any thread. Each call completes on the thread-default main context of its caller.
 */

/**
 * ProcResults:
 *
 * The results of a map, in order.
 */
struct _ProcResults
{
  GObject parent_instance;

  ProcStream *stream; /* shared with the runs under way */
};

G_DEFINE_FINAL_TYPE (ProcResults, proc_results, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_LOOK_AHEAD,
  PROP_CHUNK_SIZE,
  PROP_N_ITEMS,
  PROP_POSITION,
  PROP_ERROR_DETAILS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
proc_results_dispose (GObject *object)
{
  ProcResults *self = PROC_RESULTS (object);

  if (self->stream)
    proc_stream_cancel (self->stream);
  g_clear_pointer (&self->stream, proc_stream_unref);

  G_OBJECT_CLASS (proc_results_parent_class)->dispose (object);
}

static void
proc_results_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcResults *self = PROC_RESULTS (object);

  switch (property_id)
    {
    case PROP_LOOK_AHEAD:
      g_value_set_uint (value, proc_results_get_look_ahead (self));
      break;
    case PROP_CHUNK_SIZE:
      g_value_set_uint (value, proc_results_get_chunk_size (self));
      break;
    case PROP_N_ITEMS:
      g_value_set_uint64 (value, proc_results_get_n_items (self));
      break;
    case PROP_POSITION:
      g_value_set_uint64 (value, proc_results_get_position (self));
      break;
    case PROP_ERROR_DETAILS:
      g_value_take_variant (value, proc_results_dup_error_details (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_results_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcResults *self = PROC_RESULTS (object);

  switch (property_id)
    {
    case PROP_LOOK_AHEAD:
      proc_results_set_look_ahead (self, g_value_get_uint (value));
      break;
    case PROP_CHUNK_SIZE:
      proc_results_set_chunk_size (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_results_class_init (ProcResultsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = proc_results_dispose;
  object_class->get_property = proc_results_get_property;
  object_class->set_property = proc_results_set_property;

  /**
   * ProcResults:look-ahead:
   *
   * How many items may be under way, or done and not yet taken. At first twice what the pool's workers
   * can run at once, so that none of them waits for the consumer.
   */
  properties[PROP_LOOK_AHEAD] = g_param_spec_uint ("look-ahead", NULL, NULL, 1, G_MAXUINT, 1,
                                                   G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * ProcResults:chunk-size:
   *
   * How many items are one task, 1 by default. With many small items a larger one saves most of what a task costs.
   * Set it before the first result is asked for, to some hundred microseconds' worth of work.
   *
   * The items of a chunk are done one after the other by one helper process. They share what else is the task's: its
   * timeout, cores, and attempts; and when the helper process crashes, all of them have that error. An item that fails
   * by itself is its own concern. #ProcResults:look-ahead counts chunks then.
   */
  properties[PROP_CHUNK_SIZE] = g_param_spec_uint ("chunk-size", NULL, NULL, 1, G_MAXINT, 1, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * ProcResults:n-items:
   *
   * How many items there are in all.
   */
  properties[PROP_N_ITEMS] = g_param_spec_uint64 ("n-items", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * ProcResults:position:
   *
   * How many results were given out, errors included. Notified before the callback of proc_results_next_async() is called,
   * with that of the end too; not by the blocking calls.
   */
  properties[PROP_POSITION] = g_param_spec_uint64 ("position", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * ProcResults:error-details:
   *
   * What came along with the error that was told last, as #ProcTask:error-details has it; %NULL if nothing did, and before
   * the first error. Not notified.
   */
  properties[PROP_ERROR_DETAILS] = g_param_spec_variant ("error-details", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_results_init (ProcResults *self)
{
}

ProcResults *
proc_results_new (ProcStream *stream)
{
  ProcResults *self = g_object_new (PROC_TYPE_RESULTS, NULL);

  self->stream = stream;

  return self;
}

/**
 * proc_results_next_async:
 * @self: the results
 * @cancellable: (nullable): cancels the waiting, not the work: the result is then the next caller's
 * @callback: (scope async): called with the next result
 * @user_data: (closure): for @callback
 *
 * Asks for the next result. Several may be asked for at once; they come in order.
 *
 * Since: 1.0
 */
void
proc_results_next_async (ProcResults *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (PROC_IS_RESULTS (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, proc_results_next_async);
  g_task_set_check_cancellable (task, FALSE);
  proc_stream_next_async (self->stream, task, FALSE);
}

/**
 * proc_results_next_finish:
 * @self: the results
 * @result: what the callback got
 * @error: return location for an error
 *
 * The next result. Its error is that of its item, as proc_pool_run_finish() tells it, or
 * %G_IO_ERROR_CANCELLED. A result that nobody takes so is given to the next one who asks.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error at the end of the stream
 *
 * Since: 1.0
 */
GVariant *
proc_results_next_finish (ProcResults *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return proc_stream_next_finish (G_TASK (result), error);
}

/**
 * proc_results_next:
 * @self: the results
 * @cancellable: (nullable): cancels the waiting, not the work
 * @error: return location for an error
 *
 * Blocks until the next result is there. Runs no other source of the caller's main context.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error at the end of the stream
 *
 * Since: 1.0
 */
GVariant *
proc_results_next (ProcResults *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return proc_stream_next (self->stream, FALSE, cancellable, error);
}

/**
 * proc_results_next_chunk_async:
 * @self: the results
 * @cancellable: (nullable): cancels the waiting, not the work: the results are then the next caller's
 * @callback: (scope async): called with the next results
 * @user_data: (closure): for @callback
 *
 * Asks for all results that come next together: with #ProcResults:chunk-size a whole chunk. For many small results
 * that is a lot faster than taking them one by one.
 *
 * Since: 1.0
 */
void
proc_results_next_chunk_async (ProcResults *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (PROC_IS_RESULTS (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, proc_results_next_chunk_async);
  g_task_set_check_cancellable (task, FALSE);
  proc_stream_next_async (self->stream, task, TRUE);
}

/**
 * proc_results_next_chunk_finish:
 * @self: the results
 * @result: what the callback got
 * @error: return location for an error
 *
 * The next results, as an array: of their type, or of variants where they are of several types. When an item has
 * failed, the array ends before it, and its error is what is told next, as by proc_results_next_finish().
 *
 * Returns: (transfer full) (nullable): an array with one result at least; %NULL without an error at the end of the
 *   stream
 *
 * Since: 1.0
 */
GVariant *
proc_results_next_chunk_finish (ProcResults *self, GAsyncResult *result, GError **error)
{
  return proc_results_next_finish (self, result, error);
}

/**
 * proc_results_next_chunk:
 * @self: the results
 * @cancellable: (nullable): cancels the waiting, not the work
 * @error: return location for an error
 *
 * As proc_results_next_chunk_async(), but blocks until they are there; see proc_results_next().
 *
 * Returns: (transfer full) (nullable): an array with one result at least; %NULL without an error at the end of the
 *   stream
 *
 * Since: 1.0
 */
GVariant *
proc_results_next_chunk (ProcResults *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return proc_stream_next (self->stream, TRUE, cancellable, error);
}

/**
 * proc_results_cancel:
 * @self: the results
 *
 * Cancels what is under way and starts nothing more. Those who wait get %G_IO_ERROR_CANCELLED, and the
 * stream is at its end.
 *
 * Since: 1.0
 */
void
proc_results_cancel (ProcResults *self)
{
  g_return_if_fail (PROC_IS_RESULTS (self));

  proc_stream_cancel (self->stream);
}

/**
 * proc_results_get_look_ahead:
 * @self: the results
 *
 * Gets #ProcResults:look-ahead.
 *
 * Returns: a number of items; see #ProcResults:look-ahead
 *
 * Since: 1.0
 */
guint
proc_results_get_look_ahead (ProcResults *self)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), 0);

  return proc_stream_get_look_ahead (self->stream);
}

/**
 * proc_results_set_look_ahead:
 * @self: the results
 * @look_ahead: at least 1; see #ProcResults:look-ahead
 *
 * Sets how many items may be under way.
 *
 * Since: 1.0
 */
void
proc_results_set_look_ahead (ProcResults *self, guint look_ahead)
{
  g_return_if_fail (PROC_IS_RESULTS (self));
  g_return_if_fail (look_ahead >= 1);

  if (proc_stream_get_look_ahead (self->stream) == look_ahead)
    return;

  proc_stream_set_look_ahead (self->stream, look_ahead);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOOK_AHEAD]);
}

/**
 * proc_results_get_chunk_size:
 * @self: the results
 *
 * Gets #ProcResults:chunk-size.
 *
 * Returns: a number of items; see #ProcResults:chunk-size
 *
 * Since: 1.0
 */
guint
proc_results_get_chunk_size (ProcResults *self)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), 1);

  return proc_stream_get_chunk_size (self->stream);
}

/**
 * proc_results_set_chunk_size:
 * @self: the results
 * @chunk_size: at least 1; see #ProcResults:chunk-size
 *
 * Sets how many items are one task, of those that aren't started.
 *
 * Since: 1.0
 */
void
proc_results_set_chunk_size (ProcResults *self, guint chunk_size)
{
  g_return_if_fail (PROC_IS_RESULTS (self));
  g_return_if_fail (chunk_size >= 1);

  if (proc_stream_get_chunk_size (self->stream) == chunk_size)
    return;

  proc_stream_set_chunk_size (self->stream, chunk_size);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CHUNK_SIZE]);
}

/**
 * proc_results_get_n_items:
 * @self: the results
 *
 * Gets #ProcResults:n-items.
 *
 * Returns: how many items there are in all
 *
 * Since: 1.0
 */
guint64
proc_results_get_n_items (ProcResults *self)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), 0);

  return proc_stream_get_n_items (self->stream);
}

/**
 * proc_results_get_position:
 * @self: the results
 *
 * Gets #ProcResults:position.
 *
 * Returns: how many results were given out
 *
 * Since: 1.0
 */
guint64
proc_results_get_position (ProcResults *self)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), 0);

  return proc_stream_get_position (self->stream);
}

/**
 * proc_results_dup_error_details:
 * @self: the results
 *
 * Gets #ProcResults:error-details.
 *
 * Returns: (transfer full) (nullable): what came along with the last error
 *
 * Since: 1.0
 */
GVariant *
proc_results_dup_error_details (ProcResults *self)
{
  g_return_val_if_fail (PROC_IS_RESULTS (self), NULL);

  return proc_stream_dup_error_details (self->stream);
}
