/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bare.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define BARE_ARGUMENT "--bare"
#define BARE_FD 3

gboolean
bench_bare_is (int argc, char *argv[])
{
  return argc == 2 && strcmp (argv[1], BARE_ARGUMENT) == 0;
}

int
bench_bare_say (void)
{
  return write (BARE_FD, "x", 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

double
bench_bare_time (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_INHERIT_FDS);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *program = bench_program ();
  gint64 start = g_get_monotonic_time ();
  gint64 end;
  int fds[2];
  char byte;

  bench_check (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, NULL, "socketpair");
  g_subprocess_launcher_take_fd (launcher, fds[1], BARE_FD);
  process = g_subprocess_launcher_spawn (launcher, &error, program, BARE_ARGUMENT, NULL);
  bench_check (process != NULL, error, "bare: the process");
  bench_check (read (fds[0], &byte, 1) == 1, NULL, "bare: the byte");
  end = g_get_monotonic_time ();

  close (fds[0]);
  g_subprocess_wait (process, NULL, NULL);
  return (double) (end - start);
}
