// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A host that is ended from outside while its helper processes are busy.

import Proc from 'gi://Proc?version=1';

const pool = new Proc.Pool({launcher: Proc.jsLauncher(), maxWorkers: 2});
const WORK = import.meta.url.replace('host.js', 'work.js#');
let nStarted = 0;

function onProgress() {
    if (++nStarted === 2)
        print('busy');
}

await Promise.all([1, 2].map(() => pool.run({function: `${WORK}spinForEver`, onProgress})));
