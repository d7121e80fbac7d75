/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pool.h"

#include "host/pool-parts.h"
#include "wire/frame.h"

/* The settings of a pool, each a property with its getter and setter. What they mean is told where the
 * properties are, in pool.c.
 */

static void
settings_changed (ProcPool *self, guint property)
{
  /* For what waits it may mean that it can start, and for workers that they are too many. */
  if (self->dispatcher)
    proc_reactor_wake (self->reactor);

  g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[property]);
}

/**
 * proc_pool_get_launcher:
 * @self: a pool
 *
 * Gets #ProcPool:launcher.
 *
 * Returns: (transfer none): see #ProcPool:launcher
 *
 * Since: 1.0
 */
ProcLauncher *
proc_pool_get_launcher (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);

  return self->settings.launcher;
}

/**
 * proc_pool_get_cores:
 * @self: a pool
 *
 * Gets #ProcPool:cores.
 *
 * Returns: (transfer none): see #ProcPool:cores
 *
 * Since: 1.0
 */
ProcCoreResource *
proc_pool_get_cores (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);

  return self->settings.cores;
}

/**
 * proc_pool_set_cores:
 * @self: a pool with no task waiting or running
 * @cores: see #ProcPool:cores
 *
 * Sets what tasks draw their cores from.
 *
 * Since: 1.0
 */
void
proc_pool_set_cores (ProcPool *self, ProcCoreResource *cores)
{
  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (PROC_IS_CORE_RESOURCE (cores));
  g_return_if_fail (self->dispatcher == NULL || proc_pool_get_n_queued (self) + proc_pool_get_n_running (self) == 0);

  if (g_set_object (&self->settings.cores, cores))
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_CORES]);
}

/**
 * proc_pool_get_min_workers:
 * @self: a pool
 *
 * Gets #ProcPool:min-workers.
 *
 * Returns: how many workers are kept; see #ProcPool:min-workers
 *
 * Since: 1.0
 */
guint
proc_pool_get_min_workers (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.min_workers;
}

/**
 * proc_pool_set_min_workers:
 * @self: a pool
 * @min_workers: how many workers are kept; see #ProcPool:min-workers
 *
 * Sets #ProcPool:min-workers.
 *
 * Since: 1.0
 */
void
proc_pool_set_min_workers (ProcPool *self, guint min_workers)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.min_workers == min_workers)
    return;

  self->settings.min_workers = min_workers;
  settings_changed (self, PROP_MIN_WORKERS);
}

/**
 * proc_pool_get_max_workers:
 * @self: a pool
 *
 * Gets #ProcPool:max-workers.
 *
 * Returns: how many workers there may be, at least 1; see #ProcPool:max-workers
 *
 * Since: 1.0
 */
guint
proc_pool_get_max_workers (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_workers;
}

/**
 * proc_pool_set_max_workers:
 * @self: a pool
 * @max_workers: how many workers there may be, at least 1; see #ProcPool:max-workers
 *
 * Sets #ProcPool:max-workers.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_workers (ProcPool *self, guint max_workers)
{
  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (max_workers >= 1);

  if (self->settings.max_workers == max_workers)
    return;

  self->settings.max_workers = max_workers;
  settings_changed (self, PROP_MAX_WORKERS);
}

/**
 * proc_pool_get_tasks_per_worker:
 * @self: a pool
 *
 * Gets #ProcPool:tasks-per-worker.
 *
 * Returns: how many tasks a worker may run at once, at least 1; see #ProcPool:tasks-per-worker
 *
 * Since: 1.0
 */
guint
proc_pool_get_tasks_per_worker (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.tasks_per_worker;
}

/**
 * proc_pool_set_tasks_per_worker:
 * @self: a pool
 * @tasks_per_worker: how many tasks a worker may run at once, at least 1; see #ProcPool:tasks-per-worker
 *
 * Sets #ProcPool:tasks-per-worker.
 *
 * Since: 1.0
 */
void
proc_pool_set_tasks_per_worker (ProcPool *self, guint tasks_per_worker)
{
  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (tasks_per_worker >= 1);

  if (self->settings.tasks_per_worker == tasks_per_worker)
    return;

  self->settings.tasks_per_worker = tasks_per_worker;
  settings_changed (self, PROP_TASKS_PER_WORKER);
}

/**
 * proc_pool_get_max_tasks_per_worker:
 * @self: a pool
 *
 * Gets #ProcPool:max-tasks-per-worker.
 *
 * Returns: a number of tasks, 0 for any; see #ProcPool:max-tasks-per-worker
 *
 * Since: 1.0
 */
guint
proc_pool_get_max_tasks_per_worker (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_tasks_per_worker;
}

/**
 * proc_pool_set_max_tasks_per_worker:
 * @self: a pool
 * @max_tasks_per_worker: a number of tasks, 0 for any; see #ProcPool:max-tasks-per-worker
 *
 * Sets #ProcPool:max-tasks-per-worker.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_tasks_per_worker (ProcPool *self, guint max_tasks_per_worker)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.max_tasks_per_worker == max_tasks_per_worker)
    return;

  self->settings.max_tasks_per_worker = max_tasks_per_worker;
  settings_changed (self, PROP_MAX_TASKS_PER_WORKER);
}

/**
 * proc_pool_get_max_worker_memory:
 * @self: a pool
 *
 * Gets #ProcPool:max-worker-memory.
 *
 * Returns: bytes, 0 for any; see #ProcPool:max-worker-memory
 *
 * Since: 1.0
 */
guint64
proc_pool_get_max_worker_memory (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_worker_memory;
}

/**
 * proc_pool_set_max_worker_memory:
 * @self: a pool
 * @max_worker_memory: bytes, 0 for any; see #ProcPool:max-worker-memory
 *
 * Sets #ProcPool:max-worker-memory.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_worker_memory (ProcPool *self, guint64 max_worker_memory)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.max_worker_memory == max_worker_memory)
    return;

  self->settings.max_worker_memory = max_worker_memory;
  settings_changed (self, PROP_MAX_WORKER_MEMORY);
}

/**
 * proc_pool_get_idle_timeout:
 * @self: a pool
 *
 * Gets #ProcPool:idle-timeout.
 *
 * Returns: milliseconds, 0 for never; see #ProcPool:idle-timeout
 *
 * Since: 1.0
 */
guint
proc_pool_get_idle_timeout (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.idle_timeout;
}

/**
 * proc_pool_set_idle_timeout:
 * @self: a pool
 * @idle_timeout: milliseconds, 0 for never; see #ProcPool:idle-timeout
 *
 * Sets #ProcPool:idle-timeout.
 *
 * Since: 1.0
 */
void
proc_pool_set_idle_timeout (ProcPool *self, guint idle_timeout)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.idle_timeout == idle_timeout)
    return;

  self->settings.idle_timeout = idle_timeout;
  settings_changed (self, PROP_IDLE_TIMEOUT);
}

/**
 * proc_pool_get_startup_timeout:
 * @self: a pool
 *
 * Gets #ProcPool:startup-timeout.
 *
 * Returns: milliseconds, 0 for ever; see #ProcPool:startup-timeout
 *
 * Since: 1.0
 */
guint
proc_pool_get_startup_timeout (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.startup_timeout;
}

/**
 * proc_pool_set_startup_timeout:
 * @self: a pool
 * @startup_timeout: milliseconds, 0 for ever; see #ProcPool:startup-timeout
 *
 * Sets #ProcPool:startup-timeout.
 *
 * Since: 1.0
 */
void
proc_pool_set_startup_timeout (ProcPool *self, guint startup_timeout)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.startup_timeout == startup_timeout)
    return;

  self->settings.startup_timeout = startup_timeout;
  settings_changed (self, PROP_STARTUP_TIMEOUT);
}

/**
 * proc_pool_get_cancel_grace:
 * @self: a pool
 *
 * Gets #ProcPool:cancel-grace.
 *
 * Returns: milliseconds, 0 for none; see #ProcPool:cancel-grace
 *
 * Since: 1.0
 */
guint
proc_pool_get_cancel_grace (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.cancel_grace;
}

/**
 * proc_pool_set_cancel_grace:
 * @self: a pool
 * @cancel_grace: milliseconds, 0 for none; see #ProcPool:cancel-grace
 *
 * Sets #ProcPool:cancel-grace.
 *
 * Since: 1.0
 */
void
proc_pool_set_cancel_grace (ProcPool *self, guint cancel_grace)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.cancel_grace == cancel_grace)
    return;

  self->settings.cancel_grace = cancel_grace;
  settings_changed (self, PROP_CANCEL_GRACE);
}

/**
 * proc_pool_get_frame_timeout:
 * @self: a pool
 *
 * Gets #ProcPool:frame-timeout.
 *
 * Returns: milliseconds, 0 for any time; see #ProcPool:frame-timeout
 *
 * Since: 1.0
 */
guint
proc_pool_get_frame_timeout (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.frame_timeout;
}

/**
 * proc_pool_set_frame_timeout:
 * @self: a pool
 * @frame_timeout: milliseconds, 0 for any time; see #ProcPool:frame-timeout
 *
 * Sets #ProcPool:frame-timeout.
 *
 * Since: 1.0
 */
void
proc_pool_set_frame_timeout (ProcPool *self, guint frame_timeout)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.frame_timeout == frame_timeout)
    return;

  self->settings.frame_timeout = frame_timeout;
  settings_changed (self, PROP_FRAME_TIMEOUT);
}

/**
 * proc_pool_get_max_queued:
 * @self: a pool
 *
 * Gets #ProcPool:max-queued.
 *
 * Returns: a number of tasks, 0 for any; see #ProcPool:max-queued
 *
 * Since: 1.0
 */
guint
proc_pool_get_max_queued (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_queued;
}

/**
 * proc_pool_set_max_queued:
 * @self: a pool
 * @max_queued: a number of tasks, 0 for any; see #ProcPool:max-queued
 *
 * Sets #ProcPool:max-queued.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_queued (ProcPool *self, guint max_queued)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.max_queued == max_queued)
    return;

  self->settings.max_queued = max_queued;
  settings_changed (self, PROP_MAX_QUEUED);
}

/**
 * proc_pool_get_max_message:
 * @self: a pool
 *
 * Gets #ProcPool:max-message.
 *
 * Returns: bytes, at least 1; see #ProcPool:max-message
 *
 * Since: 1.0
 */
guint64
proc_pool_get_max_message (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_message;
}

/**
 * proc_pool_set_max_message:
 * @self: a pool
 * @max_message: bytes, at least 1; see #ProcPool:max-message
 *
 * Sets #ProcPool:max-message.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_message (ProcPool *self, guint64 max_message)
{
  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (max_message >= 1);

  if (self->settings.max_message == max_message)
    return;

  self->settings.max_message = max_message;
  settings_changed (self, PROP_MAX_MESSAGE);
}

/**
 * proc_pool_get_max_fds:
 * @self: a pool
 *
 * Gets #ProcPool:max-fds.
 *
 * Returns: descriptors, 0 to 64; see #ProcPool:max-fds
 *
 * Since: 1.0
 */
guint
proc_pool_get_max_fds (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_fds;
}

/**
 * proc_pool_set_max_fds:
 * @self: a pool
 * @max_fds: descriptors, 0 to 64; see #ProcPool:max-fds
 *
 * Sets #ProcPool:max-fds.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_fds (ProcPool *self, guint max_fds)
{
  g_return_if_fail (PROC_IS_POOL (self));
  g_return_if_fail (max_fds <= PROC_FRAME_MAX_FDS);

  if (self->settings.max_fds == max_fds)
    return;

  self->settings.max_fds = max_fds;
  settings_changed (self, PROP_MAX_FDS);
}

/**
 * proc_pool_get_wait_awake:
 * @self: a pool
 *
 * Gets #ProcPool:wait-awake.
 *
 * Returns: whether both sides may wait for one another without sleeping
 *
 * Since: 1.0
 */
gboolean
proc_pool_get_wait_awake (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), FALSE);

  return self->settings.wait_awake;
}

/**
 * proc_pool_set_wait_awake:
 * @self: a pool
 * @wait_awake: whether both sides may wait for one another without sleeping
 *
 * Sets #ProcPool:wait-awake.
 *
 * Since: 1.0
 */
void
proc_pool_set_wait_awake (ProcPool *self, gboolean wait_awake)
{
  g_return_if_fail (PROC_IS_POOL (self));

  wait_awake = !!wait_awake;
  if (self->settings.wait_awake == wait_awake)
    return;

  self->settings.wait_awake = wait_awake;
  settings_changed (self, PROP_WAIT_AWAKE);
}

/**
 * proc_pool_get_max_log_rate:
 * @self: a pool
 *
 * Gets #ProcPool:max-log-rate.
 *
 * Returns: records a second, 0 for all; see #ProcPool:max-log-rate
 *
 * Since: 1.0
 */
guint
proc_pool_get_max_log_rate (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), 0);

  return self->settings.max_log_rate;
}

/**
 * proc_pool_set_max_log_rate:
 * @self: a pool
 * @max_log_rate: records a second, 0 for all; see #ProcPool:max-log-rate
 *
 * Sets #ProcPool:max-log-rate.
 *
 * Since: 1.0
 */
void
proc_pool_set_max_log_rate (ProcPool *self, guint max_log_rate)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.max_log_rate == max_log_rate)
    return;

  self->settings.max_log_rate = max_log_rate;
  settings_changed (self, PROP_MAX_LOG_RATE);
}

/**
 * proc_pool_get_scheduling:
 * @self: a pool
 *
 * Gets #ProcPool:scheduling.
 *
 * Returns: the scheduling; see #ProcPool:scheduling
 *
 * Since: 1.0
 */
ProcScheduling
proc_pool_get_scheduling (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), PROC_SCHEDULING_LIFO);

  return self->settings.scheduling;
}

/**
 * proc_pool_set_scheduling:
 * @self: a pool
 * @scheduling: the scheduling; see #ProcPool:scheduling
 *
 * Sets #ProcPool:scheduling.
 *
 * Since: 1.0
 */
void
proc_pool_set_scheduling (ProcPool *self, ProcScheduling scheduling)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (self->settings.scheduling == scheduling)
    return;

  self->settings.scheduling = scheduling;
  settings_changed (self, PROP_SCHEDULING);
}

/**
 * proc_pool_get_initializer:
 * @self: a pool
 *
 * Gets #ProcPool:initializer.
 *
 * Returns: (transfer none) (nullable): see #ProcPool:initializer
 *
 * Since: 1.0
 */
const char *
proc_pool_get_initializer (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);

  return self->settings.initializer;
}

/**
 * proc_pool_get_initializer_arguments:
 * @self: a pool
 *
 * Gets #ProcPool:initializer-arguments.
 *
 * Returns: (transfer none) (nullable): see #ProcPool:initializer-arguments
 *
 * Since: 1.0
 */
GVariant *
proc_pool_get_initializer_arguments (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);

  return self->settings.initializer_arguments;
}

/**
 * proc_pool_set_initializer:
 * @self: a pool
 * @function: (nullable): the name of a function of the helper; see #ProcPool:initializer
 * @arguments: (nullable): its arguments; a floating reference is taken
 *
 * Sets what each helper process runs before its first task. Holds for workers started from now on.
 *
 * Since: 1.0
 */
void
proc_pool_set_initializer (ProcPool *self, const char *function, GVariant *arguments)
{
  g_autofree char *old_function = NULL;
  g_autoptr (GVariant) old_arguments = NULL;

  g_return_if_fail (PROC_IS_POOL (self));

  old_function = g_steal_pointer (&self->settings.initializer);
  old_arguments = g_steal_pointer (&self->settings.initializer_arguments);
  self->settings.initializer = g_strdup (function);
  self->settings.initializer_arguments = arguments ? g_variant_ref_sink (arguments) : NULL;

  if (g_strcmp0 (old_function, function) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_INITIALIZER]);
  if (old_arguments != arguments)
    g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_INITIALIZER_ARGUMENTS]);
}

/**
 * proc_pool_get_finalizer:
 * @self: a pool
 *
 * Gets #ProcPool:finalizer.
 *
 * Returns: (transfer none) (nullable): see #ProcPool:finalizer
 *
 * Since: 1.0
 */
const char *
proc_pool_get_finalizer (ProcPool *self)
{
  g_return_val_if_fail (PROC_IS_POOL (self), NULL);

  return self->settings.finalizer;
}

/**
 * proc_pool_set_finalizer:
 * @self: a pool
 * @function: (nullable): the name of a function of the helper; see #ProcPool:finalizer
 *
 * Sets what each helper process runs when it is asked to finish. Holds for workers started from now on.
 *
 * Since: 1.0
 */
void
proc_pool_set_finalizer (ProcPool *self, const char *function)
{
  g_return_if_fail (PROC_IS_POOL (self));

  if (g_strcmp0 (self->settings.finalizer, function) == 0)
    return;

  g_free (self->settings.finalizer);
  self->settings.finalizer = g_strdup (function);
  g_object_notify_by_pspec (G_OBJECT (self), proc_pool_properties[PROP_FINALIZER]);
}
