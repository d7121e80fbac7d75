/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Sync functions about the process: what it is, and all ways to lose it. The table at the end tells
 * them all.
 */

#include "test-helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what it is ---- */

static GVariant *
get_pid (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (getpid ());
}

static GVariant *
get_group (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_int32 (getpgrp ());
}

static GVariant *
get_cores (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  gsize n_cores;
  const int *cores = proc_invocation_get_cores (invocation, &n_cores);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, cores, n_cores, sizeof *cores);
}

/* What the kernel says, rather than the library: the cores of all threads together. */
static GVariant *
get_affinity (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GVariantBuilder builder;
  DIR *directory = opendir ("/proc/self/task");
  const struct dirent *entry;
  cpu_set_t all;

  CPU_ZERO (&all);
  while ((entry = readdir (directory)) != NULL)
    {
      cpu_set_t set;

      CPU_ZERO (&set);
      if (atoi (entry->d_name) > 0 && sched_getaffinity (atoi (entry->d_name), sizeof set, &set) == 0)
        CPU_OR (&all, &all, &set);
    }
  closedir (directory);

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ai"));
  for (int core = 0; core < CPU_SETSIZE; core++)
    {
      if (CPU_ISSET (core, &all))
        g_variant_builder_add (&builder, "i", core);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
get_cwd (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  return g_variant_new_take_string (g_get_current_dir ());
}

static GVariant *
get_env (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "s", error))
    return NULL;

  return g_variant_new ("ms", g_getenv (g_variant_get_string (arguments, NULL)));
}

/* What is inherited has its close-on-exec flag clear; what GLib and the library open has it set. */
static GVariant *
get_open_fds (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  GVariantBuilder builder;
  DIR *directory = opendir ("/proc/self/fd");
  const struct dirent *entry;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ai"));
  while ((entry = readdir (directory)) != NULL)
    {
      int fd = atoi (entry->d_name);

      if (fd > STDERR_FILENO && (fcntl (fd, F_GETFD) & FD_CLOEXEC) == 0)
        g_variant_builder_add (&builder, "i", fd);
    }

  closedir (directory);
  return g_variant_builder_end (&builder);
}

/* ---- ways to lose it ---- */

static GVariant *
crash (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  int signum;

  if (!test_check_type (arguments, "i", error))
    return NULL;

  signum = g_variant_get_int32 (arguments);
  signal (signum, SIG_DFL);
  raise (signum);
  return NULL;
}

static GVariant *
exit_with (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  if (!test_check_type (arguments, "i", error))
    return NULL;

  _exit (g_variant_get_int32 (arguments));
  return NULL;
}

static void
reply_then_exit (ProcInvocation *invocation, GVariant *arguments, gpointer user_data)
{
  proc_invocation_return_value (invocation, arguments);
  _exit (0);
}

static GVariant *
close_channel (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  close (test_helper_channel);

  for (;;)
    pause ();

  return NULL;
}

static GVariant *
stop_self (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  raise (SIGSTOP);
  return NULL;
}

static GVariant *
sleep_forever (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  proc_invocation_progress (invocation, 0.0, "sleeping");

  for (;;)
    pause ();

  return NULL;
}

static GVariant *
ignore_sigterm (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  signal (SIGTERM, SIG_IGN);
  return sleep_forever (invocation, arguments, user_data, error);
}

/* Touched, and kept. */
static GVariant *
allocate (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  static GPtrArray *kept;
  char *memory;

  if (!test_check_type (arguments, "t", error))
    return NULL;

  if (kept == NULL)
    kept = g_ptr_array_new ();

  memory = g_malloc (g_variant_get_uint64 (arguments));
  memset (memory, 1, g_variant_get_uint64 (arguments));
  g_ptr_array_add (kept, memory);
  return NULL;
}

/* ---- children ---- */

/* In this process group, and knowing nothing of the host. */
static GVariant *
start_child (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  pid_t pid = fork ();

  if (pid == 0)
    {
      for (;;)
        pause ();
    }

  return g_variant_new_int32 (pid);
}

static GVariant *
grandchild (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  pid_t pid = fork ();

  if (pid == 0)
    test_helper_sleep ();

  proc_invocation_output (invocation, g_variant_new_int32 (pid));
  raise (SIGKILL);
  return NULL;
}

/* The child takes itself for the helper. */
static GVariant *
fork_and_return (ProcInvocation *invocation, GVariant *arguments, gpointer user_data, GError **error)
{
  pid_t pid = fork ();
  int status = -1;

  if (pid == 0)
    return g_variant_new_string ("child");

  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;

  return g_variant_new_string (WIFEXITED (status) ? "parent" : "the child was killed");
}

static const struct
{
  const char *name;
  ProcFunction function;
} functions[] = {
  { "pid", get_pid },                    /* → i */
  { "process-group", get_group },        /* → i */
  { "cores", get_cores },                /* → ai: what the invocation says */
  { "affinity", get_affinity },          /* → ai: what the kernel says */
  { "cwd", get_cwd },                    /* → s */
  { "getenv", get_env },                 /* s → ms */
  { "open-fds", get_open_fds },          /* → ai: what was inherited besides standard input, output, error */
  { "crash", crash },                    /* i: dies of that signal */
  { "exit", exit_with },                 /* i: exits with that code */
  { "close-channel", close_channel },    /* closes the socket and lives on */
  { "stop-self", stop_self },            /* SIGSTOP */
  { "sleep-forever", sleep_forever },    /* whatever the cancellable says; progress "sleeping" */
  { "ignore-sigterm", ignore_sigterm },  /* the same, deaf to SIGTERM */
  { "allocate", allocate },              /* t: takes so many bytes for good */
  { "start-child", start_child },        /* → i: a child that never ends by itself */
  { "grandchild", grandchild },          /* dies; a child, whose pid is put out, holds the socket */
  { "fork-and-return", fork_and_return } /* → "parent" */
};

void
test_process_functions_add (ProcHelper *helper)
{
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    proc_helper_add_function (helper, functions[i].name, functions[i].function, helper, NULL);

  /* arguments: returns them, and is gone. */
  proc_helper_add_async_function (helper, "reply-then-exit", reply_then_exit, NULL, NULL);
}
