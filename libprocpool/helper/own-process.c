/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/own-process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel-env.h"

/* From the first call of proc_own_process_is_helper() until it is taken, -1 otherwise: the channel of a helper process, or the
 * control socket of a template.
 */
static int channel_fd = -1;
static int control_fd = -1;

static gboolean
is_connected_socket (int fd, int *type)
{
  struct sockaddr_storage address;
  socklen_t address_size = sizeof address;
  socklen_t type_size = sizeof (int);

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, type, &type_size) == 0 &&
         (*type == SOCK_STREAM || *type == SOCK_SEQPACKET) &&
         getpeername (fd, (struct sockaddr *) &address, &address_size) == 0;
}

/* What this process inherited has its close-on-exec flag clear, since it came through an exec. What
 * it has opened itself before main(), as a language's runtime does, has it set as a rule and stays.
 */
static void
close_inherited (int keep)
{
  g_autoptr (GArray) inherited = g_array_new (FALSE, FALSE, sizeof (int));
  DIR *directory = opendir ("/proc/self/fd");
  const struct dirent *entry;

  if (directory == NULL)
    return;

  while ((entry = readdir (directory)) != NULL)
    {
      int fd = atoi (entry->d_name); /* 0 for "." and ".." */
      int flags;

      if (fd <= STDERR_FILENO || fd == keep || fd == dirfd (directory))
        continue;

      flags = fcntl (fd, F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
        g_array_append_val (inherited, fd);
    }

  closedir (directory);

  for (guint i = 0; i < inherited->len; i++)
    close (g_array_index (inherited, int, i));
}

/* -1: there is none. @type: of the socket. */
static int
find_socket (int *type)
{
  g_autofree char *value = g_strdup (g_getenv (PROC_CHANNEL_VARIABLE));
  guint64 fd;

  if (value == NULL)
    return -1;

  /* So that this process's own children don't take themselves for helpers. */
  g_unsetenv (PROC_CHANNEL_VARIABLE);

  if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT, &fd, NULL) || !is_connected_socket (fd, type))
    return -1;

  return fd;
}

static gboolean
become_helper (void)
{
  int type = 0;
  int fd = find_socket (&type);

  if (fd < 0)
    return FALSE;

  if (type == SOCK_STREAM)
    channel_fd = fd;
  else
    control_fd = fd;
  fcntl (fd, F_SETFD, FD_CLOEXEC);

  /* Fails where the launcher has made this process a session leader: it leads a group then too. */
  setpgid (0, 0);
  close_inherited (fd);

  return TRUE;
}

gboolean
proc_own_process_is_helper (void)
{
  enum
  {
    UNKNOWN,
    HELPER,
    OTHER
  };
  static gsize kind = UNKNOWN;

  if (g_once_init_enter (&kind))
    g_once_init_leave (&kind, become_helper () ? HELPER : OTHER);

  return kind == HELPER;
}

int
proc_own_process_take_channel (void)
{
  int fd;

  if (!proc_own_process_is_helper ())
    return -1;

  fd = channel_fd;
  channel_fd = -1;
  return fd;
}

gboolean
proc_own_process_is_template (void)
{
  return proc_own_process_is_helper () && control_fd >= 0;
}

int
proc_own_process_take_control (void)
{
  int fd = proc_own_process_is_template () ? control_fd : -1;

  control_fd = -1;
  return fd;
}

gboolean
proc_own_process_leads_group (void)
{
  return getpgrp () == getpid ();
}

void
proc_own_process_kill (void)
{
  kill (proc_own_process_leads_group () ? 0 : getpid (), SIGKILL);
  _exit (EXIT_FAILURE); /* to tell the compiler that nothing follows */
}
