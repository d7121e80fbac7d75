/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/connection-source.h"

/* As far as GLib is concerned this source may recurse: what GLib does to keep one from it costs three
 * system calls for each dispatch. It is just deaf while it is dispatched. If the main loop is turned
 * meanwhile its descriptor must be left out, lest the loop spin: the source is muted until it is back.
 */
typedef struct
{
  GSource source;
  ProcConnection *connection;
  gpointer tag; /* of the channel's descriptor */
  gboolean dispatching;
  gboolean muted;
} ConnectionSource;

static gboolean
connection_source_prepare (GSource *source, int *timeout)
{
  ConnectionSource *self = (ConnectionSource *) source;

  *timeout = -1;

  if (self->dispatching && !self->muted)
    {
      g_source_modify_unix_fd (source, self->tag, 0);
      self->muted = TRUE;
    }

  return !self->dispatching && proc_connection_has_input (self->connection);
}

static gboolean
connection_source_check (GSource *source)
{
  ConnectionSource *self = (ConnectionSource *) source;

  return !self->dispatching &&
         (g_source_query_unix_fd (source, self->tag) != 0 || proc_connection_has_input (self->connection));
}

static gboolean
connection_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ConnectionSource *self = (ConnectionSource *) source;
  gboolean result;

  self->dispatching = TRUE;
  result = callback (user_data);
  self->dispatching = FALSE;

  if (self->muted && !g_source_is_destroyed (source))
    {
      g_source_modify_unix_fd (source, self->tag, G_IO_IN);
      self->muted = FALSE;
    }

  return result;
}

static void
connection_source_finalize (GSource *source)
{
  ConnectionSource *self = (ConnectionSource *) source;

  g_clear_pointer (&self->connection, proc_connection_unref);
}

static GSourceFuncs connection_source_funcs = {
  .prepare = connection_source_prepare,
  .check = connection_source_check,
  .dispatch = connection_source_dispatch,
  .finalize = connection_source_finalize,
};

GSource *
proc_connection_source_new (ProcConnection *connection)
{
  GSource *source = g_source_new (&connection_source_funcs, sizeof (ConnectionSource));
  ConnectionSource *self = (ConnectionSource *) source;

  self->connection = proc_connection_ref (connection);
  self->tag = g_source_add_unix_fd (source, proc_connection_get_fd (connection), G_IO_IN);
  g_source_set_can_recurse (source, TRUE);
  g_source_set_static_name (source, "procpool helper");

  return source;
}
