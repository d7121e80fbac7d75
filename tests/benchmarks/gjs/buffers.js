// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Large values from gjs to a function in JavaScript that tells how large they are: in a Uint8Array and in a Proc.Buffer,
// written before and anew for each call, and a large buffer beside a small one.
//
//   buffers.js [N_ROUNDS]
//
// Medians of the rounds, in milliseconds for each call, and how often the first of its kind that is. A single call doesn't
// wait for garbage to be collected, many in a row do.

import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

const SIZE = `${GLib.path_get_dirname(import.meta.url)}/work.js#size`;
const N_ROUNDS = Number(ARGV[0] ?? 9);
const N_IN_A_ROW = 8;
const MEBIBYTE = 1024 * 1024;
const PART = new Uint8Array(MEBIBYTE).fill(1);

function median(numbers) {
    return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function makeArray(size) {
    const array = new Uint8Array(size);
    for (let offset = 0; offset < size; offset += PART.length)
        array.set(PART, offset);
    return array;
}

function makeBuffer(size) {
    const buffer = Proc.Buffer.new(size);
    for (let offset = 0; offset < size; offset += PART.length)
        buffer.write(offset, PART);
    return buffer;
}

// Both sides collect what garbage there is, which they don't do too often: the first call has it done, the second waits.
async function settle(pool) {
    await new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT, 50, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
    await pool.call(SIZE, PART);
    await pool.call(SIZE, PART);
}

async function measure(pool, make, n) {
    await settle(pool);
    const start = GLib.get_monotonic_time();
    for (let i = 0; i < n; i++)
        await pool.call(SIZE, make());
    return (GLib.get_monotonic_time() - start) / 1000 / n;
}

// Of each way in turn, so that what else the machine does meets all of them.
async function compare(pool, ways) {
    const found = ways.map(() => [[], []]);
    for (let round = 0; round < N_ROUNDS; round++) {
        for (const [i, [, make]] of ways.entries()) {
            found[i][0].push(await measure(pool, make, 1));
            found[i][1].push(await measure(pool, make, N_IN_A_ROW));
        }
    }
    const medians = found.map(columns => columns.map(median));
    for (const [i, [name]] of ways.entries()) {
        const cells = medians[i].map((value, j) => `${value.toFixed(2).padStart(9)} ${(value / medians[0][j]).toFixed(3).padStart(8)}`);
        print(name.padEnd(44), cells.join('  '));
    }
}

print('to a helper in gjs, ms a call, ratio'.padEnd(44), '   a single call      many in a row');
await Proc.scope({launcher: Proc.jsLauncher(), maxWorkers: 1}, async pool => {
    const array = makeArray(64 * MEBIBYTE);
    const buffer = makeBuffer(64 * MEBIBYTE);
    await compare(pool, [
        ['64 MiB, written before, in a Uint8Array', () => array],
        ['64 MiB, written before, in a Proc.Buffer', () => buffer],
    ]);

    await compare(pool, [
        ['64 MiB, written and sent, in a Uint8Array', () => makeArray(64 * MEBIBYTE)],
        ['64 MiB, written and sent, in a Proc.Buffer', () => makeBuffer(64 * MEBIBYTE)],
    ]);

    const [small, large] = [makeBuffer(4 * MEBIBYTE), makeBuffer(256 * MEBIBYTE)];
    await compare(pool, [
        ['4 MiB, written before, in a Proc.Buffer', () => small],
        ['256 MiB, written before, in a Proc.Buffer', () => large],
    ]);
});
