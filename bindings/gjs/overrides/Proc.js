// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What gjs does with `gi://Proc` when it is first imported: the methods that take and give plain values are put in the
// place of the introspected ones, which stay there with a raw_ before their names.

const {GLib} = imports.gi;

// Beside the module that this is about, wherever that was found.
const HELPER_PROGRAM = GLib.build_filenamev([
    GLib.path_get_dirname(imports.procpool.helper.__file__), 'helper-program.js',
]);

function replace(prototype, methods) {
    for (const name of Reflect.ownKeys(methods)) {
        if (typeof name === 'string' && prototype[name])
            prototype[`raw_${name}`] = prototype[name];
        if (typeof name === 'string' && name.endsWith('_async'))
            prototype[`_original_${name}`] = prototype[name]; // see givePromises()
        prototype[name] = methods[name];
    }
}

// The launcher of the helper that serves functions of ES modules. `properties` are those of Proc.Launcher, and `gjs`,
// the interpreter's program.
function jsLauncher({gjs = 'gjs', ...properties} = {}) {
    const launcher = this.LocalLauncher.new([gjs, '-m', HELPER_PROGRAM]);
    return Object.assign(launcher, properties);
}

// For `using` and `await using`, where the engine has them.
function makeDisposable(Proc) {
    if (Symbol.dispose) {
        Proc.Pool.prototype[Symbol.dispose] = function () {
            this.close_sync(Proc.CloseMode.CANCEL);
        };
    }
    if (Symbol.asyncDispose) {
        Proc.Pool.prototype[Symbol.asyncDispose] = function () {
            return this.close(Proc.CloseMode.DRAIN);
        };
    }
}

function _init() {
    const Proc = this;
    const {bufferMethods, countBuffers} = imports.procpool.buffer;
    const {poolMethods, resultsMethods, scope} = imports.procpool.pool;
    const {givePromises} = imports.procpool.pending;
    const {invocationMethods, invocationProperties, serve} = imports.procpool.helper;

    givePromises(Proc.Pool.prototype, ['close', 'prepare', 'wait_for_room'], ['n-workers', 'n-idle', 'n-queued']);
    givePromises(Proc.Results.prototype, ['next', 'next_chunk'], ['position'], 'position');
    givePromises(Proc.Task.prototype, ['next_output'], ['n-outputs']);
    replace(Proc.Pool.prototype, poolMethods);
    replace(Proc.Results.prototype, resultsMethods);
    replace(Proc.Buffer.prototype, bufferMethods);
    countBuffers(Proc.Buffer);
    replace(Proc.Invocation.prototype, invocationMethods);
    Object.defineProperties(Proc.Invocation.prototype, invocationProperties);
    makeDisposable(Proc);

    Proc.jsLauncher = jsLauncher.bind(Proc);
    Proc.scope = scope;
    Proc.serve = serve;
}
