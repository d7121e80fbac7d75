// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The function in JavaScript: a module like any other. procpool-gjs-helper serves it.

export function multiply(a, b) {
    return `JavaScript: ${a} × ${b} = ${a * b}`;
}
