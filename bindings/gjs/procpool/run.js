// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A run: a task that was given to a pool, as a promise of its result.
//
// It is under way until the library tells its end, once, in settle(); everything that was connected for it is
// disconnected there.

/* exported Run, makeTask, runTask, toRunError */

const {noteCrash, toLocal} = imports.procpool.errors;
const {collectIfDue} = imports.procpool.memory;
const {Operation, watchState} = imports.procpool.pending;
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

function connectReports(task, {onProgress, onOutput}) {
    const ids = [];
    if (onProgress)
        ids.push(task.connect('progressed', (_task, fraction, text) => onProgress(fraction, text)));
    if (onOutput)
        ids.push(task.connect('output', (_task, value) => onOutput(toValue(value))));
    return ids;
}

function toRunError(error, task, origin) {
    const local = toLocal(error, task.error_details, origin);
    noteCrash(local, task.worker);
    return local;
}

// What a task came to, as Operation wants it.
function findOutcome(task) {
    const {TaskState} = imports.gi.Proc;
    switch (task.state) {
    case TaskState.SUCCEEDED:
        return () => task.result;
    case TaskState.FAILED:
    case TaskState.CANCELLED:
        return () => {
            throw task.error;
        };
    default:
        return null;
    }
}

function runTask(pool, task, cancellables, resolve, reject) {
    // One that was run before fails, whatever it came to then.
    const isNew = task.state === imports.gi.Proc.TaskState.NEW;
    if (isNew)
        watchState(task);
    return new Operation({
        begin: (cancellable, callback) => {
            pool.raw_run_async(task, cancellable, callback);
            return !isNew || findOutcome(task) !== null;
        },
        finish: result => pool.run_finish(result),
        find: isNew ? () => findOutcome(task) : null,
        cancellables: cancellables.filter(other => other),
    }, resolve, reject);
}

var Run = class Run extends Promise {
    // What then() and the like give is an ordinary promise.
    static get [Symbol.species]() {
        return Promise;
    }

    static start(pool, options) {
        const origin = new Error();
        let task = null;
        let operation = null;
        const run = new Run((resolve, reject) => {
            task = makeTask(options);
            const ids = connectReports(task, options);
            const end = () => {
                ids.forEach(id => task.disconnect(id));
                collectIfDue();
            };

            operation = runTask(pool, task, [options.cancellable, options.signal], variant => {
                end();
                try {
                    resolve(toResult(variant));
                } catch (error) {
                    reject(error);
                }
            }, error => {
                end();
                reject(toRunError(error, task, origin));
            });
        });
        run.task = task;
        run._operation = operation;
        collectIfDue();
        return run;
    }

    cancel() {
        this._operation?.cancellable.cancel();
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
