// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What the library was asked for and hasn't answered: each operation is settled once, even if its callback never comes.
//
// gjs drops all that C calls back (callbacks, handlers, timeouts) while the engine is between two slices of sweeping
// garbage, with a critical message in the log. If nothing else runs the program's code, that remains so for ever. Two
// things are not dropped: the jobs of promises, and setters of properties that C sets. So what changes with an answer (a
// task's state, the position of results) is bound to a property of the watch here, and if something is pending after
// that, it is looked into as soon as the main loop has nothing better to do: recover() brings the sweeping to its end,
// and settles what was answered.
//
// An operation is pending from start() to settle(). A run's outcome is found in its task. Anything else is begun anew: an
// answer that nobody finished is given to the next one who asks.

/* exported Operation, givePromises, watchState, followCancellable */

const {Gio, GLib, GObject} = imports.gi;
const {endCollection} = imports.procpool.memory;
const {describe} = imports.procpool.values;

const pending = new Set();
let isHeeding = false;
let isTickDue = false;

const {READWRITE} = GObject.ParamFlags;

const Watch = GObject.registerClass({
    GTypeName: 'ProcJsWatch',
    Properties: {
        'count': GObject.ParamSpec.uint64('count', null, null, READWRITE, 0, Number.MAX_SAFE_INTEGER, 0),
        'state': GObject.ParamSpec.uint('state', null, null, READWRITE, 0, GLib.MAXUINT32, 0),
        'ticked': GObject.ParamSpec.boolean('ticked', null, null, READWRITE, false),
    },
}, class Watch extends GObject.Object {
    set count(_count) {
        heed();
    }

    set state(state) {
        if (state > imports.gi.Proc.TaskState.RUNNING)
            heed();
    }

    set ticked(_ticked) {
        isTickDue = false;
        Promise.resolve().then(recover);
    }
});

const theWatch = new Watch();

// ---- Noticing ----

// The callbacks for what has just changed come first; if they do, there is mostly nothing left to look into.
function heed() {
    if (isHeeding || pending.size === 0)
        return;
    isHeeding = true;
    Promise.resolve().then(() => {
        isHeeding = false;
        if (pending.size > 0)
            tickWhenIdle();
    });
}

// An idle callback that is not dropped: C notifies of the end of a task that has nothing to do.
function tickWhenIdle() {
    if (isTickDue)
        return;
    isTickDue = true;

    const task = Gio.Task.new(null, null, null);
    task.set_priority(GLib.PRIORITY_DEFAULT_IDLE);
    task.bind_property('completed', theWatch, 'ticked', GObject.BindingFlags.DEFAULT);
    task.return_boolean(true);
}

// No callback is on its way now: they come with a higher priority than the tick.
function recover() {
    if (pending.size > 0 && endCollection())
        [...pending].forEach(operation => operation.recover());
}

function watchState(task) {
    task.bind_property('state', theWatch, 'state', GObject.BindingFlags.DEFAULT);
}

function watchCounts(object, names) {
    object._watched ??= new Set();
    for (const name of names) {
        if (!object._watched.has(name))
            object.bind_property(name, theWatch, 'count', GObject.BindingFlags.DEFAULT);
        object._watched.add(name);
    }
}

// ---- Operations ----

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

var Operation = class Operation {
    // begin(cancellable, callback) asks the library, and returns whether the answer may be on its way already; finish(result)
    // takes it from what the callback got; find(), if there is one, returns that of one whose callback didn't come: a
    // function that gives the value or throws the error, or null. It is cancelled by each of `cancellables`.
    constructor({begin, finish, find = null, cancellables = []}, resolve, reject) {
        Object.assign(this, {begin, finish, find, resolve, reject});
        this.cancellable = new Gio.Cancellable();
        this.sources = cancellables;
        this.disconnects = cancellables.map(other => followCancellable(this.cancellable, other));
        this.start();
    }

    start() {
        pending.add(this);
        const {cancellable} = this;
        const isOnItsWay = this.begin(cancellable, (_object, result) => {
            // Else it is left unfinished, for the next one who asks.
            if (pending.has(this) && cancellable === this.cancellable)
                this.settle(() => this.finish(result));
        });
        if (isOnItsWay)
            tickWhenIdle();
    }

    settle(answer) {
        pending.delete(this);
        this.disconnects.forEach(disconnect => disconnect());
        let value;
        try {
            value = answer();
        } catch (error) {
            this.reject(error);
            return;
        }
        this.resolve(value);
    }

    recover() {
        // That callback may have been dropped, too.
        if (this.sources.some(source => source instanceof Gio.Cancellable && source.is_cancelled()))
            this.cancellable.cancel();

        if (!this.find) {
            this.beginAnew();
            return;
        }
        const answer = this.find();
        if (answer)
            this.settle(answer);
    }

    beginAnew() {
        const isCancelled = this.cancellable.is_cancelled();
        this.cancellable.cancel();
        this.disconnects.forEach(disconnect => disconnect());
        this.cancellable = new Gio.Cancellable();
        if (isCancelled)
            this.cancellable.cancel();
        this.disconnects = this.sources.map(other => followCancellable(this.cancellable, other));
        this.start();
    }
};

// Without a callback the async methods of these names give promises. `counts` are the properties that change with their
// answers; `position` is the one that does so even if they are answered at once.
function givePromises(prototype, names, counts, position = null) {
    for (const name of names) {
        const begin = prototype[`${name}_async`];
        const finish = prototype[`${name}_finish`];
        const nOwn = begin.length - 2;
        // Where Gio._promisify() keeps it: a program that calls that has this one all the same.
        prototype[`_original_${name}_async`] = begin;
        prototype[`${name}_async`] = function (...args) {
            if (typeof args[nOwn + 1] === 'function')
                return begin.apply(this, args);
            watchCounts(this, counts);
            return new Promise((resolve, reject) => new Operation({
                begin: (cancellable, callback) => {
                    const before = position && this[position];
                    begin.call(this, ...args.slice(0, nOwn), cancellable, callback);
                    return !position || this[position] !== before;
                },
                finish: result => finish.call(this, result),
                cancellables: args[nOwn] ? [args[nOwn]] : [],
            }, resolve, reject));
        };
    }
}
