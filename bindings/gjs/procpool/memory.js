// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Garbage is collected in time, for two reasons. The engine doesn't know how much memory is behind a GLib.Variant or a
// GLib.Bytes, and would let it pile up. And gjs drops each callback that comes between two slices of a collection that
// the engine does by and by: see pending.js.

/* exported noteBytes, noteBusy, collectIfDue, endCollection */

const System = imports.system;
const {Gio, GLib} = imports.gi;

// Some way below what makes the engine begin.
const MAX_CALLS = 2000;
const MAX_BYTES = 32 * 1024 * 1024;

// In milliseconds: what one function takes at least, or many short ones together, for what makes the engine begin.
const MAX_BUSY_ONCE = 2;
const MAX_BUSY = 20;

// A collection takes as long as the heap is large. No more than one part in so many of the time goes to it, as long as
// memory doesn't run away.
const TIME_SHARE = 4;
const MAX_BYTES_AT_ALL = 4 * MAX_BYTES;

let calls = 0;
let bytes = 0;
let busy = 0;
let duration = 0;
let lastEnd = 0;

// How many slices there were when nothing was in the middle of being collected, and those that were done here.
let knownSlices = 0;
let report = null;

// So many bytes came or went.
function noteBytes(nBytes) {
    bytes += nBytes;
}

// A function was busy for so many milliseconds.
function noteBusy(milliseconds) {
    busy += milliseconds < MAX_BUSY_ONCE ? milliseconds : MAX_BUSY;
}

// A file without a name, and how to open it again.
function openReport() {
    const [file, stream] = Gio.File.new_tmp(null);
    file.delete(null);
    return {stream, path: `/proc/self/fd/${stream.get_input_stream().get_fd()}`};
}

// How many slices of collections the engine has done so far. It tells in a file only; NaN if that can't be.
function countSlices() {
    try {
        report ??= openReport();
        report.stream.truncate(0, null);
        System.dumpMemoryInfo(report.path);
        const [, contents] = GLib.file_get_contents(report.path);
        return Number(new TextDecoder().decode(contents).match(/"sliceCount": (\d+)/)[1]);
    } catch {
        return NaN;
    }
}

function collect() {
    const before = countSlices();
    const start = Date.now();
    System.gc();
    lastEnd = Date.now();
    duration = lastEnd - start;
    calls = bytes = busy = 0;
    knownSlices += countSlices() - before;
}

// Brings to its end what the engine may have begun to collect. Returns whether there may have been something.
function endCollection() {
    if (countSlices() === knownSlices)
        return false;
    collect();
    knownSlices = countSlices();
    return true;
}

// To be called on the way back to the main loop.
function collectIfDue() {
    if (++calls >= MAX_CALLS || bytes >= MAX_BYTES) {
        if (Date.now() - lastEnd >= duration * TIME_SHARE || bytes >= MAX_BYTES_AT_ALL)
            collect();
    } else if (busy >= MAX_BUSY) {
        busy = 0;
        endCollection();
    }
}
