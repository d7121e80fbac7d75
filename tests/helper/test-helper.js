// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The test helper in JavaScript: functions of the one in C, by the same names.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';
import System from 'system';

function checkType(args, expected) {
    const found = args.get_type_string();
    if (found !== expected) {
        throw new GLib.Error(Proc.PoolError, Proc.PoolError.INVALID_ARGUMENTS,
            `this function takes ${expected}, not ${found}`);
    }
}

function add(_invocation, args) {
    checkType(args, '(ii)');
    const [a, b] = args.deepUnpack();
    return new GLib.Variant('i', a + b);
}

function fail(_invocation, args) {
    const [code, message] = args.deepUnpack();
    throw new GLib.Error(Gio.IOErrorEnum, code, message);
}

function progress(invocation) {
    for (let quarter = 0; quarter <= 4; quarter++)
        invocation.progress(quarter / 4, `${quarter} of 4`);
    return null;
}

function outputs(invocation, args) {
    for (let number = 0; number < args.get_uint32(); number++)
        invocation.output(new GLib.Variant('u', number));
    return args;
}

function log(_invocation, args) {
    GLib.log_structured('test-helper', GLib.LogLevelFlags.LEVEL_WARNING, {
        MESSAGE: args.get_string()[0],
        ANSWER: '42',
    });
    return null;
}

// The engine sees the variants as small, whatever is in them.
function echo(_invocation, args) {
    System.gc();
    return args;
}

function asyncDelay(invocation, args) {
    const milliseconds = args.get_child_value(0).get_uint32();
    GLib.timeout_add(GLib.PRIORITY_DEFAULT, milliseconds, () => {
        invocation.return_value(args.get_child_value(1).get_variant());
        return GLib.SOURCE_REMOVE;
    });
}

function asyncWaitForCancel(invocation) {
    invocation.get_cancellable().connect(() => {
        GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
            invocation.return_error(new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, 'told to stop'));
            return GLib.SOURCE_REMOVE;
        });
    });
    invocation.progress(0, 'waiting');
}

function failWithDetails(invocation) {
    const error = new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.INVALID_DATA, 'the details tell more');
    const details = {traceback: new GLib.Variant('s', 'line 1\nline 2\n')};
    invocation.return_error_with_details(error, new GLib.Variant('a{sv}', details));
}

const helper = Proc.Helper.new();
helper.add_function('echo', echo);
helper.add_function('nothing', () => null);
helper.add_function('add', add);
helper.add_function('fail', fail);
helper.add_function('progress', progress);
helper.add_function('outputs', outputs);
helper.add_function('log', log);
helper.add_function('exit', (_invocation, args) => System.exit(args.get_int32()));
helper.add_async_function('async-delay', asyncDelay);
helper.add_async_function('async-wait-for-cancel', asyncWaitForCancel);
helper.add_async_function('fail-with-details', failWithDetails);
System.exit(helper.run());
