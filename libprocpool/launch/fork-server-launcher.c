/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "launch/fork-server-launcher.h"

#include "base/error.h"

/* It starts nothing by itself, like any launcher: each pool that has one keeps a template process of its own, which it
 * starts as this launcher says.
 */
struct _ProcForkServerLauncher
{
  ProcLauncher parent_instance;

  ProcLauncher *launcher; /* of the template */
};

enum
{
  PROP_0,
  PROP_LAUNCHER,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/**
 * ProcForkServerLauncher:
 *
 * A launcher whose helper processes are forks of one that has loaded all it needs.
 *
 * The first helper process that a pool needs makes it start a process of the wrapped launcher, the template. This
 * one does all that comes before proc_helper_run(): an interpreter starts, modules and data are loaded, functions
 * are added. Then it runs no task but forks whenever the pool needs a helper process, and the fork is ready at
 * once. So it is for helpers that take long to load, and for pools that replace their helper processes often.
 * Memory that was filled before the fork is shared, page by page, as long as nobody writes to it.
 *
 * The forks are helper processes like others: each has its channel, its process group and its own captured
 * outputs, runs the pool's initializer, and its exit code or signal is told. #ProcLauncher:stdin, an output that
 * isn't captured and #ProcLauncher:environment are the template's, as they are when it is started;
 * #ProcLauncher:cwd and #ProcLauncher:memory-limit apply to each fork.
 *
 * **Threads.** A fork has one thread, whatever its parent had: a lock that another thread held stays locked in it for ever.
 * So a template that has more than one thread refuses to fork, and the start fails with
 * %PROC_POOL_ERROR_START_FAILED, which names the threads. Threads are started after the fork, by the initializer or the
 * functions. A helper in C or Vala can be a template as it is; one in Python as well, if it gives `os.fork` to
 * proc_helper_set_fork_function(); one in gjs can't, since its interpreter has threads from the start.
 *
 * **What is shared.** What the template has open is open in all of its forks, at the same position: files and connections
 * are better opened by the initializer. Secrets and the layout of the address space are the same in all of them.
 * GLib's random numbers are seeded anew in each, and the default main context is each one's own; what
 * else must differ, say random(3), is the initializer's part. #ProcWorker:memory counts what is shared, too.
 *
 * The template ends with its pool. If it dies before, the helper processes that it has forked go on, and the next start
 * starts another. A template goes on with the program that it has loaded when the file is replaced meanwhile.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (ProcForkServerLauncher, proc_fork_server_launcher, PROC_TYPE_LAUNCHER)

/* The template itself tells how a fork has ended. */
static ProcLauncherFlags
proc_fork_server_launcher_get_flags (ProcLauncher *launcher)
{
  ProcForkServerLauncher *self = PROC_FORK_SERVER_LAUNCHER (launcher);

  return proc_launcher_get_flags (self->launcher) | PROC_LAUNCHER_EXIT_STATUS;
}

static char **
proc_fork_server_launcher_prepare (ProcLauncher *launcher, GSubprocessLauncher *subprocess_launcher, GError **error)
{
  const ProcLauncherFlags needed = PROC_LAUNCHER_PASSES_FDS | PROC_LAUNCHER_SAME_HOST;
  ProcForkServerLauncher *self = PROC_FORK_SERVER_LAUNCHER (launcher);

  if ((proc_launcher_get_flags (self->launcher) & needed) != needed)
    {
      g_set_error (error, PROC_POOL_ERROR, PROC_POOL_ERROR_SPAWN_FAILED,
                   "A process of the launcher %s can't fork helper processes for this one: it can't be given their channels",
                   G_OBJECT_TYPE_NAME (self->launcher));
      return NULL;
    }

  return proc_launcher_prepare (self->launcher, subprocess_launcher, error);
}

/* What was set on the wrapped one, unless it is set anew. */
static void
proc_fork_server_launcher_constructed (GObject *object)
{
  ProcForkServerLauncher *self = PROC_FORK_SERVER_LAUNCHER (object);
  ProcLauncher *launcher = PROC_LAUNCHER (object);

  G_OBJECT_CLASS (proc_fork_server_launcher_parent_class)->constructed (object);

  g_return_if_fail (self->launcher != NULL);

  proc_launcher_set_stdin (launcher, proc_launcher_get_stdin (self->launcher));
  proc_launcher_set_stdout (launcher, proc_launcher_get_stdout (self->launcher));
  proc_launcher_set_stderr (launcher, proc_launcher_get_stderr (self->launcher));
  proc_launcher_set_cwd (launcher, proc_launcher_get_cwd (self->launcher));
  proc_launcher_set_memory_limit (launcher, proc_launcher_get_memory_limit (self->launcher));
}

static void
proc_fork_server_launcher_finalize (GObject *object)
{
  ProcForkServerLauncher *self = PROC_FORK_SERVER_LAUNCHER (object);

  g_clear_object (&self->launcher);

  G_OBJECT_CLASS (proc_fork_server_launcher_parent_class)->finalize (object);
}

static void
proc_fork_server_launcher_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  ProcForkServerLauncher *self = PROC_FORK_SERVER_LAUNCHER (object);

  switch (property_id)
    {
    case PROP_LAUNCHER:
      g_value_set_object (value, self->launcher);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_fork_server_launcher_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  ProcForkServerLauncher *self = PROC_FORK_SERVER_LAUNCHER (object);

  switch (property_id)
    {
    case PROP_LAUNCHER:
      self->launcher = g_value_dup_object (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
proc_fork_server_launcher_class_init (ProcForkServerLauncherClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  ProcLauncherClass *launcher_class = PROC_LAUNCHER_CLASS (klass);

  object_class->constructed = proc_fork_server_launcher_constructed;
  object_class->finalize = proc_fork_server_launcher_finalize;
  object_class->get_property = proc_fork_server_launcher_get_property;
  object_class->set_property = proc_fork_server_launcher_set_property;

  launcher_class->get_flags = proc_fork_server_launcher_get_flags;
  launcher_class->prepare = proc_fork_server_launcher_prepare;

  /**
   * ProcForkServerLauncher:launcher:
   *
   * The launcher that says what the template runs.
   *
   * Since: 1.0
   */
  properties[PROP_LAUNCHER] =
      g_param_spec_object ("launcher", NULL, NULL, PROC_TYPE_LAUNCHER,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
proc_fork_server_launcher_init (ProcForkServerLauncher *self)
{
}

/**
 * proc_fork_server_launcher_new:
 * @launcher: says what the template runs
 *
 * Makes a launcher whose helper processes are forks of a process of @launcher. The settings of @launcher, such as
 * #ProcLauncher:cwd, are taken over once; what is in its #ProcLauncher:environment comes on top of what is in the new
 * launcher's.
 *
 * Returns: (transfer full): a new launcher
 *
 * Since: 1.0
 */
ProcLauncher *
proc_fork_server_launcher_new (ProcLauncher *launcher)
{
  g_return_val_if_fail (PROC_IS_LAUNCHER (launcher), NULL);

  return g_object_new (PROC_TYPE_FORK_SERVER_LAUNCHER, "launcher", launcher, NULL);
}

/**
 * proc_fork_server_launcher_get_launcher:
 * @self: a launcher
 *
 * Gets #ProcForkServerLauncher:launcher.
 *
 * Returns: (transfer none): the launcher that says what the template runs
 *
 * Since: 1.0
 */
ProcLauncher *
proc_fork_server_launcher_get_launcher (ProcForkServerLauncher *self)
{
  g_return_val_if_fail (PROC_IS_FORK_SERVER_LAUNCHER (self), NULL);

  return self->launcher;
}
