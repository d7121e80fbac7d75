// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A buffer crosses without a copy: what arrives lies in the same file of shared memory.

import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

import {sharedFiles} from './modules/shared-files.js';
import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

const SIZE = 3 << 20;
const BYTES = new GLib.VariantType('ay');

// The one that is mapped since then; what was before may still wait for the garbage collector.
function fileSince(before) {
    const files = sharedFiles().filter(number => !before.includes(number));
    assertEqual(files.length, 1);
    return files;
}

function newBuffer(first) {
    const buffer = Proc.Buffer.new(SIZE);
    buffer.write(0, new Uint8Array(SIZE).fill(first));
    return buffer;
}

function isFilled(value, first) {
    const bytes = value.get_data_as_bytes().toArray();
    return bytes.length === SIZE && bytes.every(byte => byte === first);
}

function runHelper() {
    const helper = Proc.Helper.new();
    let kept = null;
    helper.add_function('files', (_invocation, args) => {
        assert(isFilled(args, 1));
        return new GLib.Variant('at', sharedFiles());
    });
    helper.add_function('buffer', () => {
        kept ??= newBuffer(2);
        return kept.to_variant(null);
    });
    helper.add_function('kept-files', () => new GLib.Variant('at', sharedFiles()));
    return helper.run();
}

if (Proc.Helper.is_helper_process())
    System.exit(runHelper());

function makeOwnPool() {
    return makePool({launcher: null, maxWorkers: 1});
}

async function call(pool, name, args = null) {
    return (await pool.call_async(name, args, null)).deepUnpack();
}

test('what is written is what is sealed', () => {
    const buffer = Proc.Buffer.new(10);
    assertEqual([buffer.size, buffer.sealed], [10, false]);
    buffer.write(7, new TextEncoder().encode('end'));
    buffer.write(0, new TextEncoder().encode('begin'));
    assertEqual(new TextDecoder().decode(buffer.seal().toArray()), 'begin\0\0end');
    assertEqual(buffer.sealed, true);
});

test('numbers are a value of their type', () => {
    const buffer = Proc.Buffer.new(16);
    buffer.write(0, new Uint8Array(Float64Array.of(0.5, -1).buffer));
    assertEqual(buffer.to_variant(new GLib.VariantType('ad')).deepUnpack(), [0.5, -1]);
});

test('what cannot be written is an error', async () => {
    const buffer = Proc.Buffer.new(10);
    await assertFails(() => buffer.write(7, new Uint8Array(4)), Proc.PoolError, Proc.PoolError.INVALID_ARGUMENTS, '4 bytes at 7');
    await assertFails(() => buffer.to_variant(new GLib.VariantType('as')), Proc.PoolError, Proc.PoolError.INVALID_ARGUMENTS, 'as');
    await assertFails(() => buffer.write(0, new Uint8Array(1)), Proc.PoolError, Proc.PoolError.FAILED, 'it is sealed');
});

test('memory that cannot be had is an error', () =>
    assertFails(() => Proc.Buffer.new(2 ** 50), Proc.PoolError, Proc.PoolError.FAILED, `${2 ** 50}`));

test('arguments are not copied', async () => {
    const pool = makeOwnPool();
    const before = sharedFiles();
    const value = newBuffer(1).to_variant(null);
    const file = fileSince(before);
    for (let i = 0; i < 3; i++) {
        assertEqual(await call(pool, 'files', value), file);
        assertEqual(await call(pool, 'files', GLib.Variant.new_tuple([value])), file);
    }
});

test('bytes made into a value are not copied', async () => {
    const pool = makeOwnPool();
    const before = sharedFiles();
    const value = GLib.Variant.new_from_bytes(BYTES, newBuffer(1).seal(), true);
    assertEqual(await call(pool, 'files', value), fileSince(before));
});

test('results are not copied', async () => {
    const pool = makeOwnPool();
    const before = sharedFiles();
    const results = [await pool.call_async('buffer', null, null), await pool.call_async('buffer', null, null)];
    assertEqual(await call(pool, 'kept-files'), fileSince(before));
    assert(results.every(result => isFilled(result, 2)));
});

run();
