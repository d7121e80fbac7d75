// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Nothing piles up: neither objects, nor mapped memory, nor descriptors.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

import {WORK, failure, makeJsPool, moduleUrl} from './plain.js';
import {assert, assertEqual, residentMemory, run, test} from './support.js';

const MEBIBYTE = 1024 * 1024;
const BUFFERS = `${moduleUrl('buffers.js')}#`;

function countDescriptors() {
    const found = Gio.File.new_for_path('/proc/self/fd').enumerate_children('standard::name', Gio.FileQueryInfoFlags.NONE, null);
    return [...found].length;
}

test('small calls, errors and cancelled ones leave nothing', async () => {
    const pool = makeJsPool({maxWorkers: 1});

    async function callOften(n) {
        let pid;
        for (let i = 0; i < n; i++) {
            pid = await pool.call(`${WORK}pid`);
            await pool.call(`${WORK}echo`, {text: 'x'.repeat(1000), list: [1, 2, 3]});
            await failure(pool.call(`${WORK}fail`, 'x'));
            const cancelled = pool.call(`${WORK}nothing`);
            cancelled.cancel();
            await failure(cancelled);
        }
        System.gc();
        return [residentMemory(), residentMemory(pid)];
    }

    await callOften(300);
    const before = await callOften(300);
    const after = await callOften(1200);
    for (const [i, name] of ['host', 'helper'].entries())
        assert(after[i] - before[i] < 12 * MEBIBYTE, `${name}: from ${before[i]} to ${after[i]} bytes`);
});

test('large bytes are freed though the engine does not know of them', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const bytes = new GLib.Bytes(new Uint8Array(8 * MEBIBYTE));
    let most = 0;
    for (let i = 0; i < 60; i++) {
        const received = await pool.call(`${WORK}echo`, bytes);
        assertEqual(received[received.length - 1], 0);
        received.fill(1);
        if (i % 20 === 19)
            most = Math.max(most, residentMemory(), residentMemory(await pool.call(`${WORK}pid`)));
    }
    assert(most < 300 * MEBIBYTE, `${most} bytes`);
});

test('buffers are freed though the engine does not know of them', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const pid = await pool.call(`${WORK}pid`);
    const steps = {
        sent: () => pool.call(`${BUFFERS}describe`, Proc.Buffer.new(8 * MEBIBYTE)),
        written: () => Proc.Buffer.new(8 * MEBIBYTE).toArray().fill(1),
        returned: () => pool.call(`${BUFFERS}made`, 8 * MEBIBYTE),
    };
    for (const [name, step] of Object.entries(steps)) {
        let most = 0;
        for (let i = 0; i < 60; i++) {
            await step();
            most = Math.max(most, residentMemory(), residentMemory(pid));
        }
        assert(most < 300 * MEBIBYTE, `${name}: ${most} bytes`);
    }
});

test('small buffers that nobody has any more leave descriptors for others', () => {
    let most = 0;
    for (let i = 0; i < 3000; i++) {
        Proc.Buffer.new(10).toArray()[5] = i;
        if (i % 100 === 0)
            most = Math.max(most, countDescriptors());
    }
    assert(most < 600, `${most} descriptors`);
});

test('a closed pool leaves no descriptor', async () => {
    async function useOnce() {
        await Proc.scope({launcher: Proc.jsLauncher(), maxWorkers: 2}, pool =>
            pool.map(`${WORK}echo`, [1, new Uint8Array(MEBIBYTE), 'x']).toArray());
        System.gc();
    }

    await useOnce();
    const before = countDescriptors();
    for (let i = 0; i < 5; i++)
        await useOnce();
    // Fewer, if an earlier pool was still there to be collected.
    const after = countDescriptors();
    assert(after <= before, `${after} instead of ${before}`);
});

run();
