// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A run: a task that was given to a pool, as a promise of its result.
//
// It is under way until the library tells its end, once, in settle(); everything that was connected for it is
// disconnected there.

/* exported Run, makeTask, followCancellable */

const {Gio} = imports.gi;
const {toLocal} = imports.procpool.errors;
const {collectIfDue} = imports.procpool.memory;
const {describe, toArguments, toResult, toValue} = imports.procpool.values;

// Options of a run by the properties of the task that they set.
const TASK_OPTIONS = ['name', 'cores', 'priority', 'timeout', 'maxAttempts', 'isolation', 'fds', 'input', 'maxOutputs'];
const OTHER_OPTIONS = ['function', 'arguments', 'command', 'cancellable', 'signal', 'onProgress', 'onOutput'];

function checkOptions(options) {
    for (const name of Object.keys(options)) {
        if (!TASK_OPTIONS.includes(name) && !OTHER_OPTIONS.includes(name))
            throw new TypeError(`a task has no option ${name}; there are ${[...OTHER_OPTIONS, ...TASK_OPTIONS].join(', ')}`);
    }
}

function makeNewTask(options) {
    const {Task} = imports.gi.Proc;
    const args = options.arguments ?? [];
    if (options.command)
        return Task.new_command(options.command);
    if (typeof options.function !== 'string')
        throw new TypeError(`a task's function is a string, not ${describe(options.function)}`);
    if (!Array.isArray(args) && !(args instanceof imports.gi.GLib.Variant))
        throw new TypeError(`a task's arguments are an array or a GLib.Variant, not ${describe(args)}`);
    return Task.new(options.function, toArguments(Array.isArray(args) ? args : [args]));
}

// From a plain object, or a Proc.Task, which stays what it is.
function makeTask(options) {
    if (options instanceof imports.gi.Proc.Task)
        return options;
    checkOptions(options);
    const task = makeNewTask(options);
    for (const name of TASK_OPTIONS) {
        if (options[name] !== undefined)
            task[name] = options[name];
    }
    return task;
}

// Cancels `cancellable` when `other` is: a Gio.Cancellable, or what is like an AbortSignal. Returns how to stop that.
function followCancellable(cancellable, other) {
    if (!other)
        return () => {};

    if (other instanceof Gio.Cancellable) {
        const id = other.connect(() => cancellable.cancel());
        return () => id && other.disconnect(id);
    }

    if (typeof other.addEventListener !== 'function')
        throw new TypeError(`a Gio.Cancellable or something like an AbortSignal is needed, not ${describe(other)}`);
    const onAbort = () => cancellable.cancel();
    if (other.aborted)
        onAbort();
    other.addEventListener('abort', onAbort);
    return () => other.removeEventListener('abort', onAbort);
}

function connectReports(task, {onProgress, onOutput}) {
    const ids = [];
    if (onProgress)
        ids.push(task.connect('progressed', (_task, fraction, text) => onProgress(fraction, text)));
    if (onOutput)
        ids.push(task.connect('output', (_task, value) => onOutput(toValue(value))));
    return ids;
}

var Run = class Run extends Promise {
    // What then() and the like give is an ordinary promise.
    static get [Symbol.species]() {
        return Promise;
    }

    static start(pool, options) {
        const origin = new Error();
        const cancellable = new Gio.Cancellable();
        let task = null;
        const run = new Run((resolve, reject) => {
            task = makeTask(options);
            const disconnects = [
                followCancellable(cancellable, options.cancellable),
                followCancellable(cancellable, options.signal),
            ];
            const ids = connectReports(task, options);

            pool.run_async(task, cancellable, (_pool, result) => {
                disconnects.forEach(disconnect => disconnect());
                ids.forEach(id => task.disconnect(id));
                try {
                    resolve(toResult(pool.run_finish(result)));
                } catch (error) {
                    reject(toLocal(error, task.error_details, origin));
                }
                collectIfDue();
            });
        });
        run.task = task;
        run._cancellable = cancellable;
        collectIfDue();
        return run;
    }

    cancel() {
        this._cancellable.cancel();
    }

    // The partial values, from now on unless maxOutputs keeps all of them, then the run's error if it has one. Who leaves
    // early cancels the run.
    [Symbol.asyncIterator]() {
        return this.task.max_outputs > 0 ? this._take() : this._listen();
    }

    async *_take() {
        try {
            for (let value; (value = await this.task.next_output_async(null)) !== null;)
                yield toValue(value);
            await this;
        } finally {
            this.cancel();
        }
    }

    _listen() {
        const values = [];
        let wake = () => {};
        let isOver = false;
        const id = this.task.connect('output', (_task, value) => {
            values.push(toValue(value));
            wake();
        });
        const end = this.finally(() => {
            isOver = true;
            wake();
        });
        end.catch(() => {});
        return this._iterate(values, resolve => (wake = resolve), () => isOver, end, id);
    }

    async *_iterate(values, setWake, isOver, end, id) {
        try {
            for (;;) {
                if (values.length > 0)
                    yield values.shift();
                else if (isOver())
                    break;
                else
                    await new Promise(setWake);
            }
            await end;
        } finally {
            this.task.disconnect(id);
            this.cancel();
        }
    }
};
