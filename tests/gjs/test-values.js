// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Plain values go to a function and come back.

import GLib from 'gi://GLib';

import {WORK, failure, makeJsPool} from './plain.js';
import {assert, assertEqual, makePool, run, test} from './support.js';

const MEBIBYTE = 1024 * 1024;

test('values come back the same', async () => {
    const pool = makeJsPool();
    const values = [
        null, true, false, 0, -1, 2 ** 53 - 1, 1.5, 1e300, '', 'größer', '\u{1f600}', [], [1, 'a', null], {},
        {a: 1, b: {c: [true]}, 'größer': ''}, [[[[]]]], {__proto__: null, x: 1},
    ];
    for (const value of values)
        assertEqual(await pool.call(`${WORK}echo`, value), value);
    assertEqual(await pool.call(`${WORK}echo`, ...values), values);
});

test('numbers that JSON has no notion of come back the same', async () => {
    const pool = makeJsPool();
    for (const value of [NaN, Infinity, -Infinity, -0, 2 ** 53, 2 ** 63, 5e-324])
        assert(Object.is(await pool.call(`${WORK}echo`, value), value), `${value}`);
});

test('a bigint comes back as one where a number would be wrong', async () => {
    const pool = makeJsPool();
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)])
        assert(await pool.call(`${WORK}echo`, value) === value, `${value}`);
    assert(await pool.call(`${WORK}echo`, 42n) === 42);
});

test('undefined is nothing, and a function without a result has none', async () => {
    const pool = makeJsPool();
    assert(await pool.call(`${WORK}echo`, undefined) === null);
    assertEqual(await pool.call(`${WORK}echo`, {a: undefined}), {a: null});
    assert(await pool.call(`${WORK}nothing`) === undefined);
});

test('a key that means something to the engine is a key', async () => {
    const value = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}');
    const result = await makeJsPool().call(`${WORK}echo`, value);
    assert(Object.hasOwn(result, '__proto__') && result.polluted === undefined);
    assertEqual(result.constructor, 1);
});

test('the order of keys is kept', async () => {
    const keys = ['z', 'a', 'm', 'b'];
    const result = await makeJsPool().call(`${WORK}echo`, Object.fromEntries(keys.map(key => [key, 0])));
    assertEqual(Object.keys(result), keys);
});

test('bytes come back as a Uint8Array, whatever held them', async () => {
    const pool = makeJsPool();
    const bytes = new Uint8Array([0, 1, 255]);
    for (const value of [bytes, bytes.buffer, new GLib.Bytes(bytes), new Uint8Array([9, 0, 1, 255]).subarray(1)]) {
        const result = await pool.call(`${WORK}echo`, value);
        assert(result instanceof Uint8Array);
        assertEqual([...result], [0, 1, 255]);
        assertEqual(await pool.call(`${WORK}typeOf`, value), 'Uint8Array');
    }
    assertEqual((await pool.call(`${WORK}echo`, new Uint8Array(0))).length, 0);
});

test('bytes that were received may be written to', async () => {
    const pool = makeJsPool();
    for (const size of [16, 8 * MEBIBYTE]) {
        const sent = new Uint8Array(size).fill(7);
        const received = await pool.call(`${WORK}echo`, [sent, sent]);
        received[0].fill(8);
        assertEqual([received[0][size - 1], received[1][0], sent[0]], [8, 7, 7]);
    }
});

function residentPages() {
    return Number(new TextDecoder().decode(GLib.file_get_contents('/proc/self/statm')[1]).split(' ')[1]);
}

test('received bytes are mapped and not copied', async () => {
    const pool = makePool();
    const bytes = GLib.Variant.new_from_bytes(new GLib.VariantType('ay'), new GLib.Bytes(new Uint8Array(64 * MEBIBYTE)), true);
    const before = residentPages();
    const received = await pool.call('echo', bytes);
    assertEqual(received.length, 64 * MEBIBYTE);
    const grown = (residentPages() - before) * 4096;
    assert(grown < 32 * MEBIBYTE, `grown by ${grown} bytes before anything was read`);
});

test('a variant goes as it is, and any variant is unpacked', async () => {
    const pool = makePool();
    const variant = (type, value) => new GLib.Variant(type, value);
    assertEqual(await pool.call('add', variant('(ii)', [20, 22])), 42);

    const cases = [
        [variant('y', 200), 200], [variant('n', -5), -5], [variant('q', 5), 5], [variant('i', -7), -7],
        [variant('u', 4294967295), 4294967295], [variant('d', 0.1), 0.1], [variant('o', '/a'), '/a'],
        [variant('g', 'a{sv}'), 'a{sv}'], [variant('as', ['a', '']), ['a', '']], [variant('(s(bu))', ['x', [true, 1]]), ['x', [true, 1]]],
        [variant('a{ss}', {a: 'b'}), {a: 'b'}], [variant('a{us}', {1: 'b'}), {1: 'b'}], [variant('ms', null), null],
        [variant('ms', 'x'), 'x'], [variant('v', variant('v', variant('s', 'deep'))), 'deep'], [variant('ab', [true, false]), [true, false]],
        [variant('ad', [0.5, -0.5]), [0.5, -0.5]], [variant('ai', [-1, 1]), [-1, 1]], [variant('au', []), []],
        [variant('ax', [1, -1]), [1, -1]], [variant('at', [1, 2]), [1, 2]], [variant('an', [-1]), [-1]], [variant('aq', [65535]), [65535]],
        [variant('aai', [[1], []]), [[1], []]], [variant('{sv}', ['k', variant('i', 1)]), ['k', 1]], [variant('(((i)))', [[[5]]]), [[[5]]]],
    ];
    for (const [sent, expected] of cases)
        assertEqual(await pool.call('echo', sent), expected);

    const large = GLib.Variant.parse(null, '[uint64 18446744073709551615, 1]', null, null);
    const [first, second] = await pool.call('echo', large);
    assert(first === 18446744073709551615n && second === 1);
    assert(await pool.call('echo', GLib.Variant.parse(null, 'uint64 18446744073709551615', null, null)) === 18446744073709551615n);
});

test('a variant among other arguments goes as it is', async () => {
    assertEqual(await makePool().call('add', new GLib.Variant('i', 1), new GLib.Variant('i', 2)), 3);
});

test('what a function gets that was called from another language', async () => {
    const pool = makeJsPool();
    assertEqual(await pool.call(`${WORK}add`, new GLib.Variant('(id)', [1, 0.5])), 1.5);
    assertEqual(await pool.call(`${WORK}typeOf`, new GLib.Variant('s', 'alone')), 'String');
    assertEqual(await pool.call(`${WORK}echo`, new GLib.Variant('()', [])), []);
    assertEqual(await pool.call(`${WORK}variant`), [1, [2, 3]]);
});

test('a value that cannot be sent is a TypeError that names it', async () => {
    const pool = makeJsPool();
    const loop = {deep: []};
    loop.deep.push(loop);
    const cases = [
        [[Symbol('x')], 'a symbol can\'t be sent, at [0]'], [[1, () => {}], 'a function can\'t be sent, at [1]'],
        [[{a: [0, Symbol('x')]}], 'at [0].a[1]'], [[loop], 'contains itself'], [[new Date(0)], 'a Date'], [[new Map()], 'a Map'],
        [[new Float64Array(1)], 'a Float64Array'], [['a\0b'], 'NUL'], [[{'a\0b': 1}], 'NUL'], [[2n ** 63n], 'beyond 64 bits'],
    ];
    for (const [args, text] of cases) {
        const error = await failure(pool.call(`${WORK}echo`, ...args));
        assert(error instanceof TypeError && error.message.includes(text), `${error}`);
    }
    // The same value twice is no cycle.
    const twice = {x: 1};
    assertEqual(await pool.call(`${WORK}echo`, [twice, twice]), [twice, twice]);
});

test('a value that is nested too deeply is an error', async () => {
    let deep = 1;
    for (let i = 0; i < 200; i++)
        deep = [deep];
    const error = await failure(makeJsPool().call(`${WORK}echo`, deep));
    assert(error instanceof GLib.Error && error.message.includes('nested'), `${error}`);
});

test('a result that cannot be sent is a TypeError that names the function', async () => {
    const error = await failure(makeJsPool().call(`${WORK}badResult`));
    assert(error instanceof TypeError, `${error}`);
    assert(error.message.includes('work.js#badResult') && error.message.includes('a function can\'t be sent, at .callback[0]'), error.message);
});

run();
