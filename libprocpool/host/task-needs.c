/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/task-parts.h"
#include "wire/command.h"

/* What a task needs, and what it is called: set until it runs. */

/**
 * proc_task_get_name:
 * @self: a task
 *
 * Gets #ProcTask:name.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:name
 *
 * Since: 1.0
 */
const char *
proc_task_get_name (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->name;
}

/**
 * proc_task_set_name:
 * @self: a task that wasn't run yet
 * @name: (nullable): see #ProcTask:name
 *
 * Names the task.
 *
 * Since: 1.0
 */
void
proc_task_set_name (ProcTask *self, const char *name)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (proc_task_is_new (self));

  if (g_strcmp0 (self->name, name) == 0)
    return;

  g_free (self->name);
  self->name = g_strdup (name);
  g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[PROP_NAME]);
}

/* The setters of plain numbers differ in nothing but the field. */
#define SET_NUMBER(self, field, value, property) \
  G_STMT_START \
  { \
    g_return_if_fail (PROC_IS_TASK (self)); \
    g_return_if_fail (proc_task_is_new (self)); \
    if ((self)->field == (value)) \
      return; \
    (self)->field = (value); \
    g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[property]); \
  } \
  G_STMT_END

/**
 * proc_task_get_cores:
 * @self: a task
 *
 * Gets #ProcTask:cores.
 *
 * Returns: see #ProcTask:cores
 *
 * Since: 1.0
 */
guint
proc_task_get_cores (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->cores;
}

/**
 * proc_task_set_cores:
 * @self: a task that wasn't run yet
 * @cores: a number of cores, 0 for none; see #ProcTask:cores
 *
 * Sets how many cores the task draws.
 *
 * Since: 1.0
 */
void
proc_task_set_cores (ProcTask *self, guint cores)
{
  SET_NUMBER (self, cores, cores, PROP_CORES);
}

/**
 * proc_task_get_priority:
 * @self: a task
 *
 * Gets #ProcTask:priority.
 *
 * Returns: see #ProcTask:priority
 *
 * Since: 1.0
 */
int
proc_task_get_priority (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->priority;
}

/**
 * proc_task_set_priority:
 * @self: a task that wasn't run yet
 * @priority: higher ones first; see #ProcTask:priority
 *
 * Sets the task's place in the queue.
 *
 * Since: 1.0
 */
void
proc_task_set_priority (ProcTask *self, int priority)
{
  SET_NUMBER (self, priority, priority, PROP_PRIORITY);
}

/**
 * proc_task_get_timeout:
 * @self: a task
 *
 * Gets #ProcTask:timeout.
 *
 * Returns: milliseconds, 0 for none; see #ProcTask:timeout
 *
 * Since: 1.0
 */
guint
proc_task_get_timeout (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->timeout;
}

/**
 * proc_task_set_timeout:
 * @self: a task that wasn't run yet
 * @timeout: milliseconds, 0 for none; see #ProcTask:timeout
 *
 * Sets how long an attempt may run.
 *
 * Since: 1.0
 */
void
proc_task_set_timeout (ProcTask *self, guint timeout)
{
  SET_NUMBER (self, timeout, timeout, PROP_TIMEOUT);
}

/**
 * proc_task_get_max_attempts:
 * @self: a task
 *
 * Gets #ProcTask:max-attempts.
 *
 * Returns: see #ProcTask:max-attempts
 *
 * Since: 1.0
 */
guint
proc_task_get_max_attempts (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->max_attempts;
}

/**
 * proc_task_set_max_attempts:
 * @self: a task that wasn't run yet
 * @max_attempts: at least 1; see #ProcTask:max-attempts
 *
 * Sets how often the task may be started.
 *
 * Since: 1.0
 */
void
proc_task_set_max_attempts (ProcTask *self, guint max_attempts)
{
  g_return_if_fail (max_attempts >= 1);

  SET_NUMBER (self, max_attempts, max_attempts, PROP_MAX_ATTEMPTS);
}

/**
 * proc_task_get_isolation:
 * @self: a task
 *
 * Gets #ProcTask:isolation.
 *
 * Returns: see #ProcTask:isolation
 *
 * Since: 1.0
 */
ProcIsolation
proc_task_get_isolation (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), PROC_ISOLATION_SHARED);

  return self->isolation;
}

/**
 * proc_task_set_isolation:
 * @self: a task that wasn't run yet
 * @isolation: see #ProcTask:isolation
 *
 * Sets what the task may share its helper process with.
 *
 * Since: 1.0
 */
void
proc_task_set_isolation (ProcTask *self, ProcIsolation isolation)
{
  SET_NUMBER (self, isolation, isolation, PROP_ISOLATION);
}

ProcIsolation
proc_task_get_effective_isolation (ProcTask *self)
{
  if (self->isolation == PROC_ISOLATION_SHARED && (self->cores > 0 || self->max_outputs > 0))
    return PROC_ISOLATION_EXCLUSIVE;

  return self->isolation;
}

/**
 * proc_task_get_max_outputs:
 * @self: a task
 *
 * Gets #ProcTask:max-outputs.
 *
 * Returns: see #ProcTask:max-outputs
 *
 * Since: 1.0
 */
guint
proc_task_get_max_outputs (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), 0);

  return self->max_outputs;
}

/**
 * proc_task_set_max_outputs:
 * @self: a task that isn't run yet
 * @max_outputs: how many partial values may wait; 0 if they are told by a signal
 *
 * Sets #ProcTask:max-outputs.
 *
 * Since: 1.0
 */
void
proc_task_set_max_outputs (ProcTask *self, guint max_outputs)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (proc_task_is_new (self));

  if (self->max_outputs == max_outputs)
    return;

  self->max_outputs = max_outputs;
  g_clear_pointer (&self->outputs, proc_outputs_free);
  if (max_outputs > 0)
    self->outputs = proc_outputs_new (max_outputs);
  g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[PROP_MAX_OUTPUTS]);
}

/**
 * proc_task_get_fds:
 * @self: a task
 *
 * Gets #ProcTask:fds.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:fds
 *
 * Since: 1.0
 */
GUnixFDList *
proc_task_get_fds (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->fds;
}

/**
 * proc_task_set_fds:
 * @self: a task that wasn't run yet
 * @fds: (nullable): at most 63 descriptors; see #ProcTask:fds
 *
 * Sets the file descriptors that the function gets.
 *
 * Since: 1.0
 */
void
proc_task_set_fds (ProcTask *self, GUnixFDList *fds)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (fds == NULL || G_IS_UNIX_FD_LIST (fds));
  g_return_if_fail (proc_task_is_new (self));

  if (g_set_object (&self->fds, fds))
    g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[PROP_FDS]);
}

/**
 * proc_task_get_input:
 * @self: a task
 *
 * Gets #ProcTask:input.
 *
 * Returns: (transfer none) (nullable): see #ProcTask:input
 *
 * Since: 1.0
 */
GBytes *
proc_task_get_input (ProcTask *self)
{
  g_return_val_if_fail (PROC_IS_TASK (self), NULL);

  return self->input;
}

/**
 * proc_task_set_input:
 * @self: a task of proc_task_new_command() that wasn't run yet
 * @input: (nullable): see #ProcTask:input
 *
 * Sets what the command is given on its standard input.
 *
 * Since: 1.0
 */
void
proc_task_set_input (ProcTask *self, GBytes *input)
{
  g_return_if_fail (PROC_IS_TASK (self));
  g_return_if_fail (proc_task_is_new (self));
  g_return_if_fail (input == NULL || g_strcmp0 (self->function, PROC_COMMAND_FUNCTION) == 0);

  if (self->input == input)
    return;

  g_clear_pointer (&self->input, g_bytes_unref);
  self->input = input ? g_bytes_ref (input) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), proc_task_properties[PROP_INPUT]);
}
