// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Calls from gjs to a function in JavaScript that returns its argument, beside other ways to have it done: a process
// for each task, and the threads of Node, which share one process. One at a time, and many at once with two workers.
//
//   bench.js [N_ROUNDS]
//
// Medians of the rounds, in microseconds for each call.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

const FOLDER = GLib.path_get_dirname(GLib.filename_from_uri(import.meta.url)[0]);
const ECHO = `${GLib.path_get_dirname(import.meta.url)}/work.js#echo`;
const N_WORKERS = 2;
const N_ROUNDS = Number(ARGV[0] ?? 5);
const N_LATENCY = 500;
const N_THROUGHPUT = 2000;
const SIZES = [100, 1024 * 1024];

Gio._promisify(Gio.Subprocess.prototype, 'communicate_async', 'communicate_finish');

function median(numbers) {
    return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function makeValue(size) {
    return size > 1000 ? new Uint8Array(size) : 'x'.repeat(size);
}

async function measure(n, body) {
    const start = GLib.get_monotonic_time();
    await body(n);
    return (GLib.get_monotonic_time() - start) / n;
}

async function oneAtATime(call, n) {
    for (let i = 0; i < n; i++)
        await call();
}

// At most `limit` at a time: a process for each of thousands of tasks at once is no use to anybody.
async function manyAtOnce(call, n, limit) {
    let nStarted = 0;
    const lane = async () => {
        while (nStarted < n) {
            nStarted++;
            await call();
        }
    };
    await Promise.all(Array.from({length: Math.min(limit, n)}, lane));
}

async function rounds(call, {share, limit}) {
    const found = {latency: [], throughput: []};
    await oneAtATime(call, 5);
    for (let round = 0; round < N_ROUNDS; round++) {
        found.latency.push(await measure(Math.ceil(N_LATENCY / share), n => oneAtATime(call, n)));
        found.throughput.push(await measure(Math.ceil(N_THROUGHPUT / share), n => manyAtOnce(call, n, limit)));
    }
    return found;
}

// ---- The ways ----

async function withPool() {
    const found = {};
    await Proc.scope({launcher: Proc.jsLauncher(), maxWorkers: N_WORKERS}, async pool => {
        for (const size of SIZES) {
            const value = makeValue(size);
            found[size] = await rounds(() => pool.call(ECHO, value), {share: size > 1000 ? 50 : 1, limit: Infinity});
        }
    });
    return found;
}

async function withProcesses(argv) {
    const found = {};
    for (const size of SIZES) {
        const value = makeValue(size);
        const input = new GLib.Bytes(typeof value === 'string' ? new TextEncoder().encode(value) : value);
        const flags = Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE;
        const call = () => Gio.Subprocess.new(argv, flags).communicate_async(input, null);
        found[size] = await rounds(call, {share: 50, limit: N_WORKERS});
    }
    return found;
}

async function withThreads() {
    const node = GLib.find_program_in_path('node');
    if (!node)
        return null;
    const argv = [node, `${FOLDER}/threads.mjs`, N_WORKERS, N_ROUNDS, N_LATENCY, N_THROUGHPUT, ...SIZES].map(String);
    const [output] = await Gio.Subprocess.new(argv, Gio.SubprocessFlags.STDOUT_PIPE).communicate_async(null, null);
    return JSON.parse(new TextDecoder().decode(output.toArray()));
}

// ---- The table ----

const ways = {
    'libprocpool, a call to a helper in gjs': await withPool(),
    'a process of gjs for each task': await withProcesses(['gjs', '-m', `${FOLDER}/child.js`]),
    'a process of cat for each task': await withProcesses(['cat']),
    'a worker thread of Node': await withThreads(),
};

for (const size of SIZES) {
    print(`\n${size} bytes there and back, µs a call`.padEnd(46), 'one at a time      many at once');
    const own = Object.values(ways)[0][size];
    const base = [median(own.latency), median(own.throughput)];
    for (const [name, found] of Object.entries(ways)) {
        const medians = found && [median(found[size].latency), median(found[size].throughput)];
        const cells = medians?.map((value, i) => `${value.toFixed(1).padStart(9)} ${(value / base[i]).toFixed(2).padStart(8)}`);
        print(name.padEnd(44), cells?.join('  ') ?? 'there is no node');
    }
}
