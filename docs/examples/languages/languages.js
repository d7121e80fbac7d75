// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What docs/guides/languages.md puts side by side, in JavaScript.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

// ---- In the helper process ----

function add(a, b) {
    return a + b;
}

function root(number) {
    if (number < 0)
        throw new RangeError(`no root of ${number}`);
    return Math.sqrt(number);
}

function work() {
    this.progress(0.5, 'half');
    while (!this.cancelled)
        GLib.usleep(1000);
}

function* count(n) {
    for (let i = 1; i <= n; i++)
        yield i;
}

function crash() {
    GLib.spawn_command_line_sync("sh -c 'kill -ABRT $PPID'");
}

if (Proc.Helper.is_helper_process())
    System.exit(Proc.serve({add, root, work, count, crash}));

// ---- In the host ----

async function call(pool) {
    const sum = await pool.call('add', 40, 2);
    print(`call: ${sum}`);
}

async function callWithTimeout(pool) {
    try {
        await pool.run({function: 'work', timeout: 100});
    } catch (error) {
        if (error.matches(Proc.PoolError, Proc.PoolError.TIMED_OUT))
            print('timeout: timed out');
    }
}

async function callAndCancel(pool) {
    const run = pool.run({function: 'work', onProgress});
    function onProgress(fraction, text) {
        print(`progress: ${text}`);
        run.cancel();
    }

    try {
        await run;
    } catch (error) {
        if (error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED))
            print('cancel: cancelled');
    }
}

async function map(pool) {
    const roots = [];
    for await (const result of pool.map('root', [1, 4, 9]))
        roots.push(result);
    print(`map: ${roots.join(' ')}`);
}

async function receiveOutputs(pool) {
    const values = [];
    for await (const value of pool.call('count', 3))
        values.push(value);
    print(`outputs: ${values.join(' ')}`);
}

async function catchError(pool) {
    try {
        await pool.call('root', -1);
    } catch (error) {
        if (error instanceof RangeError)
            print(`error: ${error.message}`);
    }
}

async function catchCrash(pool) {
    try {
        await pool.call('crash');
    } catch (error) {
        if (error.matches(Proc.PoolError, Proc.PoolError.CRASHED))
            print('crash: crashed');
    }
}

await Proc.scope({}, async pool => {
    await call(pool);
    await callWithTimeout(pool);
    await callAndCancel(pool);
    await map(pool);
    await receiveOutputs(pool);
    await catchError(pool);
    await catchCrash(pool);
});
