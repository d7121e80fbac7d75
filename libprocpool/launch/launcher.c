/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "launch/launcher.h"

#include <string.h>

#include "base/enum-types.h"
#include "base/error.h"

/* A launcher has settings and no other state: it starts nothing by itself. The pool asks it what to run
 * for each helper process, and applies the standard streams and the channel around the answer.
 */

typedef struct
{
  char **environment; /* NULL, never empty, for none */
  char *cwd;
  ProcStdio stdin_disposition;
  ProcStdio stdout_disposition;
  ProcStdio stderr_disposition;
  guint64 memory_limit; /* bytes, 0: none */
} ProcLauncherPrivate;

enum
{
  PROP_0,
  PROP_ENVIRONMENT,
  PROP_CWD,
  PROP_STDIN,
  PROP_STDOUT,
  PROP_STDERR,
  PROP_MEMORY_LIMIT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/**
 * ProcLauncher:
 *
 * How a helper process comes to be.
 *
 * A launcher tells a #ProcPool what to run for each helper process, in what environment, with which
 * standard streams, and what the pool can count on. #ProcLocalLauncher runs a program on this machine.
 * A class of your own implements #ProcLauncherClass.prepare, and #ProcLauncherClass.get_flags if its
 * helpers can do less.
 *
 * A launcher may serve several pools. Its properties apply to the helper processes that are started
 * after they are set. Set them in the thread of the pools' main context, or before a pool has it.
 *
 * Since: 1.0
 */
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ProcLauncher, proc_launcher, G_TYPE_OBJECT)

static ProcLauncherPrivate *
get_private (ProcLauncher *self)
{
  return proc_launcher_get_instance_private (self);
}

static ProcLauncherFlags
proc_launcher_real_get_flags (ProcLauncher *self)
{
  return PROC_LAUNCHER_PASSES_FDS | PROC_LAUNCHER_SAME_HOST | PROC_LAUNCHER_EXIT_STATUS;
}

static char **
proc_launcher_real_prepare (ProcLauncher *self, GSubprocessLauncher *subprocess_launcher, GError **error)
{
  g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
               "The launcher %s doesn't say what to run for a helper process: it has to implement prepare",
               G_OBJECT_TYPE_NAME (self));
  return NULL;
}

static void
proc_launcher_finalize (GObject *object)
{
  ProcLauncherPrivate *priv = get_private (PROC_LAUNCHER (object));

  g_clear_pointer (&priv->environment, g_strfreev);
  g_clear_pointer (&priv->cwd, g_free);

  G_OBJECT_CLASS (proc_launcher_parent_class)->finalize (object);
}

static void
proc_launcher_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcLauncherPrivate *priv = get_private (PROC_LAUNCHER (object));

  switch (property_id)
    {
    case PROP_ENVIRONMENT:
      g_value_set_boxed (value, priv->environment);
      break;
    case PROP_CWD:
      g_value_set_string (value, priv->cwd);
      break;
    case PROP_STDIN:
      g_value_set_enum (value, priv->stdin_disposition);
      break;
    case PROP_STDOUT:
      g_value_set_enum (value, priv->stdout_disposition);
      break;
    case PROP_STDERR:
      g_value_set_enum (value, priv->stderr_disposition);
      break;
    case PROP_MEMORY_LIMIT:
      g_value_set_uint64 (value, priv->memory_limit);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_launcher_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcLauncher *self = PROC_LAUNCHER (object);

  switch (property_id)
    {
    case PROP_ENVIRONMENT:
      proc_launcher_set_environment (self, g_value_get_boxed (value));
      break;
    case PROP_CWD:
      proc_launcher_set_cwd (self, g_value_get_string (value));
      break;
    case PROP_STDIN:
      proc_launcher_set_stdin (self, g_value_get_enum (value));
      break;
    case PROP_STDOUT:
      proc_launcher_set_stdout (self, g_value_get_enum (value));
      break;
    case PROP_STDERR:
      proc_launcher_set_stderr (self, g_value_get_enum (value));
      break;
    case PROP_MEMORY_LIMIT:
      proc_launcher_set_memory_limit (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_launcher_class_init (ProcLauncherClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = proc_launcher_finalize;
  object_class->get_property = proc_launcher_get_property;
  object_class->set_property = proc_launcher_set_property;

  klass->get_flags = proc_launcher_real_get_flags;
  klass->prepare = proc_launcher_real_prepare;

  /**
   * ProcLauncher:environment:
   *
   * What is different in the environment of a helper process from the host's: "NAME=value" sets a
   * variable, "NAME" alone unsets it. %NULL for no difference.
   *
   * Since: 1.0
   */
  properties[PROP_ENVIRONMENT] =
      g_param_spec_boxed ("environment", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * ProcLauncher:cwd:
   *
   * The directory that functions run in; %NULL for the one that the helper process is started in,
   * the host's. A relative path starts at the latter.
   *
   * The helper changes to it once it runs, before its initializer: starting a process in another
   * directory would take time in proportion to the host's memory. So a path in the helper's arguments
   * is relative to the host's directory, and if it can't change, the start fails.
   *
   * Since: 1.0
   */
  properties[PROP_CWD] =
      g_param_spec_string ("cwd", NULL, NULL, NULL, flags);

  /**
   * ProcLauncher:stdin:
   *
   * What a helper process has as standard input: not %PROC_STDIO_CAPTURE.
   *
   * Since: 1.0
   */
  properties[PROP_STDIN] =
      g_param_spec_enum ("stdin", NULL, NULL, PROC_TYPE_STDIO, PROC_STDIO_DISCARD, flags);

  /**
   * ProcLauncher:stdout:
   *
   * What becomes of a helper process's standard output.
   *
   * Since: 1.0
   */
  properties[PROP_STDOUT] =
      g_param_spec_enum ("stdout", NULL, NULL, PROC_TYPE_STDIO, PROC_STDIO_INHERIT, flags);

  /**
   * ProcLauncher:stderr:
   *
   * What becomes of a helper process's standard error. Only if it is captured, the default, can the
   * error of a crash tell its last lines.
   *
   * Since: 1.0
   */
  properties[PROP_STDERR] =
      g_param_spec_enum ("stderr", NULL, NULL, PROC_TYPE_STDIO, PROC_STDIO_CAPTURE, flags);

  /**
   * ProcLauncher:memory-limit:
   *
   * How much memory of its own a helper process may have, in bytes; 0, the default, for any amount. What it
   * asks for beyond that it doesn't get, at which most programs end: the task fails with
   * %PROC_POOL_ERROR_CRASHED. #ProcPool:max-worker-memory is the milder way, which replaces a helper process after its task.
   *
   * It is the limit `RLIMIT_DATA` of setrlimit(2), for the helper process and, each for itself, for what it
   * starts: heap and other private writable memory count, large values from the host among it; programs and libraries don't.
   *
   * Since: 1.0
   */
  properties[PROP_MEMORY_LIMIT] =
      g_param_spec_uint64 ("memory-limit", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_launcher_init (ProcLauncher *self)
{
  ProcLauncherPrivate *priv = get_private (self);

  priv->stdin_disposition = PROC_STDIO_DISCARD;
  priv->stdout_disposition = PROC_STDIO_INHERIT;
  priv->stderr_disposition = PROC_STDIO_CAPTURE;
}

/**
 * proc_launcher_get_flags:
 * @self: a launcher
 *
 * Tells what the pool can count on: the virtual function of that name, which by default says
 * %PROC_LAUNCHER_PASSES_FDS, %PROC_LAUNCHER_SAME_HOST and %PROC_LAUNCHER_EXIT_STATUS. It must say the
 * same each time.
 *
 * Returns: what the helper processes of @self can be counted on for
 *
 * Since: 1.0
 */
ProcLauncherFlags
proc_launcher_get_flags (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), PROC_LAUNCHER_NONE);

  return PROC_LAUNCHER_GET_CLASS (self)->get_flags (self);
}

static void
apply_environment (ProcLauncher *self, GSubprocessLauncher *subprocess_launcher)
{
  char **environment = get_private (self)->environment;

  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    {
      const char *equals = strchr (environment[i], '=');

      if (equals != NULL)
        {
          g_autofree char *name = g_strndup (environment[i], equals - environment[i]);

          g_subprocess_launcher_setenv (subprocess_launcher, name, equals + 1, TRUE);
        }
      else
        {
          g_subprocess_launcher_unsetenv (subprocess_launcher, environment[i]);
        }
    }
}

/**
 * proc_launcher_prepare:
 * @self: a launcher
 * @subprocess_launcher: what the helper process will be started with
 * @error: return location for an error
 *
 * Applies #ProcLauncher:environment to @subprocess_launcher and asks @self what to run: the virtual
 * function of that name, which every class implements. The function may set up @subprocess_launcher
 * further, but leaves the standard streams alone, and whatever makes a start slow in a host with much
 * memory: a directory and a child setup.
 *
 * The program is best named by an absolute path, since a search along `PATH` is slow in the same way.
 *
 * The pool calls this in its main context for each helper process that it starts, which may be often:
 * it must not block.
 *
 * Fails with what the virtual function fails with, preferably %PROC_POOL_ERROR_SPAWN_FAILED; with that
 * too if it names no program.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the program and its
 *   arguments, or %NULL with @error set
 *
 * Since: 1.0
 */
char **
proc_launcher_prepare (ProcLauncher *self, GSubprocessLauncher *subprocess_launcher, GError **error)
{
  g_auto (GStrv) argv = NULL;
  GError *local_error = NULL;

  g_return_val_if_fail (PROC_IS_LAUNCHER (self), NULL);
  g_return_val_if_fail (G_IS_SUBPROCESS_LAUNCHER (subprocess_launcher), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  apply_environment (self, subprocess_launcher);

  argv = PROC_LAUNCHER_GET_CLASS (self)->prepare (self, subprocess_launcher, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, local_error);
      return NULL;
    }

  /* The class may be anybody's, in a language where an empty list is easily returned. */
  if (argv == NULL || argv[0] == NULL || argv[0][0] == '\0')
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "The launcher %s names no program to run for a helper process", G_OBJECT_TYPE_NAME (self));
      return NULL;
    }

  return g_steal_pointer (&argv);
}

/**
 * proc_launcher_get_environment:
 * @self: a launcher
 *
 * Gets #ProcLauncher:environment.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1) (element-type filename): the
 *   differences to the host's environment
 *
 * Since: 1.0
 */
const char *const *
proc_launcher_get_environment (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), NULL);

  return (const char *const *) get_private (self)->environment;
}

static gboolean
has_names (const char *const *environment)
{
  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    if (environment[i][0] == '\0' || environment[i][0] == '=')
      return FALSE;

  return TRUE;
}

static gboolean
environment_equal (const char *const *a, const char *const *b)
{
  return a == b || (a != NULL && b != NULL && g_strv_equal (a, b));
}

/**
 * proc_launcher_set_environment:
 * @self: a launcher
 * @environment: (nullable) (array zero-terminated=1) (element-type filename): "NAME=value" for each
 *   variable to set, "NAME" for each to unset; no name may be empty
 *
 * Sets #ProcLauncher:environment.
 *
 * Since: 1.0
 */
void
proc_launcher_set_environment (ProcLauncher *self, const char *const *environment)
{
  ProcLauncherPrivate *priv;

  g_return_if_fail (PROC_IS_LAUNCHER (self));
  g_return_if_fail (has_names (environment));

  priv = get_private (self);
  if (environment != NULL && environment[0] == NULL)
    environment = NULL;

  if (environment_equal ((const char *const *) priv->environment, environment))
    return;

  g_strfreev (priv->environment);
  priv->environment = g_strdupv ((char **) environment);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ENVIRONMENT]);
}

/**
 * proc_launcher_get_cwd:
 * @self: a launcher
 *
 * Gets #ProcLauncher:cwd.
 *
 * Returns: (transfer none) (nullable) (type filename): the directory that functions run in
 *
 * Since: 1.0
 */
const char *
proc_launcher_get_cwd (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), NULL);

  return get_private (self)->cwd;
}

/**
 * proc_launcher_set_cwd:
 * @self: a launcher
 * @cwd: (nullable) (type filename): a directory
 *
 * Sets #ProcLauncher:cwd.
 *
 * Since: 1.0
 */
void
proc_launcher_set_cwd (ProcLauncher *self, const char *cwd)
{
  ProcLauncherPrivate *priv;

  g_return_if_fail (PROC_IS_LAUNCHER (self));

  priv = get_private (self);
  if (g_strcmp0 (priv->cwd, cwd) == 0)
    return;

  g_free (priv->cwd);
  priv->cwd = g_strdup (cwd);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CWD]);
}

static void
set_disposition (ProcLauncher *self, ProcStdio *field, ProcStdio disposition, GParamSpec *pspec)
{
  if (*field == disposition)
    return;

  *field = disposition;
  g_object_notify_by_pspec (G_OBJECT (self), pspec);
}

static gboolean
is_output (ProcStdio disposition)
{
  return disposition == PROC_STDIO_INHERIT ||
         disposition == PROC_STDIO_DISCARD ||
         disposition == PROC_STDIO_CAPTURE;
}

/**
 * proc_launcher_get_stdin:
 * @self: a launcher
 *
 * Gets #ProcLauncher:stdin.
 *
 * Returns: what a helper process has as standard input
 *
 * Since: 1.0
 */
ProcStdio
proc_launcher_get_stdin (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), PROC_STDIO_DISCARD);

  return get_private (self)->stdin_disposition;
}

/**
 * proc_launcher_set_stdin:
 * @self: a launcher
 * @disposition: %PROC_STDIO_INHERIT or %PROC_STDIO_DISCARD
 *
 * Sets #ProcLauncher:stdin.
 *
 * Since: 1.0
 */
void
proc_launcher_set_stdin (ProcLauncher *self, ProcStdio disposition)
{
  g_return_if_fail (PROC_IS_LAUNCHER (self));
  g_return_if_fail (disposition == PROC_STDIO_INHERIT || disposition == PROC_STDIO_DISCARD);

  set_disposition (self, &get_private (self)->stdin_disposition, disposition, properties[PROP_STDIN]);
}

/**
 * proc_launcher_get_stdout:
 * @self: a launcher
 *
 * Gets #ProcLauncher:stdout.
 *
 * Returns: what becomes of a helper process's standard output
 *
 * Since: 1.0
 */
ProcStdio
proc_launcher_get_stdout (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), PROC_STDIO_INHERIT);

  return get_private (self)->stdout_disposition;
}

/**
 * proc_launcher_set_stdout:
 * @self: a launcher
 * @disposition: what is to become of standard output
 *
 * Sets #ProcLauncher:stdout.
 *
 * Since: 1.0
 */
void
proc_launcher_set_stdout (ProcLauncher *self, ProcStdio disposition)
{
  g_return_if_fail (PROC_IS_LAUNCHER (self));
  g_return_if_fail (is_output (disposition));

  set_disposition (self, &get_private (self)->stdout_disposition, disposition, properties[PROP_STDOUT]);
}

/**
 * proc_launcher_get_stderr:
 * @self: a launcher
 *
 * Gets #ProcLauncher:stderr.
 *
 * Returns: what becomes of a helper process's standard error
 *
 * Since: 1.0
 */
ProcStdio
proc_launcher_get_stderr (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), PROC_STDIO_CAPTURE);

  return get_private (self)->stderr_disposition;
}

/**
 * proc_launcher_set_stderr:
 * @self: a launcher
 * @disposition: what is to become of standard error
 *
 * Sets #ProcLauncher:stderr.
 *
 * Since: 1.0
 */
void
proc_launcher_set_stderr (ProcLauncher *self, ProcStdio disposition)
{
  g_return_if_fail (PROC_IS_LAUNCHER (self));
  g_return_if_fail (is_output (disposition));

  set_disposition (self, &get_private (self)->stderr_disposition, disposition, properties[PROP_STDERR]);
}

/**
 * proc_launcher_get_memory_limit:
 * @self: a launcher
 *
 * Gets #ProcLauncher:memory-limit.
 *
 * Returns: bytes; 0 for no limit
 *
 * Since: 1.0
 */
guint64
proc_launcher_get_memory_limit (ProcLauncher *self)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (self), 0);

  return get_private (self)->memory_limit;
}

/**
 * proc_launcher_set_memory_limit:
 * @self: a launcher
 * @memory_limit: bytes; 0 for no limit
 *
 * Sets #ProcLauncher:memory-limit.
 *
 * Since: 1.0
 */
void
proc_launcher_set_memory_limit (ProcLauncher *self, guint64 memory_limit)
{
  ProcLauncherPrivate *priv;

  g_return_if_fail (PROC_IS_LAUNCHER (self));

  priv = get_private (self);
  if (priv->memory_limit == memory_limit)
    return;

  priv->memory_limit = memory_limit;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MEMORY_LIMIT]);
}
