/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What those pages of the reference are about whose type or source file doesn't tell it, for gtk-doc, which
 * alone reads this file.
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
 * SECTION:fork-server-launcher
 * @title: ProcForkServerLauncher
 * @short_description: helper processes that are loaded once and forked
 *
 * See #ProcForkServerLauncher, and <link linkend="helper-template">A helper that is forked</link>.
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
 * SECTION:buffer
 * @title: ProcBuffer
 * @short_description: shared memory that crosses without a copy
 *
 * See #ProcBuffer.
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
