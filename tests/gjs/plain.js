// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What the tests of the override share besides support.js.

import GLib from 'gi://GLib';
import Proc from 'gi://Proc?version=1';

import {makePool} from './support.js';

const MODULES = GLib.path_get_dirname(import.meta.url) + '/modules';

export const WORK = `${MODULES}/work.js#`;

export function moduleUrl(name) {
    return `${MODULES}/${name}`;
}

// A pool whose helper serves functions of ES modules.
export function makeJsPool(properties = {}) {
    return makePool({launcher: Proc.jsLauncher(), ...properties});
}

// What a promise fails with, or a function throws.
export async function failure(promise) {
    try {
        await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
        return error;
    }
    throw new Error('did not fail');
}

// The arguments of the next emission.
export function emitted(object, name) {
    return new Promise(resolve => {
        const id = object.connect(name, (...args) => {
            object.disconnect(id);
            resolve(args);
        });
    });
}
