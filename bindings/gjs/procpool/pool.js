// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The methods of Proc.Pool and Proc.Results that take and give plain values.

/* exported poolMethods, resultsMethods, scope */

const {Gio, GLib} = imports.gi;
const {toLocal} = imports.procpool.errors;
const {collectIfDue} = imports.procpool.memory;
const {followCancellable} = imports.procpool.pending;
const {Run, makeTask, runTask, toRunError} = imports.procpool.run;
const {toArguments, toItems, toResult} = imports.procpool.values;

const MAP_OPTIONS = ['lookAhead', 'chunkSize', 'spread', 'cancellable', 'signal'];
const NOT_FOR_MAPS = ['function', 'arguments', 'command', 'input', 'onProgress', 'onOutput'];

function runBlocking(pool, task, cancellable) {
    const origin = new Error();
    try {
        return toResult(pool.raw_run(task, cancellable));
    } catch (error) {
        throw error instanceof GLib.Error ? toRunError(error, task, origin) : error;
    }
}

function makePrototype(name, options) {
    const forTask = {function: name};
    for (const [key, value] of Object.entries(options)) {
        if (NOT_FOR_MAPS.includes(key))
            throw new TypeError(`a map has no option ${key}`);
        if (!MAP_OPTIONS.includes(key))
            forTask[key] = value;
    }
    return makeTask(forTask);
}

var poolMethods = {
    call(name, ...args) {
        return Run.start(this, {function: name, arguments: args});
    },

    call_sync(name, ...args) {
        return this.run_sync({function: name, arguments: args});
    },

    run(options) {
        return Run.start(this, options);
    },

    run_sync(options) {
        const cancellable = new Gio.Cancellable();
        const disconnects = [options.cancellable, options.signal].map(other => followCancellable(cancellable, other));
        try {
            return runBlocking(this, makeTask(options), cancellable);
        } finally {
            disconnects.forEach(disconnect => disconnect());
            collectIfDue();
        }
    },

    map(name, items, options = {}) {
        const results = this.map_task(makePrototype(name, options), toItems(items, options.spread));
        results._origin = new Error();
        if (options.lookAhead !== undefined)
            results.look_ahead = options.lookAhead;
        if (options.chunkSize !== undefined)
            results.chunk_size = options.chunkSize;
        if (options.cancellable || options.signal) {
            const cancellable = new Gio.Cancellable();
            for (const other of [options.cancellable, options.signal])
                followCancellable(cancellable, other);
            results._cancellable = cancellable;
        }
        return results;
    },

    // With GVariants. A run isn't begun anew: what it came to is found in its task.
    run_async(task, cancellable, callback) {
        if (typeof callback === 'function')
            return this.raw_run_async(task, cancellable, callback);
        return new Promise((resolve, reject) => runTask(this, task, [cancellable], resolve, reject));
    },

    call_async(name, args, cancellable, callback) {
        if (typeof callback === 'function')
            return this.raw_call_async(name, args, cancellable, callback);
        return this.run_async(imports.gi.Proc.Task.new(name, args), cancellable);
    },

    close(mode = imports.gi.Proc.CloseMode.DRAIN, cancellable = null) {
        return this.close_async(mode, cancellable);
    },

    close_sync(mode = imports.gi.Proc.CloseMode.DRAIN, cancellable = null) {
        return this.raw_close(mode, cancellable);
    },

    set_initializer(name, ...args) {
        this.raw_set_initializer(name, name === null ? null : toArguments(args));
    },
};

// The next result, as an iterator tells it.
function step(value) {
    collectIfDue();
    return value === null ? {value: undefined, done: true} : {value: toResult(value), done: false};
}

function localError(results, error) {
    return error instanceof GLib.Error ? toLocal(error, results.error_details, results._origin ?? new Error()) : error;
}

var resultsMethods = {
    async next() {
        try {
            return step(await this.next_async(this._cancellable ?? null));
        } catch (error) {
            throw localError(this, error);
        }
    },

    next_sync() {
        try {
            return step(this.raw_next(this._cancellable ?? null));
        } catch (error) {
            throw localError(this, error);
        }
    },

    // Whoever leaves a loop early, by an error too, wants none of the rest.
    async *[Symbol.asyncIterator]() {
        try {
            for (let result; !(result = await this.next()).done;)
                yield result.value;
        } finally {
            this.cancel();
        }
    },

    *[Symbol.iterator]() {
        try {
            for (let result; !(result = this.next_sync()).done;)
                yield result.value;
        } finally {
            this.cancel();
        }
    },

    async toArray() {
        const values = [];
        for await (const value of this)
            values.push(value);
        return values;
    },
};

// Calls `body` with a pool, or with a new one of these properties, and closes it in any case: once its tasks are
// done, or by cancelling them if the body failed.
async function scope(poolOrProperties, body) {
    const {CloseMode, Pool} = imports.gi.Proc;
    const pool = poolOrProperties instanceof Pool ? poolOrProperties : new Pool(poolOrProperties ?? {});
    let mode = CloseMode.CANCEL;
    try {
        const result = await body(pool);
        mode = CloseMode.DRAIN;
        return result;
    } finally {
        await pool.close(mode);
    }
}
