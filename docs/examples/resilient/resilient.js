// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What can go wrong with a task, and what the caller sees of it: a crash, a timeout, a cancelled task, and a task that
// is tried again. The pool goes on through all of it.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

// ---- In the helper process ----

function crash() {
    GLib.spawn_command_line_sync("sh -c 'kill -ABRT $PPID'");
}

// Works until it is told to stop.
function work() {
    this.progress(0, 'working');
    while (!this.cancelled)
        GLib.usleep(1000);
}

// Crashes the first time, and leaves a file to know the second time by.
function crashOnce(path) {
    if (GLib.file_test(path, GLib.FileTest.EXISTS))
        return 'done at the second attempt';
    GLib.file_set_contents(path, '');
    return crash();
}

function answer() {
    return 42;
}

if (Proc.Helper.is_helper_process())
    System.exit(Proc.serve({crash, work, crashOnce, answer}));

// ---- In the host ----

const OUTCOMES = [
    [Proc.PoolError, Proc.PoolError.CRASHED, 'crashed'],
    [Proc.PoolError, Proc.PoolError.TIMED_OUT, 'timed out'],
    [Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, 'cancelled'],
];

async function report(what, run) {
    try {
        print(`${what}: ${await run}`);
    } catch (error) {
        const [domain, , outcome] = OUTCOMES.find(([d, code]) => error.matches(d, code));
        print(`${what}: ${outcome}`);
        if (domain === Proc.PoolError)
            print(`  ${error.message}`);
    }
}

async function reportCancelled(pool) {
    // As soon as it is known to work.
    const run = pool.run({function: 'work', onProgress: () => run.cancel()});
    await report('cancel', run);
}

async function reportRetry(pool) {
    const folder = GLib.dir_make_tmp('resilient-XXXXXX');
    const path = GLib.build_filenamev([folder, 'tried']);

    await report('retry', pool.run({function: 'crashOnce', arguments: [path], maxAttempts: 2}));
    GLib.unlink(path);
    GLib.rmdir(folder);
}

await Proc.scope({}, async pool => {
    await report('crash', pool.call('crash'));
    await report('timeout', pool.run({function: 'work', timeout: 100})); // milliseconds
    await reportCancelled(pool);
    await reportRetry(pool);
    await report('after all', pool.call('answer'));
});
