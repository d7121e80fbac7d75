// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What is different about Proc.Buffer in JavaScript.

/* exported bufferMethods, countBuffers */

const {GLib} = imports.gi;
const {collectIfDue, noteBytes} = imports.procpool.memory;
const {describe} = imports.procpool.values;

// A buffer is a descriptor as well, and these are fewer than memory.
const MIN_COST = 512 * 1024;

function toBytes(data) {
    if (ArrayBuffer.isView(data))
        return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer)
        return new Uint8Array(data);
    if (data instanceof GLib.Bytes)
        return data.toArray();
    throw new TypeError(`a typed array, an ArrayBuffer or a GLib.Bytes is written to a buffer, not ${describe(data)}`);
}

var bufferMethods = {
    // Over the memory of the buffer itself: nothing is copied.
    toArray() {
        return (this.ref_memory() ?? this.seal()).toArray();
    },

    write(offset, data) {
        const bytes = toBytes(data);
        const start = Number(offset);
        if (this.sealed || start + bytes.length > this.size)
            this.raw_write(start, bytes); // which tells why that can't be
        else
            this.toArray().set(bytes, start);
    },
};

// The engine doesn't know what is behind a buffer: those that nobody has any more are collected before there are many.
function countBuffers(Buffer) {
    const make = Buffer.new;
    Buffer.new = function (size) {
        collectIfDue();
        const buffer = make.call(this, size);
        buffer.ref_memory(); // who has an array of it may write there when it is sealed, and is not ended by that
        noteBytes(Math.max(buffer.size, MIN_COST));
        return buffer;
    };
}
