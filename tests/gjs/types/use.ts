// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What programs do with the library, and what they must not: checked, not run.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

// ---- In the helper process ----

function scale(this: Proc.Invocation, path: string, factor: number): Uint8Array {
    this.progress(0.5);
    this.output({path, done: [1, null, true]});
    if (this.cancelled)
        throw new Error(`${this.cores.length} cores for nothing`);
    return new Uint8Array(factor);
}

if (Proc.Helper.is_helper_process())
    System.exit(Proc.serve({scale, plain: (text: string) => text.length, filled: (size: number) => Proc.Buffer.new(size)}));

// ---- In the host ----

async function results(pool: Proc.Pool): Promise<void> {
    const sum: number = await pool.call<number>('file:///work.js#add', 1, 2);
    const bytes = await pool.call<Uint8Array>('scale', 'a.png', 2, new Uint8Array(1), [null, {a: 1n}]);
    const same: number = pool.call_sync('add', new GLib.Variant('(ii)', [sum, bytes.length]));
    const raw: GLib.Variant = await pool.call_async('add', new GLib.Variant('(ii)', [same, 1]), null);
    print(raw.get_int32(), pool.raw_call('nothing', null, null));

    // @ts-expect-error a function can't be sent
    await pool.call('f', () => {});
    // @ts-expect-error neither can a symbol
    await pool.call('f', {key: [Symbol('x')]});
}

async function buffers(pool: Proc.Pool): Promise<void> {
    const buffer = Proc.Buffer.new(16);
    buffer.write(0, Float64Array.of(0.5));
    buffer.write(8, new Uint8Array(8).buffer);
    buffer.toArray().fill(1, 8, 16);
    const sum: number = await pool.call<number>('sum', buffer, {others: [buffer]});
    const bytes: Uint8Array = buffer.seal().toArray();
    print(sum, buffer.size, buffer.sealed, bytes.length, await pool.call('sum', buffer.to_variant(new GLib.VariantType('ad'))));

    // @ts-expect-error a text isn't bytes
    buffer.write(0, 'text');
    // @ts-expect-error its size is for good
    buffer.size = 5;
}

async function options(pool: Proc.Pool): Promise<void> {
    const run = pool.run<string>({
        function: 'f', arguments: [1, 'two'], cores: 2, timeout: 1000, priority: 1, maxAttempts: 2, name: 'a name',
        isolation: Proc.Isolation.DEDICATED, onProgress: (fraction, text) => print(fraction.toFixed(1), text?.length),
        onOutput: value => print(value), cancellable: new Gio.Cancellable(),
    });
    for await (const part of run)
        print(part);
    print(run.task.pid, run.task.state === Proc.TaskState.RUNNING, (await run).toUpperCase());
    run.cancel();
    await pool.run({command: ['true'], input: new GLib.Bytes(new Uint8Array(0))});
    await pool.run(Proc.Task.new('f', null));

    // @ts-expect-error there is no such option
    pool.run({function: 'f', timout: 1});
    // @ts-expect-error a function has a name
    pool.run({function: 5});
}

async function maps(pool: Proc.Pool): Promise<void> {
    const results = pool.map<number>('square', [1, 2, 3], {lookAhead: 4, timeout: 1000});
    for await (const square of results)
        print(square.toFixed(1));
    for (const square of pool.map<number>('square', new Set([1, 2])))
        print(square.toFixed(1));
    const all: string[] = await pool.map<string>('join', [['a', 'b']], {spread: true}).toArray();
    print(all, results.position);

    // @ts-expect-error a number can't be iterated
    pool.map('square', 5);
}

async function main(): Promise<void> {
    const launcher = Proc.jsLauncher({environment: ['A=b'], stderr: Proc.Stdio.CAPTURE});
    const pool = new Proc.Pool({launcher, maxWorkers: 2, idle_timeout: 1000});
    pool.set_initializer('setup', {path: '/tmp'});
    pool.connect('log', (_pool, worker, task, level, domain, message) => {
        print(worker.pid, task?.function, level, domain, message.length);
        return true;
    });
    pool.connect('notify::n-running', () => print(pool.n_running));

    const total: number = await Proc.scope(pool, async scoped => {
        await results(scoped);
        await buffers(scoped);
        await options(scoped);
        await maps(scoped);
        return 1;
    });
    print(total, pool.close_sync(Proc.CloseMode.KILL), await pool.close());
}

main().catch((error: Proc.RemoteError | Proc.PoolError) => {
    if (error instanceof GLib.Error)
        print(error.matches(Proc.PoolError, Proc.PoolError.CRASHED));
    else
        print(error.name, error.stack, error.remoteStack, error.cause?.message, error.termSignal, error.stderrTail?.length);
});
