// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What is called in the benchmarks.

export function echo(value) {
    return value;
}

export function size(bytes) {
    return bytes.length;
}
