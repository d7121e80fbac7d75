/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "chunk.h"

#include <string.h>

#include "base/error.h"
#include "wire/remote-error.h"

/* What a helper replies when not all results are of one type. */
#define MIXED_TYPE "(ava{u(sisa{sv})})"

/* The size of a number of @type, 0 for anything else. */
static gsize
get_number_size (const GVariantType *type)
{
  switch (*g_variant_type_peek_string (type))
    {
    case 'b':
    case 'y':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'i':
    case 'u':
      return 4;
    case 'x':
    case 't':
    case 'd':
      return 8;
    default:
      return 0;
    }
}

GVariant *
proc_chunk_slice (GVariant *items, gsize first, gsize n)
{
  const GVariantType *type = g_variant_get_type (items);
  gsize size = get_number_size (g_variant_type_element (type));
  g_autoptr (GPtrArray) slice = NULL;

  if (size > 0)
    {
      g_autoptr (GBytes) all = g_variant_get_data_as_bytes (items);
      g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (all, first * size, n * size);

      return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));
    }

  slice = g_ptr_array_new_full ((guint) n, (GDestroyNotify) g_variant_unref);
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (slice, g_variant_get_child_value (items, first + i));

  return g_variant_ref_sink (g_variant_new_array (g_variant_type_element (type), (GVariant **) slice->pdata, n));
}

static gboolean
is_mixed (GVariant *result)
{
  return g_variant_is_of_type (result, G_VARIANT_TYPE (MIXED_TYPE));
}

static GVariant *
get_values (GVariant *result)
{
  return is_mixed (result) ? g_variant_get_child_value (result, 0) : g_variant_ref (result);
}

gboolean
proc_chunk_check (GVariant *result, gsize n, GError **error)
{
  g_autoptr (GVariant) values = NULL;

  if (is_mixed (result) || g_variant_is_of_type (result, G_VARIANT_TYPE_ARRAY))
    {
      values = get_values (result);
      if (g_variant_n_children (values) == n)
        return TRUE;
    }

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_PROTOCOL,
               "A helper replied to %" G_GSIZE_FORMAT " items of a map with a value of type %.64s that isn't of so many results",
               n, g_variant_get_type_string (result));
  return FALSE;
}

/* Its index must be below @n; the first one from there on, or @n. */
static gsize
find_error (GVariant *result, gsize from, gsize n, GVariant **head)
{
  g_autoptr (GVariant) errors = NULL;
  gsize found = n;
  GVariantIter iter;
  guint index;
  GVariant *item;

  *head = NULL;
  if (!is_mixed (result))
    return n;

  errors = g_variant_get_child_value (result, 1);
  g_variant_iter_init (&iter, errors);
  while (g_variant_iter_next (&iter, "{u@(sisa{sv})}", &index, &item))
    {
      if (index >= from && index < found)
        {
          found = index;
          g_clear_pointer (head, g_variant_unref);
          *head = g_variant_ref (item);
        }
      g_variant_unref (item);
    }

  return found;
}

static GVariant *
get_value (GVariant *result, GVariant *values, gsize index)
{
  g_autoptr (GVariant) value = g_variant_get_child_value (values, index);

  return is_mixed (result) ? g_variant_get_variant (value) : g_steal_pointer (&value);
}

GVariant *
proc_chunk_get (GVariant *result, gsize index, GVariant **details, GError **error)
{
  g_autoptr (GVariant) values = get_values (result);
  g_autoptr (GVariant) head = NULL;

  if (find_error (result, index, index + 1, &head) == index)
    {
      g_propagate_error (error, proc_remote_error_from_head (head, details));
      return NULL;
    }

  return get_value (result, values, index);
}

GVariant *
proc_chunk_get_rest (GVariant *result, gsize first)
{
  g_autoptr (GVariant) values = get_values (result);
  g_autoptr (GVariant) head = NULL;
  gsize n = g_variant_n_children (values);
  gsize end = find_error (result, first, n, &head);

  if (end == first)
    return NULL;
  if (first == 0 && end == n)
    return g_steal_pointer (&values);

  return proc_chunk_slice (values, first, end - first);
}
