// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each function is a section of docs/guides/javascript.md, which quotes it.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

const WORK = GLib.Uri.resolve_relative(import.meta.url, 'work.js', GLib.UriFlags.NONE);

function expect(found, expected) {
    if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
}

async function scopes() {
    const sum = await Proc.scope({launcher: Proc.jsLauncher(), maxWorkers: 2}, async pool => {
        return await pool.call(`${WORK}#add`, 20, 22);
    });
    expect(sum, 42);
}

async function reading(pool) {
    const contents = await pool.call(`${WORK}#read`, '/proc/self/comm');
    expect(contents.constructor.name, 'Uint8Array');
}

async function buffers(pool) {
    const samples = Float32Array.from({length: 1000}, (_, i) => Math.sin(i / 100));
    const rounds = 1000;

    const buffer = Proc.Buffer.new(rounds * samples.byteLength);
    for (let i = 0; i < rounds; i++)
        buffer.write(i * samples.byteLength, samples);
    const first = await pool.call(`${WORK}#brightness`, buffer);
    const second = await pool.call(`${WORK}#brightness`, buffer); // sent as it is, once more

    const pixels = await pool.call(`${WORK}#gradient`, 1000, 500); // a Uint8Array
    expect([first === second, pixels.length, pixels[0], pixels[499_999]], [true, 500_000, 0, 254]);
}

async function options(pool) {
    const run = pool.run({
        function: `${WORK}#countPrimes`,
        arguments: [10000],
        cores: 1,
        timeout: 60000,
        priority: 1,
        maxAttempts: 2,
        onProgress: (fraction, text) => print(`${Math.round(fraction * 100)} %: ${text}`),
    });
    const nPrimes = await run;
    print(`${nPrimes} primes, in process ${run.task.pid}`);
    expect(nPrimes, 1229);
}

async function commands(pool) {
    const [status, , output] = await pool.run({command: ['uname', '-s']});
    if (status === 0)
        print(new TextDecoder().decode(output));
    expect(status, 0);
}

async function variants(cPool) {
    const sum = await cPool.call('add', new GLib.Variant('(ii)', [20, 22]));
    expect(sum, 42);

    const result = await cPool.call_async('add', new GLib.Variant('(ii)', [20, 22]), null);
    print(result.get_type_string(), result.get_int32());
}

async function blocking(pool) {
    const sum = pool.call_sync(`${WORK}#add`, 20, 22);
    expect(sum, 42);
}

async function maps(pool) {
    for await (const sum of pool.map(`${WORK}#add`, [[1, 2], [3, 4]], {spread: true, lookAhead: 8}))
        print(sum);

    const counts = await pool.map(`${WORK}#countPrimes`, [10, 100, 1000]).toArray();
    expect(counts, [4, 25, 168]);
}

async function outputs(pool) {
    const run = pool.call(`${WORK}#primesBelow`, 20);
    for await (const prime of run)
        print(prime);
    print(`${await run} primes`);
    expect(await run, 8);
}

async function errors(pool) {
    try {
        await pool.call(`${WORK}#parse`, '{not JSON');
    } catch (error) {
        print(error instanceof SyntaxError, error.message);
        print(error.stack);
        print(error.remoteStack);
        expect(error instanceof SyntaxError && error.remoteStack.includes('parse@'), true);
    }

    const run = pool.call(`${WORK}#countPrimes`, 1e9);
    run.task.connect('progressed', task => task.worker?.kill());
    try {
        await run;
    } catch (error) {
        if (error instanceof GLib.Error && error.matches(Proc.PoolError, Proc.PoolError.CRASHED))
            print(`the helper process is gone: ${error.message}`);
        expect(error.matches(Proc.PoolError, Proc.PoolError.CRASHED), true);
    }
}

async function cancelling(pool) {
    const cancellable = new Gio.Cancellable();
    const run = pool.run({function: `${WORK}#countPrimes`, arguments: [1e9], cancellable});
    cancellable.cancel(); // or run.cancel()
    try {
        await run;
    } catch (error) {
        if (!error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED))
            throw error;
        expect(run.task.state, Proc.TaskState.CANCELLED);
    }
}

async function initializer() {
    const pool = new Proc.Pool({launcher: Proc.jsLauncher(), maxWorkers: 1});
    pool.set_initializer(`${WORK}#setUp`, ['core', 'pool']);
    pool.connect('log', (_pool, worker, task, level, domain, message) => {
        print(`process ${worker.pid}, ${task?.function ?? 'no task'}: ${message}`);
        return true; // or else it is written to this program's log
    });
    const isKnown = await pool.call(`${WORK}#isKnown`, 'core');
    expect(isKnown, true);
    await pool.close();
}

const [cHelper] = ARGV;
await Proc.scope({launcher: Proc.LocalLauncher.new([cHelper])}, variants);
await Proc.scope({launcher: Proc.jsLauncher(), maxWorkers: 2, cores: Proc.CoreResource.new(2)}, async pool => {
    for (const section of [reading, buffers, options, commands, blocking, maps, outputs, errors, cancelling])
        await section(pool);
});
await scopes();
await initializer();
