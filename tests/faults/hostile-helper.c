/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A helper program that lies: hostile-helper MARKER MISBEHAVIOUR [ARGUMENT]
 *
 * The first process that finds the file MARKER removes it and does as it is told; later ones are honest test
 * helpers, so that a pool can show that it still answers. The misbehaviours are in the tables at the ends of
 * hostile-frames.c and hostile-conduct.c.
 */

#include "hostile-wire.h"

#include <errno.h>
#include <unistd.h>

static void
be_honest (void)
{
  const char *helper = g_getenv ("PROC_TEST_HELPER");

  execl (helper, helper, NULL);
  g_error ("%s: %s", helper, g_strerror (errno));
}

static void
misbehave (const Misbehaviour *table, const char *name)
{
  for (const Misbehaviour *entry = table; entry->name != NULL; entry++)
    {
      if (g_str_equal (name, entry->name))
        {
          entry->func ();
          hostile_linger ();
        }
    }
}

int
main (int argc, char *argv[])
{
  if (argc < 3)
    g_error ("what am I to do?");

  if (unlink (argv[1]) != 0)
    be_honest ();

  if (argc > 3)
    hostile_argument = argv[3];
  hostile_channel = proc_channel_new (PROC_CHANNEL_FD, TRUE, HOSTILE_MAX_PAYLOAD);
  misbehave (hostile_frames, argv[2]);
  misbehave (hostile_conduct, argv[2]);

  g_error ("“%s” isn't something I can do", argv[2]);
}
