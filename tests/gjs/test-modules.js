// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The helper in JavaScript finds functions in ES modules, forwards what they log, and tells what is wrong with them.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

import {WORK, emitted, failure, makeJsPool, moduleUrl} from './plain.js';
import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

const {CRASHED, INVALID_MODULE, SPAWN_FAILED, START_FAILED, UNKNOWN_FUNCTION} = Proc.PoolError;

// ---- This program, as its own helper ----

function runHelper() {
    const helper = Proc.Helper.new();
    const failures = [];
    helper.set_error_hook((invocation, error) => failures.push(`${invocation.get_function()}: ${error.message}`));
    return Proc.serve({
        double: n => 2 * n,
        async later(n) {
            return n;
        },
        fails() {
            throw new Error('as it should');
        },
        failures: () => failures,
        retires() {
            helper.retire();
        },
    }, helper);
}

if (Proc.Helper.is_helper_process()) {
    if (GLib.getenv('SERVE_TOO_LATE')) {
        await new Promise(resolve => GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
            resolve();
            return GLib.SOURCE_REMOVE;
        }));
    }
    System.exit(runHelper());
}

test('a program serves functions of its own, and those of modules', async () => {
    const pool = makePool({launcher: null, maxWorkers: 1});
    assertEqual(await pool.call('double', 21), 42);
    assertEqual(await pool.call('later', 'x'), 'x');
    assertEqual(await pool.call(`${WORK}add`, 1, 2), 3);
});

test('a hook is told of the errors of functions', async () => {
    const pool = makePool({launcher: null, maxWorkers: 1});
    await failure(pool.call('fails'));
    assertEqual(await pool.call('failures'), ['fails: Error: as it should']);
});

test('a helper that retires is replaced', async () => {
    const pool = makePool({launcher: null, maxWorkers: 1});
    const exited = emitted(pool, 'worker-exited');
    await pool.call('retires');
    await exited;
    assertEqual(await pool.call('double', 1), 2);
});

test('serving after the first await is an error and no hang', async () => {
    const launcher = Proc.LocalLauncher.new_for_self();
    launcher.environment = ['SERVE_TOO_LATE=1'];
    await assertFails(makePool({launcher}).call('double', 1), Proc.PoolError, START_FAILED, 'first await');
});

// ---- Finding functions ----

test('functions are exported, sync or async, by name or as the default', async () => {
    const pool = makeJsPool();
    assertEqual(await pool.call(`${WORK}add`, 1, 2), 3);
    assertEqual(await pool.call(`${WORK}slowEcho`, 1), 1);
    assertEqual(await pool.call(`${WORK}default`), 'the default');
    assertEqual(await pool.call(`${moduleUrl('waiting.js')}#ready`), true);
});

test('a module is imported once in a helper process', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    await pool.call(`${WORK}setState`, 'kept');
    assertEqual(await pool.call(`${WORK}getState`), 'kept');
});

test('an async function leaves room for other tasks', async () => {
    const pool = makeJsPool({maxWorkers: 1, tasksPerWorker: 2});
    const waiting = pool.call(`${WORK}untilCancelled`);
    await emitted(waiting.task, 'progressed');
    assertEqual(await pool.call(`${WORK}pid`), waiting.task.pid);
    waiting.cancel();
    await assertFails(waiting, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
});

test('what is wrong with a function is an error that names it', async () => {
    const pool = makeJsPool();
    const cases = [
        [`${WORK}missing`, UNKNOWN_FUNCTION, 'exports no missing'],
        [`${WORK}notAFunction`, UNKNOWN_FUNCTION, 'notAFunction of'],
        ['no-such-function', UNKNOWN_FUNCTION, 'no-such-function'],
        [`${moduleUrl('nowhere.js')}#f`, INVALID_MODULE, 'nowhere.js'],
        ['nonsense://nowhere#f', INVALID_MODULE, 'nonsense://nowhere'],
        ['nowhere.js#f', INVALID_MODULE, 'nowhere.js'],
        [`${moduleUrl('broken.js')}#broken`, INVALID_MODULE, 'broken.js: SyntaxError'],
        [`${moduleUrl('throwing.js')}#unreachable`, INVALID_MODULE, 'throwing.js: RangeError: no use today'],
    ];
    for (const [name, code, text] of cases) {
        await assertFails(pool.call(name), Proc.PoolError, code, text);
        // Again, by the same process: whatever the engine remembers of a module.
        await assertFails(pool.call(name), Proc.PoolError, code, text);
    }
    assertEqual(await pool.call(`${WORK}add`, 1, 2), 3);

    const {cause} = await failure(pool.call(`${moduleUrl('broken.js')}#broken`));
    assert(cause instanceof SyntaxError, `${cause}`);
});

test('a missing interpreter is an error that names it', async () => {
    const pool = makePool({launcher: Proc.jsLauncher({gjs: '/nowhere/gjs'})});
    await assertFails(pool.call(`${WORK}nothing`), Proc.PoolError, SPAWN_FAILED, '/nowhere/gjs');
});

test('an interpreter that does not find the library is an error that says so', async () => {
    const pool = makePool({launcher: Proc.jsLauncher({environment: ['GI_TYPELIB_PATH=/nowhere', 'G_DEBUG=']})});
    const error = await failure(pool.call(`${WORK}nothing`));
    assert(error.matches(Proc.PoolError, START_FAILED), `${error}`);
    assert(error.message.includes('Proc'), error.message);
});

test('an initializer and a finalizer may be functions of modules', async () => {
    const pool = makeJsPool({finalizer: `${WORK}nothing`});
    pool.set_initializer(`${WORK}setState`, {set: 'up'});
    assertEqual(await pool.call(`${WORK}getState`), {set: 'up'});

    const failing = makeJsPool();
    failing.set_initializer(`${WORK}fail`, 'no start');
    await assertFails(failing.call(`${WORK}nothing`), Proc.PoolError, Proc.PoolError.INITIALIZER_FAILED, 'no start');
});

test('the helper is a program for hosts in other languages', async () => {
    const directory = GLib.path_get_dirname(GLib.filename_from_uri(import.meta.url)[0]);
    const program = GLib.build_filenamev([directory, '..', '..', 'bindings', 'gjs', 'procpool', 'helper-program.js']);
    const pool = makePool({launcher: Proc.LocalLauncher.new(['gjs', '-m', program])});
    const result = await pool.call_async(`${WORK}add`, new GLib.Variant('(ii)', [20, 22]), null);
    assertEqual([result.get_type_string(), result.get_int64()], ['x', 42]);
    const error = await failure(pool.call_async(`${WORK}fail`, new GLib.Variant('(s)', ['too far']), null));
    assert(error.matches(Proc.PoolError, Proc.PoolError.REMOTE) && error.message === 'RangeError: too far', `${error}`);
});

// ---- Cancelling ----

test('a busy function asks whether it is cancelled', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const call = pool.call(`${WORK}spin`);
    await emitted(call.task, 'progressed');
    call.cancel();
    await assertFails(call, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    assertEqual(await pool.call(`${WORK}pid`), call.task.pid);
});

test('a function that was busy hears of being cancelled when it is no longer', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const call = pool.call(`${WORK}busyUntilCancelled`);
    await emitted(call.task, 'progressed');
    call.cancel();
    await assertFails(call, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    assertEqual([await pool.call(`${WORK}getState`), await pool.call(`${WORK}pid`)], ['heard', call.task.pid]);
});

test('a promise that never settles is ended with its process', async () => {
    const pool = makeJsPool({maxWorkers: 1, cancelGrace: 1});
    const exited = emitted(pool, 'worker-exited');
    const call = pool.call(`${WORK}never`);
    await emitted(call.task, 'progressed');
    call.cancel();
    await assertFails(call, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    await exited;
    assertEqual(await pool.call(`${WORK}add`, 1, 2), 3);
});

// ---- Logs ----

test('what a function logs reaches the host with level, process and task', async () => {
    const {LEVEL_CRITICAL, LEVEL_MESSAGE, LEVEL_WARNING} = GLib.LogLevelFlags;
    const pool = makePool({launcher: Proc.jsLauncher({environment: ['G_DEBUG=']})});
    const records = [];
    pool.connect('log', (_pool, worker, task, level, domain, message) => {
        records.push({worker, task, level, domain, message});
        return true;
    });
    const call = pool.call(`${WORK}logAll`);
    await call;

    assertEqual(records.map(({level, domain, message}) => [level, domain, message]), [
        [LEVEL_MESSAGE, 'Gjs-Console', 'from console.log'],
        [LEVEL_WARNING, 'Gjs-Console', 'from console.warn'],
        [LEVEL_CRITICAL, 'Gjs-Console', 'from console.error'],
        [LEVEL_MESSAGE, 'Gjs', 'JS LOG: from log'],
        [LEVEL_MESSAGE, 'Gjs-Console', 'after await'],
    ]);
    assert(records.every(({worker}) => worker.pid === call.task.pid));
    assert(records.every(({task}) => task === call.task));
});

test('what a helper process wrote to standard error is in the error of its crash', async () => {
    await assertFails(makeJsPool().call(`${WORK}complainAndDie`), Proc.PoolError, CRASHED, 'last words');
});

run();
