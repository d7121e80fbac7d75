// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Errors of functions, on both sides of the channel.
//
// An Error goes as PROC_POOL_ERROR_REMOTE with the message "NAME: MESSAGE", for hosts in other languages, and with
// these details: type (its name), message, traceback (its stack), and cause (the same of its cause, if it is an Error). A GLib.Error
// goes with its domain and code; its details are traceback and cause.

/* exported toGError, toDetails, toLocal, noteCrash */

const {GLib} = imports.gi;
const {toValue, toVariant} = imports.procpool.values;

const OWN_CLASSES = {Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError};
const MAX_CAUSES = 16;

// ---- In the helper process ----

function toGError(error) {
    const {PoolError} = imports.gi.Proc;
    if (error instanceof GLib.Error)
        return error;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : `Error: ${String(error)}`;
    return new GLib.Error(PoolError, PoolError.REMOTE, text);
}

function describeError(error, nCauses) {
    const isForeign = error instanceof GLib.Error;
    const told = {...isForeign ? {} : {type: error.name, message: error.message}, traceback: error.stack ?? ''};
    const details = Object.fromEntries(Object.entries(told).map(([key, text]) => [key, String(text).replaceAll('\0', '')]));
    if (error.cause instanceof Error && nCauses < MAX_CAUSES)
        details.cause = describeError(error.cause, nCauses + 1);
    return details;
}

function toDetails(error) {
    const isError = error instanceof Error || error instanceof GLib.Error;
    return toVariant(describeError(isError ? error : new Error(String(error)), 0));
}

// ---- In the host ----

function construct(name, message) {
    const error = new (OWN_CLASSES[name] ?? Error)(message);
    if (error.name !== name)
        Object.defineProperty(error, 'name', {value: name, configurable: true, writable: true});
    return error;
}

// An error as it was in the helper process, with the stack that it had there.
function toRemote(details) {
    const {type = 'Error', message = '', traceback = '', cause} = details;
    const error = construct(`${type}`, `${message}`);
    error.stack = `${traceback}`;
    if (cause)
        error.cause = toRemote(cause);
    return error;
}

// What the caller gets for `gerror`: `details` came along with it, or null; `origin` is an Error that was made where
// the call was. A function's own Error is one again, and anything else a GLib.Error with domain and code.
function toLocal(gerror, details, origin) {
    const {PoolError} = imports.gi.Proc;
    const stack = origin.stack;
    const told = details ? toValue(details) : {};
    const isForeign = gerror.matches(PoolError, PoolError.REMOTE);
    const [, name, message] = isForeign && gerror.message.match(/^([A-Z]\w*): (.*)$/s) || [];

    let error = gerror;
    if (isForeign && told.type)
        error = construct(`${told.type}`, `${told.message}`);
    else if (name)
        error = construct(name, message);

    error.stack = stack;
    error.remoteStack = told.traceback === undefined ? null : `${told.traceback}`;
    const cause = told.type ? told : told.cause;
    if (cause)
        error.cause = toRemote(cause);
    return error;
}

// How the helper process of `worker`, if there was one, has ended with the task, and what it wrote last.
function noteCrash(error, worker) {
    const {PoolError} = imports.gi.Proc;
    if (!worker || !(error instanceof GLib.Error && error.matches(PoolError, PoolError.CRASHED)))
        return;
    error.exitStatus = worker.term_signal ? null : worker.exit_status;
    error.termSignal = worker.term_signal || null;
    error.stderrTail = worker.dup_stderr_tail();
}
