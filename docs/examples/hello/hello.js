// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// One call: a function runs in a helper process, and its result is awaited.

import Gio from 'gi://Gio';
import Proc from 'gi://Proc?version=1';
import System from 'system';

function greet(name) {
    return `Hello, ${name}, from process ${new Gio.Credentials().get_unix_pid()}`;
}

if (Proc.Helper.is_helper_process())
    System.exit(Proc.serve({greet}));

// Its helper processes are this script, run once more.
await Proc.scope({}, async pool => {
    print(await pool.call('greet', 'world'));
});
