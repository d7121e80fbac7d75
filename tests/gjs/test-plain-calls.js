// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Functions are called and tasks are run with plain values: results, options, errors, cancelling, the end.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

import {WORK, emitted, failure, makeJsPool} from './plain.js';
import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

const {CANCELLED} = Gio.IOErrorEnum;

// What is known of an AbortSignal, by somebody who has none.
class Signal {
    constructor() {
        this.aborted = false;
        this.listeners = new Set();
    }

    addEventListener(type, listener) {
        assertEqual(type, 'abort');
        this.listeners.add(listener);
    }

    removeEventListener(type, listener) {
        assertEqual(type, 'abort');
        this.listeners.delete(listener);
    }

    abort() {
        this.aborted = true;
        this.listeners.forEach(listener => listener());
    }
}

// ---- Results ----

test('a call is awaited', async () => {
    assertEqual(await makeJsPool().call(`${WORK}add`, 20, 22), 42);
    assertEqual(await makeJsPool().call(`${WORK}slowEcho`, {later: [1]}), {later: [1]});
});

test('many calls at once each have their own result', async () => {
    const pool = makeJsPool({maxWorkers: 2});
    const numbers = [...Array(100).keys()];
    assertEqual(await Promise.all(numbers.map(n => pool.call(`${WORK}square`, n))), numbers.map(n => n * n));
});

test('then, catch and finally of a run give ordinary promises', async () => {
    const pool = makeJsPool();
    const later = pool.call(`${WORK}add`, 1, 1).then(sum => sum + 1);
    assert(later.constructor === Promise && await later === 3);
    assertEqual(await pool.call(`${WORK}fail`, 'x').catch(error => error.message), 'x');
});

test('a blocking call gives its result and its errors', async () => {
    const pool = makeJsPool();
    assertEqual(pool.call_sync(`${WORK}add`, 20, 22), 42);
    assertEqual(pool.run_sync({function: `${WORK}slowEcho`, arguments: ['x']}), 'x');
    const error = await failure(() => pool.call_sync(`${WORK}fail`, 'too far'));
    assert(error instanceof RangeError && error.remoteStack.includes('work.js'), `${error}`);
    assert((await failure(() => pool.call_sync('f', Symbol('x')))) instanceof TypeError);
});

test('a run that is told by a task gives plain values too', async () => {
    const task = Proc.Task.new('add', new GLib.Variant('(ii)', [1, 2]));
    assertEqual(await makePool().run(task), 3);
    assertEqual(task.state, Proc.TaskState.SUCCEEDED);
});

test('a command is a task', async () => {
    const input = new GLib.Bytes(new TextEncoder().encode('from the host'));
    const [status, signal, output] = await makePool().run({command: ['/bin/sh', '-c', 'cat; exit 3'], input});
    assertEqual([status, signal, new TextDecoder().decode(output)], [3, 0, 'from the host']);
});

// ---- Options ----

test('options say what a task needs', async () => {
    const pool = makeJsPool({cores: Proc.CoreResource.new(2)});
    const run = pool.run({
        function: `${WORK}cores`, name: 'a name', cores: 2, priority: -3, timeout: 60000, maxAttempts: 2,
        isolation: Proc.Isolation.EXCLUSIVE,
    });
    const {task} = run;
    assertEqual([task.function, task.name, task.cores, task.priority], [`${WORK}cores`, 'a name', 2, -3]);
    assertEqual([task.timeout, task.max_attempts, task.isolation], [60000, 2, Proc.Isolation.EXCLUSIVE]);
    await run;
});

test('progress and partial values are told', async () => {
    const told = [];
    const pool = makeJsPool();
    await pool.run({function: `${WORK}progress`, onProgress: (...args) => told.push(args)});
    assertEqual(told.at(-1), [1, null]);

    const values = [];
    const result = await pool.run({
        function: `${WORK}output`, arguments: [1, {a: [2]}, 'three'], onOutput: value => values.push(value),
    });
    assertEqual([result, values], [3, [1, {a: [2]}, 'three']]);
});

test('a timeout is an error', async () => {
    const pool = makeJsPool({cancelGrace: 1});
    await pool.call(`${WORK}nothing`);
    await assertFails(pool.run({function: `${WORK}never`, timeout: 1}), Proc.PoolError, Proc.PoolError.TIMED_OUT, 'never');
});

test('a task that is lost to a crash is tried again', async () => {
    const pool = makeJsPool();
    const run = pool.run({function: `${WORK}exit`, arguments: [3], maxAttempts: 3});
    await assertFails(run, Proc.PoolError, Proc.PoolError.CRASHED, 'code 3');
    assertEqual(run.task.attempts, 3);
});

test('options that cannot be are a TypeError that names them', async () => {
    const pool = makeJsPool();
    const cases = [
        [{function: 'f', timout: 1}, 'no option timout'], [{arguments: []}, 'not undefined'], [{function: 5}, 'not a number'],
        [{function: 'f', arguments: 'text'}, 'not a string'], [{function: 'f', signal: {}}, 'not an Object'],
    ];
    for (const [options, text] of cases) {
        const error = await failure(pool.run(options));
        assert(error instanceof TypeError && error.message.includes(text), `${error}`);
    }
    for (const [items, options, text] of [[5, {}, 'not a number'], [[], {onOutput() {}}, 'no option onOutput'], [[Symbol('x')], {}, '[0]']]) {
        const error = await failure(() => pool.map('f', items, options));
        assert(error instanceof TypeError && error.message.includes(text), `${error}`);
    }
});

// ---- Errors ----

test('an Error of a function is one of its class, with both stacks', async () => {
    async function caller(pool) {
        await pool.call(`${WORK}fail`, 'too far');
    }
    const error = await failure(caller(makeJsPool()));
    assert(error instanceof RangeError, `${error}`);
    assertEqual([error.name, error.message], ['RangeError', 'too far']);
    assert(error.stack.includes('caller@') && !error.stack.includes('work.js'), error.stack);
    assert(error.remoteStack.includes('fail@') && error.remoteStack.includes('work.js'), error.remoteStack);

    const remote = error.cause;
    assert(remote instanceof RangeError && remote.stack === error.remoteStack, `${remote}`);
    assert(remote.cause instanceof TypeError && remote.cause.message === 'what lies behind', `${remote.cause}`);
});

test('an Error of an unknown class keeps its name', async () => {
    const error = await failure(makeJsPool().call(`${WORK}failLater`, 'sorry'));
    assert(error instanceof Error);
    assertEqual([error.name, error.message, `${error}`], ['CustomError', 'sorry', 'CustomError: sorry']);
});

test('what is thrown and is no Error is told by its text', async () => {
    const error = await failure(makeJsPool().call(`${WORK}failWithText`));
    assertEqual([error.name, error.message], ['Error', 'only a text']);
});

test('a GLib.Error keeps domain and code, and has both stacks', async () => {
    const error = await failure(makeJsPool().call(`${WORK}failBusy`));
    assert(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY), `${error}`);
    assertEqual(error.message, 'come back later');
    assert(error.remoteStack.includes('failBusy@'), error.remoteStack);
    assert(error.stack.includes('test-plain-calls.js'), error.stack);
});

test('a crash is an error of its task alone', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const {CRASHED} = Proc.PoolError;
    const error = await failure(pool.call(`${WORK}exit`, 42));
    assert(error.matches(Proc.PoolError, CRASHED) && error.message.includes('code 42'), `${error}`);
    assertEqual(error.remoteStack, null);
    assertEqual(await pool.call(`${WORK}add`, 1, 1), 2);
});

test('the error of a crash tells how the helper process ended and what it wrote last', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const exited = await failure(pool.call(`${WORK}complainAndDie`));
    assertEqual([exited.exitStatus, exited.termSignal], [1, null]);
    assert(exited.stderrTail.includes('last words'), `${exited.stderrTail}`);

    const killed = await failure(makePool().call('crash', new GLib.Variant('i', 11)));
    assertEqual([killed.exitStatus, killed.termSignal, killed.stderrTail], [null, 11, null]);
    const blocking = await failure(() => pool.call_sync(`${WORK}exit`, 42));
    assertEqual([blocking.exitStatus, blocking.termSignal], [42, null]);
});

test('errors of helpers in other languages keep what they have', async () => {
    const pool = makePool();
    await assertFails(pool.call('fail', new GLib.Variant('(is)', [Gio.IOErrorEnum.BUSY, 'later'])), Gio.IOErrorEnum,
        Gio.IOErrorEnum.BUSY, 'later');
    await assertFails(pool.call('fail-unknown-domain'), Proc.PoolError, Proc.PoolError.REMOTE, 'proc-test-only-here-error');
    await assertFails(pool.call('no-such-function'), Proc.PoolError, Proc.PoolError.UNKNOWN_FUNCTION, 'no-such-function');
});

// ---- Cancelling ----

test('a run is cancelled by itself, by a cancellable and by a signal', async () => {
    const cancellable = new Gio.Cancellable();
    const signal = new Signal();
    const pool = makeJsPool();
    const cases = [
        [{}, run => run.cancel()], [{cancellable}, () => cancellable.cancel()], [{signal}, () => signal.abort()],
    ];
    for (const [options, cancel] of cases) {
        const run = pool.run({function: `${WORK}untilCancelled`, ...options});
        await emitted(run.task, 'progressed');
        cancel(run);
        await assertFails(run, Gio.IOErrorEnum, CANCELLED);
        assertEqual(run.task.state, Proc.TaskState.CANCELLED);
    }
    assertEqual(signal.listeners.size, 0);
});

test('what is cancelled before does not start', async () => {
    const cancellable = new Gio.Cancellable();
    cancellable.cancel();
    const signal = new Signal();
    signal.abort();
    const pool = makeJsPool();
    for (const options of [{cancellable}, {signal}]) {
        await assertFails(pool.run({function: `${WORK}nothing`, ...options}), Gio.IOErrorEnum, CANCELLED);
        await assertFails(() => pool.run_sync({function: `${WORK}nothing`, ...options}), Gio.IOErrorEnum, CANCELLED);
    }
});

test('cancelling one run leaves the cancellable of others alone', async () => {
    const cancellable = new Gio.Cancellable();
    const pool = makeJsPool();
    const run = pool.run({function: `${WORK}never`, cancellable});
    run.cancel();
    await assertFails(run, Gio.IOErrorEnum, CANCELLED);
    assert(!cancellable.is_cancelled());
});

// ---- The end ----

test('a scope closes its pool when its tasks are done', async () => {
    let kept;
    let pending;
    const result = await Proc.scope({launcher: Proc.jsLauncher()}, pool => {
        kept = pool;
        pending = pool.call(`${WORK}slowEcho`, 'done');
        return 'the result';
    });
    assertEqual([result, await pending, kept.closed, kept.n_workers], ['the result', 'done', true, 0]);
});

test('a scope whose body fails cancels what is left', async () => {
    let pending;
    const pool = makeJsPool();
    const error = await failure(Proc.scope(pool, async () => {
        pending = failure(pool.call(`${WORK}untilCancelled`));
        await emitted(pool, 'worker-started');
        throw new RangeError('from the body');
    }));
    assertEqual(error.message, 'from the body');
    assert((await pending).matches(Proc.PoolError, Proc.PoolError.CLOSED));
    assert(pool.closed);
});

test('a closed pool takes nothing more', async () => {
    const pool = makeJsPool();
    assert(await pool.close());
    await assertFails(pool.call(`${WORK}nothing`), Proc.PoolError, Proc.PoolError.CLOSED);
    const other = makeJsPool();
    assert(other.close_sync(Proc.CloseMode.KILL));
    await assertFails(() => other.call_sync(`${WORK}nothing`), Proc.PoolError, Proc.PoolError.CLOSED);
});

// ---- What introspection gives ----

test('the async methods take and give variants, as they do without the override', async () => {
    const pool = makePool();
    const result = await pool.call_async('add', new GLib.Variant('(ii)', [1, 2]), null);
    assert(result instanceof GLib.Variant && result.get_int32() === 3);
    const withCallback = await new Promise(resolve =>
        pool.call_async('add', new GLib.Variant('(ii)', [1, 2]), null, (_pool, asyncResult) => resolve(pool.call_finish(asyncResult))));
    assertEqual(withCallback.get_int32(), 3);
});

test('the blocking methods that were replaced are there as raw ones', () => {
    const pool = makePool();
    assertEqual(pool.raw_call('add', new GLib.Variant('(ii)', [1, 2]), null).get_int32(), 3);
    assertEqual(pool.raw_run(Proc.Task.new('nothing', null), null).get_type_string(), '()');
    const results = pool.raw_map('echo', new GLib.Variant('ai', [7]));
    assertEqual(results.raw_next(null).get_int32(), 7);
    pool.raw_set_initializer('initialize', new GLib.Variant('s', 'raw'));
    assert(pool.raw_close(Proc.CloseMode.KILL, null));
});

run();
