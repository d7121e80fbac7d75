/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "slot.h"

ProcSlot *
proc_slot_new (gpointer dispatcher)
{
  ProcSlot *self = g_new0 (ProcSlot, 1);

  self->dispatcher = dispatcher;
  self->runs = g_ptr_array_new ();
  self->idle_link.data = self;
  self->hungry_link.data = self;

  return self;
}

void
proc_slot_free (ProcSlot *self)
{
  g_assert (self->runs->len == 0 && !self->in_idle && !self->in_hungry);
  g_ptr_array_unref (self->runs);
  g_clear_object (&self->worker);
  g_free (self);
}

gboolean
proc_slot_has_room (ProcSlot *self, guint tasks_per_worker)
{
  return self->ready && !self->retiring && !self->exclusive && self->runs->len < tasks_per_worker &&
         proc_worker_takes_tasks (self->worker);
}
