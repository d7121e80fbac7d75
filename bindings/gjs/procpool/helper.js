// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The helper's side: functions of ES modules, and of a table, as a fallback of a Proc.Helper.

/* exported serve, invocationMethods, invocationProperties */

const {Gio, GLib} = imports.gi;
const {toDetails, toGError} = imports.procpool.errors;
const {collectIfDue, noteBusy} = imports.procpool.memory;
const {describe, toValue, toVariant} = imports.procpool.values;

// A cancellable's handlers are called by who cancels it, and while a function is busy that is another thread, where gjs
// calls nothing. So they are called by the main loop here.
function callHandlersInMainLoop(cancellable) {
    const sources = new Map();

    cancellable.connect = callback => {
        if (cancellable.is_cancelled()) {
            callback(cancellable);
            return 0;
        }
        const source = cancellable.source_new();
        source.set_callback(() => {
            sources.delete(source.get_id());
            callback(cancellable);
            return GLib.SOURCE_REMOVE;
        });
        const id = source.attach(null);
        sources.set(id, source);
        return id;
    };
    cancellable.disconnect = id => {
        sources.get(id)?.destroy();
        sources.delete(id);
    };
}

// A module's function may take what it needs of `this`, a Proc.Invocation.
var invocationMethods = {
    progress(fraction, text = null) {
        this.raw_progress(fraction, text);
    },

    output(value) {
        this.raw_output(toVariant(value));
    },
};

var invocationProperties = {
    cancellable: {
        get() {
            const cancellable = this.get_cancellable();
            if (!Object.hasOwn(cancellable, 'connect'))
                callHandlersInMainLoop(cancellable);
            return cancellable;
        },
    },
    cancelled: {
        get() {
            return this.get_cancellable().is_cancelled();
        },
    },
    cores: {
        get() {
            return this.get_cores();
        },
    },
};

// ---- Finding functions ----

function moduleError(code, why, cause) {
    const error = new GLib.Error(imports.gi.Proc.PoolError, code, why);
    if (cause)
        error.cause = cause;
    return error;
}

// Without going back to the helper's main loop, so that what the module and the function log is known to be this task's.
function waitFor(promise) {
    const context = GLib.MainContext.ref_thread_default();
    let outcome = null;
    promise.then(value => (outcome = {value}), error => (outcome = {error}));
    while (!outcome)
        context.iteration(true);
    return outcome;
}

function importModule(url) {
    // gjs 1.74 aborts when it is asked for another scheme.
    if (!/^(file|resource):\/\//.test(url)) {
        throw moduleError(imports.gi.Proc.PoolError.INVALID_MODULE,
            `Can't import ${url}: a module is named by a URL, file:///… or resource:///…`);
    }

    const {value, error} = waitFor(import(url));
    if (value)
        return value;

    const cause = error instanceof Error ? error : new Error(String(error));
    const where = cause.fileName?.includes('://') ? ` (${cause.fileName}:${cause.lineNumber})` : '';
    throw moduleError(imports.gi.Proc.PoolError.INVALID_MODULE, `Can't import ${url}: ${cause}${where}`, cause);
}

function findExport(name) {
    const {UNKNOWN_FUNCTION} = imports.gi.Proc.PoolError;
    const hash = name.lastIndexOf('#');
    if (hash < 0) {
        throw moduleError(UNKNOWN_FUNCTION,
            `There is no function ${name} here; one of a module is called file:///…/module.js#function`);
    }

    const [url, exported] = [name.slice(0, hash), name.slice(hash + 1)];
    const module = importModule(url);
    const found = module[exported];
    if (found === undefined)
        throw moduleError(UNKNOWN_FUNCTION, `${url} exports no ${exported}, but ${Object.keys(module).join(', ') || 'nothing'}`);
    if (typeof found !== 'function')
        throw moduleError(UNKNOWN_FUNCTION, `${exported} of ${url} is no function, but ${describe(found)}`);
    return found;
}

// ---- Calling them ----

// A tuple is the arguments, anything else the only one. An item of a mixed array comes in a box.
function unpackArguments(variant) {
    const args = variant.get_type_string() === 'v' ? variant.get_variant() : variant;
    const value = toValue(args);
    return args.get_type_string().startsWith('(') ? value : [value];
}

function isGenerator(value) {
    return value !== null && typeof value === 'object' && typeof value.next === 'function' &&
        (Symbol.asyncIterator in value || Symbol.iterator in value);
}

// What a generator yields are partial values, what it returns is the result.
async function drain(generator, invocation) {
    for (;;) {
        if (invocation.cancelled) {
            await generator.return?.();
            throw new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, 'The generator was stopped, since its task is cancelled');
        }
        const {value, done} = await generator.next();
        if (done)
            return value;
        invocation.output(value);
    }
}

function returnValue(invocation, value) {
    let variant = null;
    if (value !== undefined) {
        try {
            variant = toVariant(value);
        } catch (error) {
            error.message = `the result of ${invocation.get_function()}: ${error.message}`;
            throw error;
        }
    }
    invocation.return_value(variant);
}

function returnError(invocation, error) {
    invocation.return_error_with_details(toGError(error), toDetails(error));
}

async function finish(invocation, pending) {
    const start = Date.now();
    try {
        let value = await pending;
        if (isGenerator(value))
            value = await drain(value, invocation);
        returnValue(invocation, value);
    } catch (error) {
        returnError(invocation, error);
    }
    noteBusy(Date.now() - start);
    collectIfDue();
}

function call(func, invocation, args) {
    const start = Date.now();
    const value = func.apply(invocation, unpackArguments(args));
    noteBusy(Date.now() - start);
    if (typeof value?.then === 'function' || isGenerator(value))
        finish(invocation, value);
    else
        returnValue(invocation, value);
}

// ---- Serving ----

// Runs `helper` with the functions of `table`, and those of modules, until the host needs it no more. Returns the exit
// code.
function serve(table = {}, helper = imports.gi.Proc.Helper.new()) {
    // gjs runs no promise within a promise: whatever is awaited here would be so for ever.
    if (GLib.main_depth() > 0)
        throw new Error('Proc.serve() is called before the first await of the program, and not within a callback');

    const functions = new Map(Object.entries(table));
    helper.set_fallback((invocation, args) => {
        const name = invocation.get_function();
        try {
            if (!functions.has(name))
                functions.set(name, findExport(name));
            call(functions.get(name), invocation, args);
        } catch (error) {
            returnError(invocation, error);
        }
        collectIfDue();
    });
    return helper.run();
}
