// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A pool has workers, tells about them, maps and is closed.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Proc from 'gi://Proc?version=1';

import {TEST_HELPER, assert, assertEqual, assertFails, makePool, run, test} from './support.js';

function signal(object, name) {
    return new Promise(resolve => {
        const id = object.connect(name, (...args) => {
            object.disconnect(id);
            resolve(args);
        });
    });
}

test('signals tell of the start and the end of a worker', async () => {
    const pool = makePool();
    const started = signal(pool, 'worker-started');
    const exited = signal(pool, 'worker-exited');
    const pid = (await pool.call_async('pid', null, null)).deepUnpack();
    assertEqual((await started)[1].pid, pid);
    const crash = pool.call_async('crash', new GLib.Variant('i', 9), null);
    await assertFails(crash, Proc.PoolError, Proc.PoolError.CRASHED);
    assertEqual((await exited)[1].term_signal, 9);
});

test('the workers are a list model', async () => {
    const pool = makePool({maxWorkers: 1});
    assertEqual(pool.workers.get_n_items(), 0);
    const pid = (await pool.call_async('pid', null, null)).deepUnpack();
    assertEqual([...pool.workers].map(worker => worker.pid), [pid]);
    const changed = signal(pool.workers, 'items-changed');
    pool.workers.get_item(0).kill();
    assertEqual((await changed).slice(1), [0, 1, 0]);
});

test('the log of a helper is a signal', async () => {
    const pool = makePool();
    const records = [];
    pool.connect('log', (_pool, worker, task, level, domain, message, fields) => {
        records.push([task.function, level, domain, message, fields.deepUnpack()]);
        return true;
    });
    await pool.call_async('log', new GLib.Variant('s', 'a message'), null);
    assertEqual(records[0],
        ['log', GLib.LogLevelFlags.LEVEL_WARNING, 'test-helper', 'a message', {ANSWER: '42'}]);
});

test('an initializer runs before the first task', async () => {
    const pool = makePool();
    pool.set_initializer('initialize', new GLib.Variant('s', 'set up'));
    assertEqual((await pool.call_async('get-initialized', null, null)).deepUnpack(), 'set up');
});

test('a drained pool does its tasks first and then takes no more', async () => {
    const pool = makePool();
    const call = pool.call_async('add', new GLib.Variant('(ii)', [1, 2]), null);
    assert(await pool.close_async(Proc.CloseMode.DRAIN, null));
    assertEqual((await call).deepUnpack(), 3);
    assert(pool.closed);
    await assertFails(pool.call_async('nothing', null, null), Proc.PoolError, Proc.PoolError.CLOSED);
});

test('a killed pool fails its tasks', async () => {
    const pool = makePool();
    const task = Proc.Task.new('sleep-forever', null);
    const progressed = signal(task, 'progressed');
    const result = pool.run_async(task, null);
    await progressed;
    await Promise.all([
        pool.close_async(Proc.CloseMode.KILL, null),
        assertFails(result, Proc.PoolError, Proc.PoolError.CLOSED),
    ]);
});

test('a map gives its results in order to the end', async () => {
    const numbers = [...Array(50).keys()];
    const results = makePool({maxWorkers: 2}).map('echo', new GLib.Variant('ai', numbers));
    const found = [];
    for (let value; (value = await results.next_async(null)) !== null;)
        found.push(value.deepUnpack());
    assertEqual(found, numbers);
    assertEqual(results.position, 50);
});

test('an error of a map comes in the place of its item', async () => {
    const items = new GLib.Variant('a(is)', [[Gio.IOErrorEnum.BUSY, 'first'], [Gio.IOErrorEnum.NOT_FOUND, 'second']]);
    const results = makePool().map('fail', items);
    await assertFails(results.next_async(null), Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'first');
    await assertFails(results.next_async(null), Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND, 'second');
    assertEqual(await results.next_async(null), null);
});

test('cores are acquired, released and combined', async () => {
    const {PoolError} = Proc;
    const [first, second] = [Proc.CoreResource.new(1), Proc.CoreResource.new(2)];
    const both = first.combine(second);
    const part = both.acquire(3);
    assertEqual([part.n_cores, both.n_free, first.n_free, second.n_free], [3, 0, 0, 0]);
    await assertFails((async () => first.acquire(1))(), PoolError, PoolError.NOT_ENOUGH_CORES);
    await assertFails((async () => both.combine(second))(), PoolError, PoolError.INVALID_CORES);
    await assertFails((async () => Proc.CoreResource.new_for_ids([0, 0]))(), PoolError, PoolError.INVALID_CORES);
    assert(both.release(part));
    await assertFails((async () => both.release(part))(), PoolError, PoolError.INVALID_CORES);

    const task = new Proc.Task({function: 'nothing', cores: 3});
    await assertFails(makePool({cores: second}).run_async(task, null), PoolError, PoolError.NOT_ENOUGH_CORES);
});

const TestLauncher = GObject.registerClass(class TestLauncher extends Proc.Launcher {
    vfunc_prepare(subprocessLauncher) {
        subprocessLauncher.setenv('PREPARED_BY', 'TestLauncher', true);
        return this.argv;
    }

    vfunc_get_flags() {
        return Proc.LauncherFlags.SAME_HOST | Proc.LauncherFlags.EXIT_STATUS;
    }
});

test('a derived launcher says what to run', async () => {
    const launcher = new TestLauncher();
    launcher.argv = TEST_HELPER;
    assertEqual(launcher.get_flags(), Proc.LauncherFlags.SAME_HOST | Proc.LauncherFlags.EXIT_STATUS);
    const variable = new GLib.Variant('s', 'PREPARED_BY');
    const result = await makePool({launcher}).call_async('getenv', variable, null);
    assertEqual(result.recursiveUnpack(), 'TestLauncher');
});

test('the error of a derived launcher is the error of the call', async () => {
    const FailingLauncher = GObject.registerClass(class FailingLauncher extends Proc.Launcher {
        vfunc_prepare() {
            throw new GLib.Error(Proc.PoolError, Proc.PoolError.SPAWN_FAILED, 'out of stock');
        }
    });
    const call = makePool({launcher: new FailingLauncher()}).call_async('nothing', null, null);
    await assertFails(call, Proc.PoolError, Proc.PoolError.SPAWN_FAILED, 'out of stock');
});

test('a launcher that names no program is an error', async () => {
    const launcher = new TestLauncher();
    launcher.argv = [];
    const call = makePool({launcher}).call_async('nothing', null, null);
    await assertFails(call, Proc.PoolError, Proc.PoolError.SPAWN_FAILED, 'TestLauncher');
});

run();
