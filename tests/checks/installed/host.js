// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/* Calls the program given as argument, and a function of an ES module in two ways. */

import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

const HALF = `${GLib.path_get_dirname(import.meta.url)}/work.js#half`;
// In the build tree it has no other place than the one where jsLauncher() finds it.
const installed = GLib.build_filenamev([GLib.getenv('PROCPOOL_HELPER_DIR'), 'procpool-gjs-helper']);
const launchers = [Proc.jsLauncher()];
if (GLib.file_test(installed, GLib.FileTest.EXISTS))
    launchers.push(Proc.LocalLauncher.new([installed]));

await Proc.scope({launcher: Proc.LocalLauncher.new(ARGV)}, async pool =>
    print(await pool.call('twice', new GLib.Variant('i', 21))));
for (const launcher of launchers)
    await Proc.scope({launcher}, async pool => print(await pool.call(HALF, 84)));
