/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "faults.h"

int
main (int argc, char *argv[])
{
  faults_init (&argc, &argv);
  return g_test_run ();
}
