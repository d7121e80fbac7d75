/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "host/payload-filler.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#define SIZE (1024 * 1024 + 3)

typedef struct
{
  ProcReactor *reactor;
  ProcPayloadFiller *filler;
  gboolean frees; /* in its function, as its owner does */
  guint8 *bytes;
  gboolean released; /* nobody has the value any more */
  int memfd;
  guint n_filled;
  guint n_destroyed;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->reactor = proc_reactor_new (NULL);
  self->memfd = -1;
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_assert_cmpuint (self->n_destroyed, ==, 1);
  test_wait_until (self->released);
  proc_reactor_unref (self->reactor);
}

static void
on_filled (int memfd, const GError *error, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_no_error (error);
  self->n_filled++;
  self->memfd = memfd;
  if (self->frees)
    g_clear_pointer (&self->filler, proc_payload_filler_free);
}

static void
on_destroyed (gpointer user_data)
{
  ((Fixture *) user_data)->n_destroyed++;
}

static void
on_released (gpointer user_data)
{
  Fixture *self = user_data;

  g_clear_pointer (&self->bytes, g_free);
  self->released = TRUE;
}

static void
start (Fixture *self)
{
  g_autoptr (GVariant) value = NULL;

  self->bytes = g_malloc (SIZE);
  for (gsize i = 0; i < SIZE; i++)
    self->bytes[i] = i * 7;
  value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, self->bytes, SIZE, TRUE, on_released, self));
  self->filler = proc_payload_filler_new (self->reactor, NULL, value, on_filled, self, on_destroyed);
}

static void
assert_filled (Fixture *self)
{
  struct stat status;
  const guint8 *bytes;

  g_assert_cmpint (fstat (self->memfd, &status), ==, 0);
  g_assert_cmpint (status.st_size, >=, SIZE);
  bytes = mmap (NULL, SIZE, PROT_READ, MAP_SHARED, self->memfd, 0);
  g_assert_true (bytes != MAP_FAILED);
  for (gsize i = 0; i < SIZE; i++)
    g_assert_cmpuint (bytes[i], ==, (guint8) (i * 7));
  munmap ((void *) bytes, SIZE);
  close (self->memfd);
}

static void
test_fills (Fixture *self, gconstpointer unused)
{
  start (self);
  test_wait_until (self->n_filled == 1);
  assert_filled (self);
  g_assert_cmpuint (self->n_destroyed, ==, 0);
  proc_payload_filler_free (self->filler);
}

static void
test_freed_in_its_function (Fixture *self, gconstpointer unused)
{
  self->frees = TRUE;
  start (self);
  test_wait_until (self->n_filled == 1);
  assert_filled (self);
}

static void
test_freed_before (Fixture *self, gconstpointer unused)
{
  guint n_fds = test_count_fds ();

  start (self);
  proc_payload_filler_free (self->filler);
  g_assert_cmpuint (self->n_destroyed, ==, 1);

  test_wait_until (self->released);
  g_assert_cmpuint (self->n_filled, ==, 0);
  g_assert_cmpuint (test_count_fds (), ==, n_fds);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/payload-filler/fills", Fixture, NULL, set_up, test_fills, tear_down);
  g_test_add ("/payload-filler/freed-in-its-function", Fixture, NULL, set_up, test_freed_in_its_function, tear_down);
  g_test_add ("/payload-filler/freed-before", Fixture, NULL, set_up, test_freed_before, tear_down);

  return g_test_run ();
}
