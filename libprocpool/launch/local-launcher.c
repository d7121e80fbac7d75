/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "launch/local-launcher.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel-env.h"
#include "base/error.h"

/* What is run, by what is set: `module`: the library's own helper program with that module; else `argv`:
 * that program; else this program, re-executed. None of it changes once the launcher is made, and the
 * file system is looked at anew for each helper process: a program may be installed or upgraded meanwhile.
 */
struct _ProcLocalLauncher
{
  ProcLauncher parent_instance;

  char **argv;  /* as given */
  char *folder; /* what a relative path in argv[0] starts from */
  char *module; /* absolute */
};

enum
{
  PROP_0,
  PROP_ARGV,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/**
 * ProcLocalLauncher:
 *
 * A launcher that runs a program on this machine: one of your own, this program once more, or the
 * library's helper program with a loadable module.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (ProcLocalLauncher, proc_local_launcher, PROC_TYPE_LAUNCHER)

/* Whether @path can be run, as far as that can be told before. The system's own answer would come from
 * behind the start of a process, without the path.
 */
static gboolean
check_program (const char *path, GError **error)
{
  struct stat status;
  int error_number = 0;

  if (stat (path, &status) < 0)
    error_number = errno;
  else if (S_ISDIR (status.st_mode))
    error_number = EISDIR;
  else if (access (path, X_OK) < 0)
    error_number = errno;

  if (error_number == 0)
    return TRUE;

  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
               "Can't run the helper program “%s”: %s", path, g_strerror (error_number));
  return FALSE;
}

static char *
find_program (ProcLocalLauncher *self, const char *name, GError **error)
{
  g_autofree char *path = NULL;

  if (name == NULL || name[0] == '\0')
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                           "Can't run a helper program: its name is empty");
      return NULL;
    }

  if (strchr (name, '/') != NULL)
    {
      /* Not g_canonicalize_filename(): "link/.." isn't always here. */
      path = g_path_is_absolute (name) ? g_strdup (name) : g_build_filename (self->folder, name, NULL);
      return check_program (path, error) ? g_steal_pointer (&path) : NULL;
    }

  path = g_find_program_in_path (name);
  if (path == NULL)
    {
      const char *search_path = g_getenv ("PATH");

      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "Can't run the helper program “%s”: it isn't in any folder of PATH (%s)",
                   name, search_path != NULL ? search_path : "which isn't set");
    }

  return g_steal_pointer (&path);
}

static char **
prepare_program (ProcLocalLauncher *self, GError **error)
{
  char *path = find_program (self, self->argv[0], error);
  char **argv;

  if (path == NULL)
    return NULL;

  argv = g_strdupv (self->argv);
  g_free (argv[0]);
  argv[0] = path;
  return argv;
}

static char **
prepare_module (ProcLocalLauncher *self, GError **error)
{
  const char *folder = g_getenv ("PROCPOOL_HELPER_DIR");
  g_autofree char *path = NULL;
  g_autoptr (GStrvBuilder) argv = NULL;

  path = g_build_filename (folder != NULL && folder[0] != '\0' ? folder : PROC_HELPER_DIR, "procpool-helper", NULL);
  if (!check_program (path, error))
    {
      g_prefix_error (error, "The library's own helper program is missing or broken; install it, or set "
                             "PROCPOOL_HELPER_DIR to its folder: ");
      return NULL;
    }

  argv = g_strv_builder_new ();
  g_strv_builder_add_many (argv, path, self->module, NULL);
  return g_strv_builder_end (argv);
}

static gboolean
is_same_file (const char *a, const char *b)
{
  struct stat first;
  struct stat second;

  return stat (a, &first) == 0 && stat (b, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* By the name that it was started by if that still leads to it: a program of several names tells by it
 * what it is to do, and python3 by it which virtual environment it is in. Else by its own path. If its
 * file was removed or replaced, by the link in /proc, which goes on leading to the file that this process
 * runs: a newer program might not understand what the host sends.
 */
static char *
find_self (const char *name, GError **error)
{
  g_autofree char *path = g_file_read_link ("/proc/self/exe", error);
  g_autofree char *named = NULL;

  if (path == NULL)
    {
      g_prefix_error (error, "Can't find this program to run it as a helper process: ");
      return NULL;
    }

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return g_strdup ("/proc/self/exe");

  if (name[0] != '\0')
    named = strchr (name, '/') != NULL ? g_canonicalize_filename (name, NULL) : g_find_program_in_path (name);
  if (named != NULL && is_same_file (named, path))
    return g_steal_pointer (&named);

  return g_steal_pointer (&path);
}

static char **
split_command_line (const char *text, gsize length)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const char *end = text + length;

  /* Each argument ends with a NUL, the last one too; g_file_get_contents() adds one of its own. */
  for (const char *argument = text; argument < end; argument += strlen (argument) + 1)
    g_strv_builder_add (argv, argument);
  if (length == 0)
    g_strv_builder_add (argv, "");

  return g_strv_builder_end (argv);
}

static char **
prepare_self (GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) argv = NULL;
  GError *local_error = NULL;
  char *path = NULL;
  gsize length;

  /* proc_helper_is_helper_process() unsets it. A program that doesn't call it would start itself, which
   * would start itself, without an end.
   */
  if (g_getenv (PROC_CHANNEL_VARIABLE) != NULL)
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                           "This program was started as a helper process but did not serve: call "
                           "proc_helper_is_helper_process () first thing in main ()");
      return NULL;
    }

  if (g_file_get_contents ("/proc/self/cmdline", &text, &length, &local_error))
    {
      argv = split_command_line (text, length);
      path = find_self (argv[0], &local_error);
    }

  if (path == NULL)
    {
      g_set_error_literal (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED, local_error->message);
      g_error_free (local_error);
      return NULL;
    }

  g_free (argv[0]);
  argv[0] = path;
  return g_steal_pointer (&argv);
}

static char **
proc_local_launcher_prepare (ProcLauncher *launcher, GSubprocessLauncher *subprocess_launcher, GError **error)
{
  ProcLocalLauncher *self = PROC_LOCAL_LAUNCHER (launcher);

  if (self->module != NULL)
    return prepare_module (self, error);
  if (self->argv != NULL)
    return prepare_program (self, error);

  return prepare_self (error);
}

static void
proc_local_launcher_finalize (GObject *object)
{
  ProcLocalLauncher *self = PROC_LOCAL_LAUNCHER (object);

  g_clear_pointer (&self->argv, g_strfreev);
  g_clear_pointer (&self->folder, g_free);
  g_clear_pointer (&self->module, g_free);

  G_OBJECT_CLASS (proc_local_launcher_parent_class)->finalize (object);
}

static void
proc_local_launcher_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcLocalLauncher *self = PROC_LOCAL_LAUNCHER (object);

  switch (property_id)
    {
    case PROP_ARGV:
      g_value_set_boxed (value, self->argv);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_local_launcher_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcLocalLauncher *self = PROC_LOCAL_LAUNCHER (object);

  switch (property_id)
    {
    case PROP_ARGV:
      self->argv = g_value_dup_boxed (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_local_launcher_class_init (ProcLocalLauncherClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  ProcLauncherClass *launcher_class = PROC_LAUNCHER_CLASS (klass);

  object_class->finalize = proc_local_launcher_finalize;
  object_class->get_property = proc_local_launcher_get_property;
  object_class->set_property = proc_local_launcher_set_property;

  launcher_class->prepare = proc_local_launcher_prepare;

  /**
   * ProcLocalLauncher:argv:
   *
   * The program to run and its arguments; %NULL for this program, re-executed, or for the library's
   * helper program with a module.
   *
   * Since: 1.0
   */
  properties[PROP_ARGV] =
      g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_local_launcher_init (ProcLocalLauncher *self)
{
  self->folder = g_get_current_dir ();
}

/**
 * proc_local_launcher_new:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments; not empty
 *
 * Makes a launcher that runs a helper program.
 *
 * A name without a slash is looked up along the host's `PATH`. A relative path is relative to the
 * directory that the host is in now, even if it changes to another one later.
 *
 * The program is looked for each time that a helper process is started. If it is missing or may not be
 * run, that fails with %PROC_POOL_ERROR_SPAWN_FAILED.
 *
 * Returns: (transfer full): a new launcher
 *
 * Since: 1.0
 */
ProcLauncher *
proc_local_launcher_new (const char *const *argv)
{
  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  return g_object_new (PROC_TYPE_LOCAL_LAUNCHER, "argv", argv, NULL);
}

/**
 * proc_local_launcher_new_for_self:
 *
 * Makes a launcher that runs this program once more, with the same arguments; so an interpreter runs
 * the same script again.
 *
 * The program has to call proc_helper_is_helper_process() first thing in `main`, and if that says so
 * serve as a helper instead of doing what it is for. In a process that was started as a helper and
 * didn't ask, the launcher fails with %PROC_POOL_ERROR_SPAWN_FAILED rather than start one after the
 * other.
 *
 * If the program's file was removed or replaced since this process started, its helper processes still
 * run the old one, like the host. The arguments are those in `/proc/self/cmdline`, which a program that
 * writes a title over its arguments spoils, and relative paths in them are taken from the directory
 * that the host is in when a helper process is started.
 *
 * Returns: (transfer full): a new launcher
 *
 * Since: 1.0
 */
ProcLauncher *
proc_local_launcher_new_for_self (void)
{
  return g_object_new (PROC_TYPE_LOCAL_LAUNCHER, NULL);
}

/**
 * proc_local_launcher_new_for_module:
 * @path: (type filename): a loadable module; a relative path is relative to the directory that the
 *   host is in now
 *
 * Makes a launcher that runs the library's own helper program, which serves the functions of a
 * loadable module: those that its `proc_module_add_functions` adds.
 *
 * The helper program is looked for where it was installed, or in the folder that the environment variable
 * `PROCPOOL_HELPER_DIR` names. If it is missing, starting a helper process fails with
 * %PROC_POOL_ERROR_SPAWN_FAILED. What is wrong with the module is told by the helper process.
 *
 * Returns: (transfer full): a new launcher
 *
 * Since: 1.0
 */
ProcLauncher *
proc_local_launcher_new_for_module (const char *path)
{
  ProcLocalLauncher *self;

  g_return_val_if_fail (path != NULL && path[0] != '\0', NULL);

  self = g_object_new (PROC_TYPE_LOCAL_LAUNCHER, NULL);
  self->module = g_path_is_absolute (path) ? g_strdup (path) : g_build_filename (self->folder, path, NULL);

  return PROC_LAUNCHER (self);
}

/**
 * proc_local_launcher_get_argv:
 * @self: a launcher
 *
 * Gets #ProcLocalLauncher:argv.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1) (element-type filename): the program and
 *   its arguments as they were given; %NULL for this program or the library's own
 *
 * Since: 1.0
 */
const char *const *
proc_local_launcher_get_argv (ProcLocalLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LOCAL_LAUNCHER (self), NULL);

  return (const char *const *) self->argv;
}
