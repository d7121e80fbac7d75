// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Garbage is collected in time, for two reasons. The engine doesn't know how much memory is behind a GLib.Variant or a
// GLib.Bytes, and would let it pile up. And gjs drops each callback that comes between two slices of a collection that
// the engine does by and by, so that promises would never be settled: what is collected here at one go is nothing that
// the engine must begin with by itself.

/* exported noteBytes, noteBusy, collectIfDue */

const System = imports.system;

// Some way below what makes the engine begin.
const MAX_CALLS = 2000;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_BUSY = 25; // milliseconds

// A collection takes as long as the heap is large. No more than one part in so many of the time goes to it, as long as
// memory doesn't run away.
const TIME_SHARE = 4;
const MAX_BYTES_AT_ALL = 4 * MAX_BYTES;

let calls = 0;
let bytes = 0;
let busy = 0;
let duration = 0;
let lastEnd = 0;

// So many bytes came or went.
function noteBytes(nBytes) {
    bytes += nBytes;
}

// A function was busy for so many milliseconds.
function noteBusy(milliseconds) {
    busy += milliseconds;
}

// To be called on the way back to the main loop: whatever collection the engine has begun is over then.
function collectIfDue() {
    if (++calls < MAX_CALLS && bytes < MAX_BYTES && busy < MAX_BUSY)
        return;

    const start = Date.now();
    if (start - lastEnd < duration * TIME_SHARE && bytes < MAX_BYTES_AT_ALL)
        return;

    System.gc();
    lastEnd = Date.now();
    duration = lastEnd - start;
    calls = bytes = busy = 0;
}
