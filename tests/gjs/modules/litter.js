// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A host with many objects that makes much garbage, so that gjs drops callbacks while it is being collected. Its argument
// says what it does; it writes what came of it.

import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

const WORK = import.meta.url.replace('litter.js', 'work.js#');
const N_KEPT = 200_000;

function makeObject(i, name) {
    return {i, [name]: `${i}`, boxed: i % 10 === 0 ? GLib.Variant.new_int32(i) : null};
}

const kept = Array.from({length: N_KEPT}, (_, i) => makeObject(i, `kept${i % 50_000}`));

let seed = 1;

function litter() {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    const n = seed % 20_000;
    for (let i = 0; i < n; i++)
        makeObject(i, `litter${i}`);
}

// Besides what the program does between its calls.
GLib.timeout_add(GLib.PRIORITY_DEFAULT, 2, () => {
    litter();
    return GLib.SOURCE_CONTINUE;
});

const pool = new Proc.Pool({launcher: Proc.jsLauncher(), maxWorkers: 2, cancelGrace: 1});
const N = 400;

async function collect(iterable) {
    const values = [];
    for await (const value of iterable) {
        values.push(value);
        litter();
    }
    return values;
}

const DEEDS = {
    async calls() {
        const sums = [];
        for (let i = 0; i < N; i++) {
            litter();
            sums.push(await pool.call(`${WORK}square`, i));
        }
        return sums;
    },

    chunks() {
        return collect(pool.map(`${WORK}square`, kept.slice(0, N).map(({i}) => i), {chunkSize: 7}));
    },

    outputs() {
        return collect(pool.run({function: `${WORK}count`, arguments: [N], maxOutputs: 4}));
    },

    async ends() {
        for (let i = 0; i < 5; i++) {
            await Proc.scope({launcher: Proc.jsLauncher(), maxWorkers: 1}, async scoped => {
                litter();
                await scoped.prepare_async(1, null);
                for (let j = 0; j < N / 5; j++) {
                    litter();
                    await scoped.wait_for_room_async(null);
                }
            });
        }
        return 'ended';
    },
};

print(JSON.stringify(await DEEDS[ARGV[0]]()));
System.exit(0);
