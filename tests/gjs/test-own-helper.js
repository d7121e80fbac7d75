// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A program in JavaScript is its own helper.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

function ownPid() {
    return new Gio.Credentials().get_unix_pid();
}

function wait(invocation) {
    // Not told but asked: the cancellable's handlers run in another thread while this one is busy.
    invocation.progress(0, 'waiting');
    const cancellable = invocation.get_cancellable();
    while (!cancellable.is_cancelled())
        ;
    throw new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, 'told to stop');
}

function runHelper() {
    const helper = Proc.Helper.new();
    helper.add_function('join', (_invocation, args) => new GLib.Variant('s', args.deepUnpack().join(' + ')));
    helper.add_function('pid', () => new GLib.Variant('i', ownPid()));
    helper.add_function('wait', wait);
    helper.add_function('throw', () => {
        throw new TypeError('not a GLib.Error');
    });
    helper.set_fallback(invocation =>
        invocation.return_value(new GLib.Variant('s', `no ${invocation.get_function()} here`)));
    return helper.run();
}

if (Proc.Helper.is_helper_process())
    System.exit(runHelper());

test('functions run in another process', async () => {
    const pool = makePool({launcher: null});
    assert((await pool.call_async('pid', null, null)).deepUnpack() !== ownPid());
    assertEqual((await pool.call_async('join', new GLib.Variant('as', ['a', 'b']), null)).deepUnpack(), 'a + b');
});

test('a fallback runs what is not added', async () => {
    const result = await makePool({launcher: null}).call_async('something', null, null);
    assertEqual(result.deepUnpack(), 'no something here');
});

test('an exception of JavaScript is an error', async () => {
    try {
        await makePool({launcher: null}).call_async('throw', null, null);
    } catch (error) {
        assert(error.message.includes('not a GLib.Error'), `${error}`);
        return;
    }
    throw new Error('did not fail');
});

test('a busy function sees that it is cancelled', async () => {
    const pool = makePool({launcher: null, maxWorkers: 1});
    const cancellable = new Gio.Cancellable();
    const task = Proc.Task.new('wait', null);
    task.connect('progressed', () => cancellable.cancel());
    await assertFails(pool.run_async(task, cancellable), Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    // The same process goes on: it came to its end by itself.
    assertEqual((await pool.call_async('pid', null, null)).deepUnpack(), task.pid);
});

run();
