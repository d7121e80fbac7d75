// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A host in JavaScript has helpers in each language, which all behave the same.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

import {assert, assertEqual, assertFails, helpers, makePool, residentMemory, run, test} from './support.js';

const MEBIBYTE = 1024 * 1024;

async function testResults(pool) {
    assertEqual((await pool.call_async('add', new GLib.Variant('(ii)', [20, 22]), null)).deepUnpack(), 42);
    assertEqual((await pool.call_async('nothing', null, null)).deepUnpack(), []);
}

async function testErrors(pool) {
    const busy = new GLib.Variant('(is)', [Gio.IOErrorEnum.BUSY, 'later']);
    await assertFails(pool.call_async('fail', busy, null), Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'later');
    const {PoolError} = Proc;
    await assertFails(pool.call_async('add', new GLib.Variant('s', 'two'), null), PoolError, PoolError.INVALID_ARGUMENTS, '(ii)');
    await assertFails(pool.call_async('nope', null, null), PoolError, PoolError.UNKNOWN_FUNCTION, 'nope');
    await assertFails(pool.call_async('exit', new GLib.Variant('i', 3), null), PoolError, PoolError.CRASHED, 'code 3');
}

async function testReports(pool) {
    const values = [];
    const outputs = Proc.Task.new('outputs', new GLib.Variant('u', 10));
    outputs.connect('output', (_task, value) => values.push(value.deepUnpack()));
    await pool.run_async(outputs, null);
    assertEqual(values, [...Array(10).keys()]);

    let last;
    const progress = Proc.Task.new('progress', null);
    progress.connect('progressed', (_task, fraction, text) => (last = [fraction, text]));
    await pool.run_async(progress, null);
    assertEqual(last, [1, '4 of 4']);
}

async function testAsyncFunctions(pool) {
    const cancellable = new Gio.Cancellable();
    const slow = Proc.Task.new('async-wait-for-cancel', null);
    const waiting = new Promise(resolve => slow.connect('progressed', resolve));
    const end = assertFails(pool.run_async(slow, cancellable), Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    await waiting;

    const value = new GLib.Variant('(uv)', [1, new GLib.Variant('s', 'meanwhile')]);
    const quick = Proc.Task.new('async-delay', value);
    assertEqual((await pool.run_async(quick, null)).deepUnpack(), 'meanwhile');
    assertEqual(quick.pid, slow.pid);
    assertEqual(slow.state, Proc.TaskState.RUNNING);
    cancellable.cancel();
    await end;
}

async function testMemory(pool) {
    const bytes = new GLib.Bytes(new Uint8Array(MEBIBYTE));
    const value = GLib.Variant.new_from_bytes(new GLib.VariantType('ay'), bytes, true);

    async function callOften(nCalls) {
        let task;
        for (let i = 0; i < nCalls; i++) {
            task = Proc.Task.new('echo', value);
            assertEqual((await pool.run_async(task, null)).get_size(), MEBIBYTE);
            // The engine sees the variants as small, whatever is in them.
            if (i % 10 === 0)
                System.gc();
        }
        System.gc();
        return [residentMemory(), residentMemory(task.pid)];
    }

    const before = await callOften(20);
    const after = await callOften(200);
    for (const [i, name] of ['host', 'helper'].entries())
        assert(after[i] - before[i] < 60 * MEBIBYTE, `${name}: from ${before[i]} to ${after[i]} bytes`);
}

for (const [language, command] of Object.entries(helpers())) {
    const cases = {
        'gives results': testResults,
        'gives errors': testErrors,
        'reports progress and partial values': testReports,
        'takes tasks while an async function is on its way': testAsyncFunctions,
        'frees its values, as the host does': testMemory,
    };
    for (const [name, body] of Object.entries(cases)) {
        test(`a helper in ${language} ${name}`, () =>
            body(makePool({launcher: Proc.LocalLauncher.new(command), maxWorkers: 1, tasksPerWorker: 2})));
    }
}

run();
