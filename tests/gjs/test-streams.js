// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Maps and partial values are iterated.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

import {WORK, emitted, failure, makeJsPool} from './plain.js';
import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

const {CANCELLED} = Gio.IOErrorEnum;
const NUMBERS = [...Array(30).keys()];
const SQUARES = NUMBERS.map(n => n * n);

async function collect(iterable, limit = Infinity) {
    const values = [];
    for await (const value of iterable) {
        values.push(value);
        if (values.length === limit)
            break;
    }
    return values;
}

// ---- Maps ----

test('the results of a map are iterated in order', async () => {
    const pool = makeJsPool({maxWorkers: 2});
    assertEqual(await collect(pool.map(`${WORK}square`, NUMBERS)), SQUARES);
    assertEqual(await pool.map(`${WORK}square`, new Set(NUMBERS)).toArray(), SQUARES);
    assertEqual(await pool.map(`${WORK}square`, []).toArray(), []);
});

test('the results of a map are iterated by blocking', () => {
    const pool = makeJsPool({maxWorkers: 2});
    assertEqual([...pool.map(`${WORK}square`, NUMBERS)], SQUARES);
    const [first] = pool.map(`${WORK}square`, [9, 10, 11]);
    assertEqual(first, 81);
});

test('an item is one argument, or all of them', async () => {
    const pool = makeJsPool();
    assertEqual(await pool.map(`${WORK}echo`, [[1, 2], 'x', null]).toArray(), [[1, 2], 'x', null]);
    assertEqual(await pool.map(`${WORK}add`, [[1, 2], ['a', 'b']], {spread: true}).toArray(), [3, 'ab']);
    assertEqual(await makePool().map('echo', new GLib.Variant('ai', [7, 8])).toArray(), [7, 8]);
});

test('options say what the tasks of a map need', async () => {
    const pool = makeJsPool({cores: Proc.CoreResource.new(1)});
    const results = pool.map(`${WORK}square`, NUMBERS, {lookAhead: 3, cores: 1, timeout: 60000});
    assertEqual(results.look_ahead, 3);
    assertEqual(await results.toArray(), SQUARES);
    await assertFails(pool.map(`${WORK}never`, [1], {timeout: 1, cores: 1}).toArray(), Proc.PoolError, Proc.PoolError.TIMED_OUT);
});

test('small items go in chunks', async () => {
    const pool = makeJsPool({maxWorkers: 2});
    const results = pool.map(`${WORK}square`, NUMBERS, {chunkSize: 8});
    assertEqual(results.chunk_size, 8);
    assertEqual(await results.toArray(), SQUARES);

    const chunks = pool.map(`${WORK}square`, NUMBERS, {chunkSize: 20});
    assertEqual((await chunks.next_chunk_async(null)).recursiveUnpack(), SQUARES.slice(0, 20));
    assertEqual((await chunks.next_chunk_async(null)).recursiveUnpack(), SQUARES.slice(20));
    assertEqual(await chunks.next_chunk_async(null), null);
});

test('workers are there ahead of need, and there is room for tasks', async () => {
    const pool = makeJsPool({maxWorkers: 2});
    assert(await pool.prepare_async(2, null));
    assertEqual(pool.n_idle, 2);
    assert(await pool.wait_for_room_async(null));
});

test('an error ends the loop over a map, and what is left is not run', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const results = pool.map(`${WORK}fail`, ['first', 'second', 'third'], {lookAhead: 1});
    const error = await failure(results.toArray());
    assert(error instanceof RangeError && error.message === 'first', `${error}`);
    assertEqual(await results.next(), {done: true});
});

test('who asks for one result after the other goes on after an error', async () => {
    const results = makeJsPool().map(`${WORK}unserialisableOrNot`, [0, 1, 2]);
    assertEqual(await results.next(), {value: 0, done: false});
    const error = await failure(results.next());
    assert(error instanceof TypeError && error.message.includes('a symbol'), `${error}`);
    assert(error.stack.includes('test-streams.js'), error.stack);
    assertEqual(await results.next(), {value: 2, done: false});
    assertEqual(await results.next(), {done: true});
});

test('the error of an item has both stacks and its cause, in a chunk too', async () => {
    for (const chunkSize of [1, 2]) {
        const results = makeJsPool().map(`${WORK}fail`, ['first', 'second'], {chunkSize});
        for (const message of ['first', 'second']) {
            const error = await failure(results.next());
            assert(error instanceof RangeError && error.message === message, `${error}`);
            assert(error.stack.includes('test-streams.js') && !error.stack.includes('work.js'), error.stack);
            assert(error.remoteStack.includes('fail@') && error.remoteStack.includes('work.js'), error.remoteStack);
            assertEqual([error.cause.message, error.cause.cause.message], [message, 'what lies behind']);
        }
    }
});

test('who leaves the loop over a map early cancels it', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const results = pool.map(`${WORK}square`, NUMBERS);
    assertEqual(await collect(results, 3), [0, 1, 4]);
    assert(results.position < NUMBERS.length);
    assertEqual(await results.next(), {done: true});
    assertEqual(await pool.call(`${WORK}add`, 1, 1), 2);
});

test('a map is cancelled by a cancellable', async () => {
    const cancellable = new Gio.Cancellable();
    const pool = makeJsPool({maxWorkers: 1, cancelGrace: 1});
    const results = pool.map(`${WORK}spin`, [1, 2, 3], {cancellable});
    const started = emitted(pool, 'notify::n-running');
    const end = assertFails(results.toArray(), Gio.IOErrorEnum, CANCELLED);
    await started;
    cancellable.cancel();
    await end;
});

// ---- Partial values ----

test('the partial values of a run are iterated, and its result awaited', async () => {
    const pool = makeJsPool();
    for (const [name, result] of [['count', 'counted'], ['countSlowly', 'counted slowly']]) {
        const call = pool.call(`${WORK}${name}`, 5);
        assertEqual(await collect(call), [0, 1, 2, 3, 4]);
        assertEqual(await call, result);
    }
});

test('a consumer that is slower than the function misses nothing', async () => {
    const pool = makeJsPool();
    const values = [];
    for await (const value of pool.call(`${WORK}count`, 10)) {
        values.push(value);
        await pool.call(`${WORK}nothing`);
    }
    assertEqual(values, [...Array(10).keys()]);
});

test('with a limit on them the function waits for who takes its partial values', async () => {
    const pool = makeJsPool();
    const run = pool.run({function: `${WORK}count`, arguments: [1000], maxOutputs: 2});
    assertEqual(await collect(run), [...Array(1000).keys()]);
    assertEqual(await run, 'counted');
});

test('an error of the function comes after its partial values', async () => {
    const values = [];
    const error = await failure(async () => {
        for await (const value of makeJsPool().call(`${WORK}countThenFail`))
            values.push(value);
    });
    assertEqual([values, error.message], [[1], 'after the first']);
});

test('who leaves the loop over partial values early stops the generator', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const call = pool.call(`${WORK}countForEver`);
    assertEqual(await collect(call, 3), [0, 1, 2]);
    await assertFails(call, Gio.IOErrorEnum, CANCELLED);
    // In the same process: it came to its end by itself.
    assertEqual(await pool.call(`${WORK}getState`), 'ended');
});

test('a function without partial values has none to iterate', async () => {
    assertEqual(await collect(makeJsPool().call(`${WORK}add`, 1, 2)), []);
});

run();
