/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "helper/helper.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "helper/build-id.h"
#include "helper/command.h"
#include "helper/each.h"
#include "helper/invocation-private.h"
#include "helper/fork-server.h"
#include "helper/log-writer.h"
#include "helper/module-loader.h"
#include "helper/own-process.h"
#include "helper/server.h"
#include "wire/command.h"

/**
 * ProcHelper:
 *
 * The runtime of a helper process: it runs functions for the host.
 *
 * A helper program makes one, adds its functions and serves:
 *
 * |[<!-- language="C" -->
 * int
 * main (int argc, char *argv[])
 * {
 *   g_autoptr (ProcHelper) helper = proc_helper_new ();
 *
 *   proc_helper_add_function (helper, "sqrt", square_root, NULL, NULL);
 *   return proc_helper_run (helper);
 * }
 * ]|
 *
 * A program may be its own helper: it asks proc_helper_is_helper_process() first thing in `main()`.
 *
 * Functions run in the thread that calls proc_helper_run(), one after the other; an async function
 * (proc_helper_add_async_function()) may leave work to other threads or to the main loop and reply later.
 * Standard input, output and error are the functions' own: the channel to the host is another
 * descriptor.
 *
 * A helper process leads its own process group, and what it starts ends with it. It must not leave that
 * group, nor close descriptors that it hasn't opened.
 *
 * A child that a function forks off has no part in the channel: it may run another program or end
 * with `_exit()`, and is ended when it returns into the runtime instead.
 *
 * Since: 1.0
 */

typedef struct
{
  /* One of the two is set. */
  ProcFunction function;
  ProcAsyncFunction async_function;
  gpointer user_data;
  GDestroyNotify destroy;

  /* Whose it is. */
  ProcHelper *helper;
} Function;

struct _ProcHelper
{
  GObject parent_instance;

  /* Names to Function. */
  GHashTable *functions;
  /* For all other names; NULL without one. */
  Function *fallback;

  ProcErrorHook error_hook;
  gpointer error_hook_data;
  GDestroyNotify error_hook_destroy;

  /* How a template forks; NULL: by fork(). */
  ProcForkFunction fork_function;
  gpointer fork_function_data;
  GDestroyNotify fork_function_destroy;

  gboolean forward_logs;

  /* NULL: not set, and then made of the program's and the modules' own. */
  char *build_id;
  GString *module_build_ids;

  /* Atomic: proc_helper_retire() is called from any thread. */
  gint retiring;
};

enum
{
  PROP_0,
  PROP_FORWARD_LOGS,
  PROP_BUILD_ID,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (ProcHelper, proc_helper, G_TYPE_OBJECT)

static void
function_free (Function *self)
{
  if (self->destroy != NULL)
    self->destroy (self->user_data);

  g_free (self);
}

static void
proc_helper_finalize (GObject *object)
{
  ProcHelper *self = PROC_HELPER (object);

  proc_helper_set_error_hook (self, NULL, NULL, NULL);
  proc_helper_set_fork_function (self, NULL, NULL, NULL);
  g_clear_pointer (&self->fallback, function_free);
  g_clear_pointer (&self->functions, g_hash_table_unref);
  g_string_free (self->module_build_ids, TRUE);
  g_free (self->build_id);

  G_OBJECT_CLASS (proc_helper_parent_class)->finalize (object);
}

static void
proc_helper_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ProcHelper *self = PROC_HELPER (object);

  switch (id)
    {
    case PROP_FORWARD_LOGS:
      g_value_set_boolean (value, self->forward_logs);
      break;
    case PROP_BUILD_ID:
      g_value_take_string (value, proc_helper_dup_build_id (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
proc_helper_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ProcHelper *self = PROC_HELPER (object);

  switch (id)
    {
    case PROP_FORWARD_LOGS:
      proc_helper_set_forward_logs (self, g_value_get_boolean (value));
      break;
    case PROP_BUILD_ID:
      proc_helper_set_build_id (self, g_value_get_string (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
proc_helper_class_init (ProcHelperClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = proc_helper_finalize;
  object_class->get_property = proc_helper_get_property;
  object_class->set_property = proc_helper_set_property;

  /**
   * ProcHelper:forward-logs:
   *
   * Whether what this process logs with GLib (g_message(), g_warning(), g_log_structured() …) goes to the
   * host, as #ProcPool::log, rather than to standard error. Looked at by proc_helper_run().
   *
   * GLib takes one log writer in the life of a process: a program that has one of its own
   * (g_log_set_writer_func()) must set this to %FALSE.
   *
   * Since: 1.0
   */
  properties[PROP_FORWARD_LOGS] =
      g_param_spec_boolean ("forward-logs", NULL, NULL, TRUE,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * ProcHelper:build-id:
   *
   * What tells this build of the helper from others; the host has it as #ProcWorker:build-id, and replaces its workers
   * when a newly started one tells another. By default it is what the linker has put into the program and the modules
   * that were added (their build ids of ELF), %NULL if that is nothing. A program whose code is elsewhere, in scripts say, sets
   * one that changes with them. Looked at by proc_helper_run().
   *
   * Since: 1.0
   */
  properties[PROP_BUILD_ID] =
      g_param_spec_string ("build-id", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
proc_helper_init (ProcHelper *self)
{
  proc_own_process_is_helper ();

  self->functions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) function_free);
  self->forward_logs = TRUE;
  self->module_build_ids = g_string_new (NULL);
}

/**
 * proc_helper_is_helper_process:
 *
 * Whether a pool has started this process as a helper. A program that is its own helper asks that first
 * thing in `main()`, before it starts threads or opens files:
 *
 * |[<!-- language="C" -->
 * if (proc_helper_is_helper_process ())
 *   return run_helper ();
 * ]|
 *
 * The first call in a helper process makes it the leader of its own process group, closes the descriptors
 * that it inherited (all but standard input, output and error and its channel) and takes out of the
 * environment what a pool has put there, so that its own children don't take themselves for helpers.
 * proc_helper_new() does the same. To be called from the main thread.
 *
 * Returns: %TRUE if this is a helper process
 *
 * Since: 1.0
 */
gboolean
proc_helper_is_helper_process (void)
{
  return proc_own_process_is_helper ();
}

/**
 * proc_helper_is_template:
 *
 * Whether this process is one that #ProcForkServerLauncher has started to fork helper processes, and not one of
 * them: then proc_helper_is_helper_process() is %TRUE as well. What all of them need is best loaded now. No
 * thread but this one may be there when proc_helper_run() is called.
 *
 * Returns: %TRUE in a template before it has called proc_helper_run() or proc_helper_refuse()
 *
 * Since: 1.0
 */
gboolean
proc_helper_is_template (void)
{
  return proc_own_process_is_template ();
}

/**
 * proc_helper_new:
 *
 * Makes a helper without functions; one a process will do. To be called from the main thread.
 *
 * Returns: (transfer full): a new #ProcHelper
 *
 * Since: 1.0
 */
ProcHelper *
proc_helper_new (void)
{
  return g_object_new (PROC_TYPE_HELPER, NULL);
}

static Function *
function_new (ProcHelper *helper, ProcFunction function, ProcAsyncFunction async_function, gpointer user_data, GDestroyNotify destroy)
{
  Function *self = g_new (Function, 1);

  *self = (Function){ function, async_function, user_data, destroy, helper };
  return self;
}

static gboolean
is_name_free (ProcHelper *self, const char *name)
{
  return name[0] != '\0' && !g_str_has_prefix (name, PROC_COMMAND_PREFIX) &&
         !g_hash_table_contains (self->functions, name);
}

/**
 * proc_helper_add_function:
 * @self: a #ProcHelper
 * @name: the name by which tasks ask for it: not empty, not taken, valid UTF-8, and without the prefix
 *   `proc:`, which is the library's own
 * @function: (scope notified) (closure user_data) (destroy destroy): the function
 * @user_data: handed to @function
 * @destroy: (nullable): called with @user_data when @self goes
 *
 * Adds a function that returns its result. It runs in the thread that calls proc_helper_run(), and
 * nothing else runs there meanwhile.
 *
 * Since: 1.0
 */
void
proc_helper_add_function (ProcHelper *self, const char *name, ProcFunction function, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (PROC_IS_HELPER (self));
  g_return_if_fail (name != NULL && is_name_free (self, name));
  g_return_if_fail (function != NULL);

  g_hash_table_insert (self->functions, g_strdup (name), function_new (self, function, NULL, user_data, destroy));
}

/**
 * proc_helper_add_async_function:
 * @self: a #ProcHelper
 * @name: the name by which tasks ask for it, as for proc_helper_add_function()
 * @function: (scope notified) (closure user_data) (destroy destroy): the function
 * @user_data: handed to @function
 * @destroy: (nullable): called with @user_data when @self goes
 *
 * Adds a function that replies later. It is called in the thread that calls proc_helper_run() and should
 * return soon, so that other tasks have their turn.
 *
 * Since: 1.0
 */
void
proc_helper_add_async_function (ProcHelper *self, const char *name, ProcAsyncFunction function, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (PROC_IS_HELPER (self));
  g_return_if_fail (name != NULL && is_name_free (self, name));
  g_return_if_fail (function != NULL);

  g_hash_table_insert (self->functions, g_strdup (name), function_new (self, NULL, function, user_data, destroy));
}

/**
 * proc_helper_set_fallback:
 * @self: a #ProcHelper
 * @function: (scope notified) (closure user_data) (destroy destroy) (nullable): the function, %NULL for none
 * @user_data: handed to @function
 * @destroy: (nullable): called with @user_data when @self goes or gets another fallback
 *
 * Sets the function that runs tasks with a name that isn't added; it finds the name with
 * proc_invocation_get_function(). So a helper can find functions as they are asked for, say in the
 * modules of a script language.
 *
 * Since: 1.0
 */
void
proc_helper_set_fallback (ProcHelper *self, ProcAsyncFunction function, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (PROC_IS_HELPER (self));

  g_clear_pointer (&self->fallback, function_free);
  if (function != NULL)
    self->fallback = function_new (self, NULL, function, user_data, destroy);
}

/**
 * proc_helper_set_error_hook:
 * @self: a #ProcHelper
 * @hook: (scope notified) (closure user_data) (destroy destroy) (nullable): the hook, %NULL for none
 * @user_data: handed to @hook
 * @destroy: (nullable): called with @user_data when @self goes or gets another hook
 *
 * Sets what is called for each function that fails, before its error is sent to the host. To be called
 * before proc_helper_run().
 *
 * Since: 1.0
 */
void
proc_helper_set_error_hook (ProcHelper *self, ProcErrorHook hook, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (PROC_IS_HELPER (self));

  if (self->error_hook_destroy != NULL)
    self->error_hook_destroy (self->error_hook_data);

  self->error_hook = hook;
  self->error_hook_data = user_data;
  self->error_hook_destroy = destroy;
}

/**
 * proc_helper_set_fork_function:
 * @self: a #ProcHelper
 * @function: (scope notified) (closure user_data) (destroy destroy) (nullable): what forks, %NULL for fork()
 * @user_data: handed to @function
 * @destroy: (nullable): called with @user_data when @self goes or gets another fork function
 *
 * Sets what proc_helper_run() calls in a template (see #ProcForkServerLauncher) for each helper process that is
 * to be forked. It is for languages whose interpreter has to know of a fork, or that have to open something anew
 * in it, which the function does before it returns there. In Python it is `os.fork`.
 *
 * Since: 1.0
 */
void
proc_helper_set_fork_function (ProcHelper *self, ProcForkFunction function, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (PROC_IS_HELPER (self));

  if (self->fork_function_destroy != NULL)
    self->fork_function_destroy (self->fork_function_data);

  self->fork_function = function;
  self->fork_function_data = user_data;
  self->fork_function_destroy = destroy;
}

/**
 * proc_helper_add_module:
 * @self: a #ProcHelper
 * @path: (type filename): the file name of a loadable module
 * @error: return location for an error
 *
 * Loads a module, for good, and calls its proc_module_add_functions(), which adds its functions to @self.
 *
 * Fails with %PROC_POOL_ERROR_INVALID_MODULE if it can't be loaded or doesn't define that.
 *
 * Returns: %TRUE if it is loaded
 *
 * Since: 1.0
 */
gboolean
proc_helper_add_module (ProcHelper *self, const char *path, GError **error)
{
  ProcModuleAddFunctions add_functions;
  g_autofree char *build_id = NULL;

  g_return_val_if_fail (PROC_IS_HELPER (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  add_functions = proc_module_load (path, error);
  if (add_functions == NULL)
    return FALSE;

  build_id = proc_build_id_of ((gconstpointer) add_functions);
  if (build_id != NULL)
    g_string_append_printf (self->module_build_ids, "+%s", build_id);

  add_functions (self);
  return TRUE;
}

/**
 * proc_helper_set_forward_logs:
 * @self: a #ProcHelper
 * @forward_logs: whether logs go to the host
 *
 * Sets #ProcHelper:forward-logs.
 *
 * Since: 1.0
 */
void
proc_helper_set_forward_logs (ProcHelper *self, gboolean forward_logs)
{
  g_return_if_fail (PROC_IS_HELPER (self));

  forward_logs = forward_logs != FALSE;
  if (self->forward_logs == forward_logs)
    return;

  self->forward_logs = forward_logs;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FORWARD_LOGS]);
}

/**
 * proc_helper_get_forward_logs:
 * @self: a #ProcHelper
 *
 * Gets #ProcHelper:forward-logs.
 *
 * Returns: #ProcHelper:forward-logs
 *
 * Since: 1.0
 */
gboolean
proc_helper_get_forward_logs (ProcHelper *self)
{
  g_return_val_if_fail (PROC_IS_HELPER (self), FALSE);

  return self->forward_logs;
}

/**
 * proc_helper_set_build_id:
 * @self: a #ProcHelper
 * @build_id: (nullable): a text that another build doesn't have; %NULL for the default
 *
 * Sets #ProcHelper:build-id.
 *
 * Since: 1.0
 */
void
proc_helper_set_build_id (ProcHelper *self, const char *build_id)
{
  g_return_if_fail (PROC_IS_HELPER (self));

  if (g_strcmp0 (self->build_id, build_id) == 0)
    return;

  g_free (self->build_id);
  self->build_id = g_strdup (build_id);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUILD_ID]);
}

/**
 * proc_helper_dup_build_id:
 * @self: a #ProcHelper
 *
 * Gets #ProcHelper:build-id.
 *
 * Returns: (transfer full) (nullable): see #ProcHelper:build-id
 *
 * Since: 1.0
 */
char *
proc_helper_dup_build_id (ProcHelper *self)
{
  g_autofree char *program = NULL;

  g_return_val_if_fail (PROC_IS_HELPER (self), NULL);

  if (self->build_id != NULL)
    return g_strdup (self->build_id);

  program = proc_build_id_of (NULL);
  if (program == NULL && self->module_build_ids->len == 0)
    return NULL;

  return g_strconcat (program != NULL ? program : "", self->module_build_ids->str, NULL);
}

/**
 * proc_helper_retire:
 * @self: a #ProcHelper
 *
 * Asks the host to replace this helper process, say because it has grown too large: it gets no more
 * tasks once the host has the next reply, and those in flight are finished. May be called from any
 * thread.
 *
 * Since: 1.0
 */
void
proc_helper_retire (ProcHelper *self)
{
  g_return_if_fail (PROC_IS_HELPER (self));

  g_atomic_int_set (&self->retiring, TRUE);
}

/* ---- what the server asks for ---- */

#define MAX_LISTED 10

static GError *
describe_unknown (ProcHelper *self, const char *name)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (self->functions), (GCompareFunc) g_strcmp0);
  g_autoptr (GString) text = g_string_new (NULL);
  guint n_listed = 0;

  g_string_printf (text, "no function “%s” in this helper; it has ", name);
  if (names == NULL)
    g_string_append (text, "none");

  for (const GList *item = names; item != NULL && n_listed < MAX_LISTED; item = item->next)
    {
      g_string_append_printf (text, n_listed == 0 ? "%s" : ", %s", (const char *) item->data);
      n_listed++;
    }

  if (n_listed < g_hash_table_size (self->functions))
    g_string_append_printf (text, " and %u more", g_hash_table_size (self->functions) - n_listed);

  return g_error_new_literal (PROC_POOL_ERROR, PROC_POOL_ERROR_UNKNOWN_FUNCTION, text->str);
}

static void
report_failure (ProcInvocation *invocation, const GError *error, gpointer owner)
{
  ProcHelper *self = owner;

  if (self->error_hook != NULL)
    self->error_hook (invocation, error, self->error_hook_data);
}

static GVariant *
call_function (ProcInvocation *invocation, gpointer user_data, GError **error)
{
  const Function *function = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) value = NULL;

  value = function->function (invocation, proc_invocation_get_arguments (invocation), function->user_data, &local_error);
  if (value != NULL)
    value = g_variant_take_ref (value);

  if (value != NULL && local_error != NULL)
    {
      g_critical ("the function “%s” returned a value and set an error: the error counts",
                  proc_invocation_get_function (invocation));
      g_clear_pointer (&value, g_variant_unref);
    }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));

  return g_steal_pointer (&value);
}

static void
start_function (ProcInvocation *invocation, gpointer user_data)
{
  const Function *function = user_data;

  function->async_function (invocation, proc_invocation_get_arguments (invocation), function->user_data);
}

static void
run_sync (Function *function, ProcInvocation *invocation)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = call_function (invocation, function, &error);

  if (error != NULL)
    proc_invocation_return_error (invocation, error);
  else
    proc_invocation_return_value (invocation, value);
}

static void
report_item_failure (ProcInvocation *invocation, const GError *error, gpointer user_data)
{
  const Function *function = user_data;

  report_failure (invocation, error, function->helper);
}

static void
run_each (Function *function, ProcInvocation *invocation)
{
  static const ProcEachFunctions sync_functions = { call_function, NULL, report_item_failure };
  static const ProcEachFunctions async_functions = { NULL, start_function, report_item_failure };

  proc_each_run (invocation, function->function != NULL ? &sync_functions : &async_functions, function);
}

static void
run_invocation (ProcInvocation *invocation, gpointer owner)
{
  ProcHelper *self = owner;
  const char *name = proc_invocation_get_function (invocation);
  Function *function = g_hash_table_lookup (self->functions, name);
  g_autoptr (GError) error = NULL;

  if (function == NULL && g_str_equal (name, PROC_COMMAND_FUNCTION))
    {
      proc_command_run (invocation);
      return;
    }

  if (function == NULL && !g_str_has_prefix (name, PROC_COMMAND_PREFIX))
    function = self->fallback;

  if (function == NULL)
    {
      error = describe_unknown (self, name);
      proc_invocation_return_error (invocation, error);
      return;
    }

  if (proc_invocation_is_each (invocation))
    run_each (function, invocation);
  else if (function->function != NULL)
    run_sync (function, invocation);
  else
    start_function (invocation, function);
}

static gboolean
is_retiring (gpointer owner)
{
  ProcHelper *self = owner;

  return g_atomic_int_get (&self->retiring);
}

static const ProcServerCallbacks server_callbacks = { run_invocation, report_failure, is_retiring };

static int
fork_self (gpointer user_data)
{
  return fork ();
}

/* The channel, -1 without one. In a template it returns at its end and, with the channel, in each of its forks. */
static int
take_channel (ProcHelper *self)
{
  if (!proc_own_process_is_template ())
    return proc_own_process_take_channel ();

  return proc_fork_server_run (proc_own_process_take_control (),
                               self->fork_function != NULL ? self->fork_function : fork_self, self->fork_function_data);
}

/**
 * proc_helper_run:
 * @self: a #ProcHelper
 *
 * Serves: tells the host that this helper is there, runs the initializer and then tasks, until the host
 * says that it is enough, and then the finalizer. Meanwhile it runs the thread-default main context of
 * its caller, which is the main thread.
 *
 * When the host is gone, all tasks are cancelled and the finalizer is run, which together have at most
 * #ProcPool:cancel-grace and never more than a second. Then this function doesn't return but ends the process
 * with all its descendants.
 *
 * In a template (see #ProcForkServerLauncher) it forks helper processes instead, each of which serves, and
 * returns from this function when its end has come; in the template itself it returns 0 when no more of them are
 * needed.
 *
 * Returns: what `main()` should return: 0 after an orderly end, %PROC_HELPER_EXIT_REFUSED if host and
 *   helper don't fit together, another number for any other failure, which is also told on standard
 *   error or to the host
 *
 * Since: 1.0
 */
int
proc_helper_run (ProcHelper *self)
{
  g_autoptr (ProcServer) server = NULL;
  g_autofree char *build_id = NULL;
  gboolean is_template;
  int channel;
  int exit_code;

  g_return_val_if_fail (PROC_IS_HELPER (self), EXIT_FAILURE);

  is_template = proc_own_process_is_template ();
  channel = take_channel (self);
  if (channel < 0 && is_template)
    return EXIT_SUCCESS;

  if (channel < 0)
    {
      g_printerr ("%s: this program is a helper of libprocpool: it is started by a pool\n",
                  g_get_prgname () != NULL ? g_get_prgname () : "helper");
      return EXIT_FAILURE;
    }

  server = proc_server_new (channel, &server_callbacks, self);
  build_id = proc_helper_dup_build_id (self);
  proc_server_greet (server, build_id);

  if (self->forward_logs)
    proc_log_writer_attach (proc_server_get_connection (server));

  exit_code = proc_server_serve (server);
  proc_log_writer_detach ();

  return exit_code;
}

/**
 * proc_helper_refuse:
 * @self: a #ProcHelper
 * @error: why this helper can't serve
 *
 * Instead of proc_helper_run(): tells the host that this helper can't serve, and that starting it
 * again would be pointless, as for a file that it was told to load and that isn't there. What waits for
 * this helper fails with @error.
 *
 * Returns: what `main()` should return, %PROC_HELPER_EXIT_REFUSED
 *
 * Since: 1.0
 */
int
proc_helper_refuse (ProcHelper *self, const GError *error)
{
  g_autoptr (ProcServer) server = NULL;
  gboolean is_template;
  int channel;

  g_return_val_if_fail (PROC_IS_HELPER (self), PROC_HELPER_EXIT_REFUSED);
  g_return_val_if_fail (error != NULL, PROC_HELPER_EXIT_REFUSED);

  /* The forks of a template tell it for it. */
  is_template = proc_own_process_is_template ();
  channel = take_channel (self);
  if (channel < 0 && is_template)
    return EXIT_SUCCESS;

  if (channel < 0)
    {
      g_printerr ("%s: %s\n", g_get_prgname () != NULL ? g_get_prgname () : "helper", error->message);
      return PROC_HELPER_EXIT_REFUSED;
    }

  server = proc_server_new (channel, &server_callbacks, self);
  if (proc_server_greet (server, NULL))
    proc_server_refuse (server, error);

  return PROC_HELPER_EXIT_REFUSED;
}
