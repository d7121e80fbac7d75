// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Functions that take and give buffers.

import Proc from 'gi://Proc?version=1';

import {sharedFiles} from './shared-files.js';

const kept = [];

function makeFilled(size, first) {
    const buffer = Proc.Buffer.new(size);
    buffer.write(0, new Uint8Array(size).fill(first));
    kept.push(buffer);
    return buffer;
}

export function files() {
    return sharedFiles();
}

export function describe(bytes) {
    return [bytes.constructor.name, bytes.length, bytes.every(byte => byte === bytes[0]) ? bytes[0] : null];
}

// In place.
export function changed(bytes) {
    bytes[0] = 9;
    return bytes;
}

export function describeInner(_text, {inner: [, bytes]}) {
    return describe(bytes);
}

// And kept by nobody.
export function made(size) {
    return Proc.Buffer.new(size);
}

export function filled(size, first) {
    return makeFilled(size, first);
}

export async function filledLater(size, first) {
    await null;
    return {inside: [makeFilled(size, first)]};
}

export function* fillEach(size, ...firsts) {
    for (const first of firsts)
        yield makeFilled(size, first);
    return makeFilled(size, 0);
}
