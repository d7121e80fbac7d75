// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A function is called in a helper process: its result, its errors, its end.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

test('a result is awaited', async () => {
    const result = await makePool().call_async('add', new GLib.Variant('(ii)', [20, 22]), null);
    assertEqual(result.deepUnpack(), 42);
});

test('values of all types come back the same', async () => {
    const pool = makePool();
    const values = [
        ['b', true], ['i', -5], ['d', 0.1], ['s', 'größer'], ['as', ['a', '']], ['ai', []],
        ['a{sv}', {k: new GLib.Variant('i', 1)}], ['(i(s)ms)', [1, ['x'], null]],
    ];
    for (const [type, value] of values) {
        const variant = new GLib.Variant(type, value);
        const result = await pool.call_async('echo', variant, null);
        assert(result.equal(variant), `${result.print(true)} is not ${variant.print(true)}`);
    }
});

test('a function without a result gives the empty tuple', async () => {
    assertEqual((await makePool().call_async('nothing', null, null)).deepUnpack(), []);
});

test('large bytes come back the same', async () => {
    const bytes = new GLib.Bytes(new Uint8Array(16 * 1024 * 1024).fill(7));
    const value = GLib.Variant.new_from_bytes(new GLib.VariantType('ay'), bytes, true);
    const result = await makePool().call_async('echo', value, null);
    assert(result.get_data_as_bytes().equal(bytes));
});

test('many calls at once each have their own result', async () => {
    const pool = makePool();
    const numbers = [...Array(200).keys()];
    const results = await Promise.all(numbers.map(n => pool.call_async('echo', new GLib.Variant('i', n), null)));
    assertEqual(results.map(result => result.deepUnpack()), numbers);
});

test('an error of the function keeps domain, code and message', async () => {
    const call = makePool().call_async('fail', new GLib.Variant('(is)', [Gio.IOErrorEnum.BUSY, 'come back later']), null);
    await assertFails(call, Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'come back later');
});

test('what the pool and the helper refuse is an error of the pool', async () => {
    const pool = makePool();
    const {PoolError} = Proc;
    await assertFails(pool.call_async('no-such-function', null, null), PoolError, PoolError.UNKNOWN_FUNCTION,
        'no-such-function');
    await assertFails(pool.call_async('add', new GLib.Variant('s', 'two'), null), PoolError,
        PoolError.INVALID_ARGUMENTS, '(ii)');
    await assertFails(pool.call_async('fail-unknown-domain', null, null), PoolError, PoolError.REMOTE,
        'proc-test-only-here-error');
});

test('a missing program is an error', async () => {
    const pool = makePool({launcher: Proc.LocalLauncher.new(['/nowhere/helper'])});
    await assertFails(pool.call_async('nothing', null, null), Proc.PoolError, Proc.PoolError.SPAWN_FAILED, '/nowhere/helper');
});

test('a crash is an exception, and the pool goes on', async () => {
    const pool = makePool();
    const {CRASHED} = Proc.PoolError;
    await assertFails(pool.call_async('crash', new GLib.Variant('i', 11), null), Proc.PoolError, CRASHED, 'signal 11');
    await assertFails(pool.call_async('exit', new GLib.Variant('i', 42), null), Proc.PoolError, CRASHED, 'code 42');
    assertEqual((await pool.call_async('add', new GLib.Variant('(ii)', [1, 1]), null)).deepUnpack(), 2);
});

test('a cancelled call fails at once', async () => {
    const cancellable = new Gio.Cancellable();
    const call = makePool().call_async('async-wait-for-cancel', null, cancellable);
    cancellable.cancel();
    await assertFails(call, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
});

test('a blocking call gives its result and its errors', async () => {
    const pool = makePool();
    assertEqual(pool.call('add', new GLib.Variant('(ii)', [20, 22]), null).deepUnpack(), 42);
    await assertFails((async () => pool.call('crash', new GLib.Variant('i', 9), null))(), Proc.PoolError,
        Proc.PoolError.CRASHED, 'signal 9');
});

test('a blocking call runs no source of its caller', () => {
    let ran = false;
    const source = GLib.idle_add(GLib.PRIORITY_HIGH, () => {
        ran = true;
        return GLib.SOURCE_CONTINUE;
    });
    makePool().call('nothing', null, null);
    GLib.source_remove(source);
    assert(!ran);
});

run();
