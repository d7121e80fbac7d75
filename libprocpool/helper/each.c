/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/each.h"

#include <string.h>

#include "base/error.h"
#include "helper/invocation-private.h"
#include "wire/remote-error.h"

/* Results are gathered as bytes as long as all are numbers of one type, which takes no object for each of them, and as
 * values from the first that is something else.
 */
typedef struct
{
  ProcInvocation *invocation;
  const ProcEachFunctions *functions;
  gpointer user_data;

  GVariant *items;
  gsize n_items;
  gsize n_done;

  GVariantType *type;     /* of all results so far; NULL before the first, and when they differ */
  GByteArray *bytes;      /* of the results, if they are numbers of @type; else NULL */
  GPtrArray *values;      /* of GVariant: the results; NULL while there are bytes */
  GVariantBuilder errors; /* a{u(sisa{sv})}, by index */
  guint n_errors;

  /* The main thread's, and only it looks at these: while it starts an item, a reply needn't start the next. */
  GMainContext *context;
  gboolean starting;
  gboolean replied;
} Each;

static gboolean
is_number (const GVariantType *type)
{
  return strchr ("bynqiuxtd", *g_variant_type_peek_string (type)) != NULL;
}

static Each *
each_new (ProcInvocation *invocation, const ProcEachFunctions *functions, gpointer user_data)
{
  Each *self = g_new0 (Each, 1);

  self->invocation = g_object_ref (invocation);
  self->functions = functions;
  self->user_data = user_data;
  self->items = g_variant_ref (proc_invocation_get_arguments (invocation));
  self->n_items = g_variant_n_children (self->items);
  g_variant_builder_init (&self->errors, G_VARIANT_TYPE ("a{u(sisa{sv})}"));
  self->context = g_main_context_ref_thread_default ();

  return self;
}

static void
each_free (Each *self)
{
  g_variant_builder_clear (&self->errors);
  g_clear_pointer (&self->type, g_variant_type_free);
  g_clear_pointer (&self->bytes, g_byte_array_unref);
  g_clear_pointer (&self->values, g_ptr_array_unref);
  g_variant_unref (self->items);
  g_main_context_unref (self->context);
  g_object_unref (self->invocation);
  g_free (self);
}

static GVariant *
bytes_to_array (Each *self)
{
  g_autofree GVariantType *type = g_variant_type_new_array (self->type);
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (g_steal_pointer (&self->bytes));

  return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));
}

static void
turn_to_values (Each *self)
{
  g_autoptr (GVariant) array = NULL;

  if (self->values != NULL)
    return;

  self->values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  if (self->bytes == NULL)
    return;

  array = bytes_to_array (self);
  for (gsize i = 0; i < g_variant_n_children (array); i++)
    g_ptr_array_add (self->values, g_variant_get_child_value (array, i));
}

static void
add_value (Each *self, GVariant *value)
{
  const GVariantType *type = g_variant_get_type (value);
  gsize size;

  if (self->n_done == 0)
    {
      self->type = g_variant_type_copy (type);
      if (is_number (type))
        self->bytes = g_byte_array_sized_new ((guint) MIN (self->n_items * sizeof (guint64), 64 * 1024));
    }

  if (self->bytes != NULL && g_variant_type_equal (type, self->type))
    {
      size = self->bytes->len;
      g_byte_array_set_size (self->bytes, (guint) (size + g_variant_get_size (value)));
      g_variant_store (value, self->bytes->data + size);
      return;
    }

  turn_to_values (self);
  if (self->type != NULL && !g_variant_type_equal (type, self->type))
    g_clear_pointer (&self->type, g_variant_type_free);
  g_ptr_array_add (self->values, g_variant_ref (value));
}

static void
note_outcome (Each *self, GVariant *value, const GError *error, GVariant *details)
{
  g_autoptr (GVariant) nothing = NULL;

  if (value == NULL)
    value = nothing = g_variant_ref_sink (g_variant_new_tuple (NULL, 0));

  add_value (self, value);
  if (error != NULL)
    {
      self->functions->failed (self->invocation, error, self->user_data);
      g_variant_builder_add (&self->errors, "{u@(sisa{sv})}", (guint) self->n_done, proc_remote_error_to_head (error, details));
      self->n_errors++;
    }
  self->n_done++;
}

static GVariant *
make_result (Each *self)
{
  GVariantBuilder builder;

  if (self->n_errors == 0 && self->bytes != NULL)
    return bytes_to_array (self);

  turn_to_values (self);
  if (self->n_errors == 0 && self->type != NULL)
    return g_variant_ref_sink (g_variant_new_array (self->type, (GVariant **) self->values->pdata, self->values->len));

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < self->values->len; i++)
    g_variant_builder_add (&builder, "v", g_ptr_array_index (self->values, i));

  return g_variant_ref_sink (g_variant_new ("(ava{u(sisa{sv})})", &builder, &self->errors));
}

static void
reply (Each *self)
{
  g_autoptr (GVariant) result = make_result (self);

  proc_invocation_return_value (self->invocation, result);
  each_free (self);
}

static gboolean
is_cancelled (Each *self)
{
  return g_cancellable_is_cancelled (proc_invocation_get_cancellable (self->invocation));
}

static void
reply_cancelled (Each *self)
{
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Cancelled after %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " items",
                                          self->n_done, self->n_items);

  proc_invocation_return_error (self->invocation, error);
  each_free (self);
}

static void
call_each (Each *self)
{
  while (self->n_done < self->n_items && !is_cancelled (self))
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (self->items, self->n_done);
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      proc_invocation_set_arguments (self->invocation, item);
      value = self->functions->call (self->invocation, self->user_data, &error);
      note_outcome (self, value, error, NULL);
    }

  if (self->n_done < self->n_items)
    reply_cancelled (self);
  else
    reply (self);
}

static void start_next (Each *self);

static gboolean
start_next_in_main (gpointer user_data)
{
  start_next (user_data);
  return G_SOURCE_REMOVE;
}

/* In any thread, but for one at a time. */
static void
on_item_replied (ProcInvocation *item, GVariant *value, const GError *error, GVariant *details, gpointer owner)
{
  Each *self = owner;

  note_outcome (self, value, error, details);

  /* Functions are called in the main thread. */
  if (!g_main_context_is_owner (self->context))
    g_main_context_invoke_full (self->context, G_PRIORITY_DEFAULT, start_next_in_main, self, NULL);
  else if (self->starting)
    self->replied = TRUE;
  else
    start_next (self);
}

static void
start_next (Each *self)
{
  do
    {
      g_autoptr (GVariant) arguments = NULL;
      g_autoptr (ProcInvocation) item = NULL;

      if (self->n_done == self->n_items)
        {
          reply (self);
          return;
        }
      if (is_cancelled (self))
        {
          reply_cancelled (self);
          return;
        }

      arguments = g_variant_get_child_value (self->items, self->n_done);
      item = proc_invocation_new_item (self->invocation, arguments, on_item_replied, self);
      self->starting = TRUE;
      self->replied = FALSE;
      self->functions->start (item, self->user_data);
      self->starting = FALSE;
    }
  while (self->replied);
}

void
proc_each_run (ProcInvocation *invocation, const ProcEachFunctions *functions, gpointer user_data)
{
  Each *self;

  if (!g_variant_is_of_type (proc_invocation_get_arguments (invocation), G_VARIANT_TYPE_ARRAY))
    {
      g_autoptr (GError) error = g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL, "the items of a map are no array");

      proc_invocation_return_error (invocation, error);
      return;
    }

  self = each_new (invocation, functions, user_data);
  if (functions->call != NULL)
    call_each (self);
  else
    start_next (self);
}
