// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A task says what it needs, and tells how far it is.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

import {assert, assertEqual, assertFails, makePool, run, test} from './support.js';

test('properties say what a task needs', async () => {
    const task = new Proc.Task({
        function: 'echo', arguments: new GLib.Variant('s', 'x'), name: 'a name', cores: 1, priority: -3,
        timeout: 60000, maxAttempts: 2, isolation: Proc.Isolation.EXCLUSIVE,
    });
    assertEqual([task.function, task.arguments.deepUnpack(), task.name], ['echo', 'x', 'a name']);
    assertEqual([task.cores, task.priority, task.timeout], [1, -3, 60000]);
    assertEqual([task.max_attempts, task.isolation], [2, Proc.Isolation.EXCLUSIVE]);
    assertEqual((await makePool().run_async(task, null)).deepUnpack(), 'x');
});

test('properties tell how far a task is', async () => {
    const task = Proc.Task.new('pid', null);
    assertEqual([task.state, task.worker, task.progress_text], [Proc.TaskState.NEW, null, null]);
    const pid = (await makePool().run_async(task, null)).deepUnpack();
    assertEqual([task.state, task.attempts], [Proc.TaskState.SUCCEEDED, 1]);
    assertEqual([task.pid, task.worker.pid], [pid, pid]);
    assert(task.queued_time <= task.started_time && task.started_time <= task.finished_time);
});

test('the state is notified', async () => {
    const states = [];
    const task = Proc.Task.new('nothing', null);
    task.connect('notify::state', () => states.push(task.state));
    await makePool().run_async(task, null);
    assertEqual(states.slice(-2), [Proc.TaskState.RUNNING, Proc.TaskState.SUCCEEDED]);
});

test('progress is told', async () => {
    const told = [];
    const notified = [];
    const task = Proc.Task.new('progress', null);
    task.connect('progressed', (_task, fraction, text) => told.push([fraction, text]));
    task.connect('notify::progress-text', () => notified.push([task.progress, task.progress_text]));
    await makePool().run_async(task, null);
    assertEqual(told.at(-1), [1, '4 of 4']);
    assertEqual(notified, told);
});

test('partial values come in order and before the result', async () => {
    const values = [];
    const task = Proc.Task.new('outputs', new GLib.Variant('u', 100));
    task.connect('output', (_task, value) => values.push(value.deepUnpack()));
    await makePool().run_async(task, null);
    assertEqual(values, [...Array(100).keys()]);
});

test('the details of an error are there', async () => {
    const task = Proc.Task.new('fail-with-details', null);
    await assertFails(makePool().run_async(task, null), Gio.IOErrorEnum, Gio.IOErrorEnum.INVALID_DATA);
    assertEqual(task.state, Proc.TaskState.FAILED);
    assertEqual(task.error_details.recursiveUnpack(), {traceback: 'line 1\nline 2\n'});
});

test('a timeout is an error', async () => {
    const task = new Proc.Task({function: 'wait-for-cancel', timeout: 1});
    await assertFails(makePool().run_async(task, null), Proc.PoolError, Proc.PoolError.TIMED_OUT, 'wait-for-cancel');
});

test('a running task is cancelled', async () => {
    const cancellable = new Gio.Cancellable();
    const task = Proc.Task.new('async-wait-for-cancel', null);
    task.connect('progressed', () => cancellable.cancel());
    await assertFails(makePool().run_async(task, cancellable), Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    assertEqual(task.state, Proc.TaskState.CANCELLED);
});

test('a command is a task', async () => {
    const task = Proc.Task.new_command(['/bin/sh', '-c', 'cat; echo wrong >&2; exit 3']);
    task.input = new GLib.Bytes(new TextEncoder().encode('from the host'));
    const [status, signal, output, errors] = (await makePool().run_async(task, null)).deepUnpack();
    const decoder = new TextDecoder();
    assertEqual([status, signal, decoder.decode(output), decoder.decode(errors)], [3, 0, 'from the host', 'wrong\n']);
});

run();
