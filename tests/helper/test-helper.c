/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The helper program of all tests. Without options it serves the functions of test-functions.c,
 * test-async-functions.c, test-process-functions.c, test-fault-functions.c and test-scenario-functions.c; with one
 * it misbehaves: see test-misbehaviour.c.
 */

#include "test-helper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

int test_helper_channel = -1;

void
test_helper_sleep (void)
{
  struct pollfd descriptor = { test_helper_channel, POLLRDHUP, 0 };

  while (poll (&descriptor, 1, -1) < 0 && errno == EINTR)
    ;

  _exit (EXIT_FAILURE);
}

gboolean
test_check_type (GVariant *arguments, const char *type, GError **error)
{
  if (g_variant_is_of_type (arguments, G_VARIANT_TYPE (type)))
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_INVALID_ARGUMENTS,
               "this function takes %s, not %s", type, g_variant_get_type_string (arguments));
  return FALSE;
}

static int
refuse (ProcHelper *helper)
{
  g_autoptr (GError) error =
      g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the test helper has nothing to serve");

  return proc_helper_refuse (helper, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (ProcHelper) helper = NULL;
  const char *channel = g_getenv ("PROCPOOL_CHANNEL");

  if (channel != NULL)
    test_helper_channel = atoi (channel);

  if (argc > 1)
    test_misbehave (argv[1], argc > 2 ? argv[2] : NULL);

  helper = proc_helper_new ();
  if (argc > 1 && g_str_equal (argv[1], "--refuse"))
    return refuse (helper);

  test_functions_add (helper);
  test_async_functions_add (helper);
  test_process_functions_add (helper);
  test_fault_functions_add (helper);
  test_scenario_functions_add (helper);

  return proc_helper_run (helper);
}
