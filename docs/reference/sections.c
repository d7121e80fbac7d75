/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What each page of the reference is about, for gtk-doc, which alone reads this file. What a type does is
 * told once, at the type.
 */

/**
 * SECTION:pool
 * @title: ProcPool
 * @short_description: helper processes that run tasks
 *
 * See #ProcPool.
 */

/**
 * SECTION:task
 * @title: ProcTask
 * @short_description: one piece of work
 *
 * See #ProcTask.
 */

/**
 * SECTION:results
 * @title: ProcResults
 * @short_description: the results of a map, in order
 *
 * See #ProcResults.
 */

/**
 * SECTION:worker
 * @title: ProcWorker
 * @short_description: the host's object for one helper process
 *
 * See #ProcWorker.
 */

/**
 * SECTION:core-resource
 * @title: ProcCoreResource
 * @short_description: CPU cores that tasks draw from
 *
 * See #ProcCoreResource.
 */

/**
 * SECTION:launcher
 * @title: ProcLauncher
 * @short_description: how a helper process comes to be
 *
 * See #ProcLauncher.
 */

/**
 * SECTION:local-launcher
 * @title: ProcLocalLauncher
 * @short_description: helper processes on this machine
 *
 * See #ProcLocalLauncher.
 */

/**
 * SECTION:helper
 * @title: ProcHelper
 * @short_description: the runtime inside a helper process
 *
 * See #ProcHelper, and <link linkend="writing-a-helper">Writing a helper</link>.
 */

/**
 * SECTION:invocation
 * @title: ProcInvocation
 * @short_description: one task as the helper sees it
 *
 * See #ProcInvocation.
 */

/**
 * SECTION:module
 * @title: Loadable modules
 * @short_description: functions in a shared object
 *
 * A loadable module is a shared object that defines proc_module_add_functions(). The library's own helper
 * program serves its functions when the pool's launcher is made by
 * proc_local_launcher_new_for_module(); a program's own helper loads it with
 * proc_helper_add_module().
 */

/**
 * SECTION:enums
 * @title: Enumerations
 * @short_description: modes and states
 *
 * The enumerations that host and helper have in common.
 */

/**
 * SECTION:error
 * @title: ProcPoolError
 * @short_description: what can go wrong
 *
 * See #ProcPoolError, and <link linkend="errors">Errors</link>.
 */

/**
 * SECTION:version
 * @title: Version
 * @short_description: which libprocpool a program is compiled against
 *
 * What the headers' version is, and which versions' symbols a program means to use.
 */
