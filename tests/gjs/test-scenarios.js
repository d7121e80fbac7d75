// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What people do with pools, from end to end, with functions in JavaScript.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

import {WORK, emitted, failure, makeJsPool, moduleUrl} from './plain.js';
import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

const {CANCELLED} = Gio.IOErrorEnum;
const {CRASHED} = Proc.PoolError;
const ownPid = new Gio.Credentials().get_unix_pid();

// A folder with a named pipe, by which a test lets a function go on.
async function withPipe(body) {
    const folder = GLib.dir_make_tmp('procpool-test-XXXXXX');
    const pipe = `${folder}/pipe`;
    GLib.spawn_command_line_sync(`mkfifo ${pipe}`);
    try {
        await body(pipe, folder);
    } finally {
        GLib.spawn_command_line_sync(`rm -r ${folder}`);
    }
}

test('a map of square roots is in order, and its first result is there before the last is done', () => withPipe(async pipe => {
    const pool = makeJsPool({maxWorkers: 2});
    const squareRoots = pool.map(`${WORK}squareRoot`, [1, 4, 9, 16, 25]);
    assertEqual(await squareRoots.toArray(), [1, 2, 3, 4, 5]);

    const found = [];
    for await (const value of pool.map(`${WORK}squareRootOrPipe`, [1, 4, 9, 16, pipe])) {
        if (found.length === 0)
            Gio.Subprocess.new(['/bin/sh', '-c', `echo 25 >${pipe}`], Gio.SubprocessFlags.NONE);
        found.push(value);
    }
    assertEqual(found, [1, 2, 3, 4, 5]);
}));

test('a one-shot task has a process of its own', async () => {
    const pool = makeJsPool();
    const call = pool.run({function: `${WORK}pid`, isolation: Proc.Isolation.DEDICATED});
    const exited = emitted(pool, 'worker-exited');
    const pid = await call;
    assert(pid !== ownPid && pid === call.task.pid);
    assertEqual((await exited)[1].pid, pid);
});

test('the initializer is run in every worker, in replacements too', async () => {
    const pool = makeJsPool({maxWorkers: 2, maxTasksPerWorker: 1});
    pool.set_initializer(`${WORK}setState`, 'ready');
    const states = await Promise.all([...Array(6)].map(() => pool.call(`${WORK}getState`)));
    assertEqual(states, Array(6).fill('ready'));
});

test('one task a worker: six tasks have six processes', async () => {
    const pool = makeJsPool({maxTasksPerWorker: 1});
    const pids = await Promise.all([...Array(6)].map(() => pool.call(`${WORK}pid`)));
    assertEqual(new Set(pids).size, 6);
});

test('an error reaches the caller as it was, and the pool still answers', async () => {
    const pool = makeJsPool();
    const error = await failure(pool.call(`${WORK}fail`, 'a message'));
    assert(error instanceof RangeError && error.message === 'a message' && error.remoteStack.includes('work.js'));
    assertEqual(await pool.call(`${WORK}add`, 1, 1), 2);
});

test('three busy tasks run at once while the main loop turns', async () => {
    const pool = makeJsPool({maxWorkers: 3});
    const calls = [1, 2, 3].map(() => pool.call(`${WORK}spin`));
    const ends = calls.map(call => assertFails(call, Gio.IOErrorEnum, CANCELLED));
    await Promise.all(calls.map(call => emitted(call.task, 'progressed')));
    assertEqual(pool.n_running, 3);
    for (let turns = 0; turns < 100; turns++)
        await new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, () => resolve() ?? GLib.SOURCE_REMOVE));
    assertEqual(pool.n_running, 3);
    calls.forEach(call => call.cancel());
    await Promise.all(ends);
});

test('the second half of a cancelled task never happens', () => withPipe(async (pipe, folder) => {
    const pool = makeJsPool({maxWorkers: 1, cancelGrace: 1});
    const marker = `${folder}/marker`;
    const exited = emitted(pool, 'worker-exited');
    const call = pool.call(`${WORK}twoHalves`, pipe, marker);
    for await (const half of call) {
        assertEqual(half, 'first half');
        break;
    }
    await assertFails(call, Gio.IOErrorEnum, CANCELLED);
    await exited;
    assert(!GLib.file_test(marker, GLib.FileTest.EXISTS));
    assertEqual(await pool.call(`${WORK}add`, 1, 1), 2);
}));

test('exit codes and signals are named, and the tasks of other workers succeed', async () => {
    const pool = makeJsPool({maxWorkers: 2});
    const other = pool.call(`${WORK}untilInterrupted`);
    await emitted(other.task, 'progressed');

    await assertFails(pool.call(`${WORK}exit`, 42), Proc.PoolError, CRASHED, 'code 42');
    await assertFails(makePool().call('crash', new GLib.Variant('i', 11)), Proc.PoolError, CRASHED, 'signal 11');
    const killed = pool.call(`${WORK}never`);
    await emitted(killed.task, 'progressed');
    new Gio.Subprocess({argv: ['/bin/sh', '-c', `kill -9 ${killed.task.pid}`]}).init(null);
    await assertFails(killed, Proc.PoolError, CRASHED, 'signal 9');

    other.task.worker.send_signal(2);
    assertEqual(await other, 9999);
});

test('the tenth Fibonacci number is waited for, and told with its states', async () => {
    assertEqual(makeJsPool().call_sync(`${WORK}fibonacci`, 10), 55);

    const task = Proc.Task.new(`${WORK}fibonacci`, new GLib.Variant('(i)', [10]));
    const states = [task.state];
    task.connect('notify::state', () => states.push(task.state));
    const call = makeJsPool().run(task);
    states.push(task.state);
    assertEqual(await call, 55);
    const {NEW, QUEUED, RUNNING, SUCCEEDED} = Proc.TaskState;
    assertEqual(states, [NEW, QUEUED, RUNNING, SUCCEEDED]);
});

test('a task that runs for ever is terminated, killed and interrupted', async () => {
    const pool = makeJsPool({maxWorkers: 1});
    const cases = [[worker => worker.terminate(), 'signal 15'], [worker => worker.kill(), 'signal 9'], [worker => worker.send_signal(2), 'signal 2']];
    for (const [end, text] of cases) {
        const call = pool.call(`${WORK}spinForEver`);
        await emitted(call.task, 'progressed');
        end(call.task.worker);
        await assertFails(call, Proc.PoolError, CRASHED, text);
    }

    const call = pool.call(`${WORK}untilInterrupted`);
    await emitted(call.task, 'progressed');
    call.task.worker.send_signal(2);
    assertEqual(await call, 9999);
});

test('ten large sums are made by three workers at most', async () => {
    const pool = makeJsPool({maxWorkers: 3});
    let most = 0;
    pool.connect('notify::n-running', () => (most = Math.max(most, pool.n_running)));
    const sums = await pool.map(`${WORK}sumOfSquares`, Array(10).fill(10_000_000)).toArray();
    assertEqual(sums, Array(10).fill('333333283333335000000'));
    assert(most <= 3 && most > 0, `${most} at once`);
});

for (const [name, signal] of [['SIGTERM', 15], ['SIGKILL', 9]]) {
    test(`a host that is ended by ${name} leaves no helper process`, async () => {
        Gio._promisify(Gio.DataInputStream.prototype, 'read_line_async', 'read_line_finish_utf8');
        const host = Gio.Subprocess.new(['gjs', '-m', GLib.filename_from_uri(moduleUrl('host.js'))[0]], Gio.SubprocessFlags.STDOUT_PIPE);
        const output = Gio.DataInputStream.new(host.get_stdout_pipe());
        assertEqual((await output.read_line_async(0, null))[0], 'busy');
        host.send_signal(signal);
        // The end comes when the last process that has inherited the output is gone.
        assertEqual((await output.read_line_async(0, null))[0], null);
        host.wait(null);
    });
}

test('each of two tasks has a core of its own and is told which', async () => {
    const cores = Proc.CoreResource.new_for_process();
    const pool = makeJsPool({cores});
    const calls = [1, 2].map(n => [pool.run({function: `${WORK}squareWithCores`, arguments: [n], cores: 1}), n * n]);
    for (const [call, expected] of calls) {
        const [square, own] = await call;
        assertEqual([square, own.length], [expected, 1]);
        assert(cores.get_ids().includes(own[0]), `${own}`);
    }
});

test('idle workers go, and come back when they are needed', async () => {
    const pool = makeJsPool({maxWorkers: 1, idleTimeout: 1});
    const exited = emitted(pool, 'worker-exited');
    const first = await pool.call(`${WORK}pid`);
    assertEqual((await exited)[1].pid, first);
    assert(await pool.call(`${WORK}pid`) !== first);
});

test('a hundred values that cannot be sent beside a hundred that can', async () => {
    const pool = makeJsPool({maxWorkers: 2});
    const calls = [...Array(200).keys()].map(n => pool.call(`${WORK}echo`, n % 2 === 0 ? n : Symbol(`${n}`)));
    const answers = [...Array(200).keys()].map(n => pool.call(`${WORK}unserialisableOrNot`, n));
    for (const outcomes of [await Promise.allSettled(calls), await Promise.allSettled(answers)]) {
        assertEqual(outcomes.filter(({status}) => status === 'fulfilled').map(({value}) => value), [...Array(100).keys()].map(n => 2 * n));
        const errors = outcomes.filter(({status}) => status === 'rejected').map(({reason}) => reason);
        assertEqual(errors.length, 100);
        assert(errors.every(error => error instanceof TypeError && error.message.includes('a symbol')));
    }
});

run();
