/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "payload-filler.h"

#include "base/fd.h"

/* Shared by its owner and the thread: the thread has `value` and writes `memfd` and `error` until it
 * posts; all else is the reactor's. Freed by whichever is last.
 */
struct _ProcPayloadFiller
{
  ProcReactor *reactor;
  ProcLending *lending; /* owned; NULL: none */
  GVariant *value;
  int memfd;
  GError *error;
  ProcPayloadFilledFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
  gboolean dropped; /* its owner isn't interested any more */
  gboolean posted;  /* the thread is done with it */
};

static void
release (ProcPayloadFiller *self)
{
  if (!self->dropped || !self->posted)
    return;

  proc_fd_clear (&self->memfd);
  g_clear_error (&self->error);
  g_variant_unref (self->value);
  g_clear_pointer (&self->lending, proc_lending_unref);
  proc_reactor_unref (self->reactor);
  g_free (self);
}

static void
on_posted (gpointer user_data)
{
  ProcPayloadFiller *self = user_data;

  /* Its owner frees it in @func, as a rule: that mustn't free it under our feet. */
  if (!self->dropped)
    self->func (proc_fd_steal (&self->memfd), self->error, self->user_data);

  self->posted = TRUE;
  release (self);
}

static gpointer
fill_thread (gpointer user_data)
{
  ProcPayloadFiller *self = user_data;

  self->memfd = proc_lending_lend (self->lending, self->value, &self->error);
  proc_reactor_post (self->reactor, on_posted, self);

  return NULL;
}

ProcPayloadFiller *
proc_payload_filler_new (ProcReactor *reactor, ProcLending *lending, GVariant *value, ProcPayloadFilledFunc func, gpointer user_data, GDestroyNotify destroy)
{
  ProcPayloadFiller *self = g_new0 (ProcPayloadFiller, 1);
  GThread *thread;

  self->reactor = proc_reactor_ref (reactor);
  self->lending = lending ? proc_lending_ref (lending) : NULL;
  self->value = g_variant_ref (value);
  self->memfd = -1;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;

  thread = g_thread_try_new ("procpool-fill", fill_thread, self, &self->error);
  if (thread)
    g_thread_unref (thread);
  else
    proc_reactor_post (self->reactor, on_posted, self);

  return self;
}

void
proc_payload_filler_free (ProcPayloadFiller *self)
{
  self->dropped = TRUE;
  if (self->destroy)
    self->destroy (self->user_data);
  release (self);
}
