// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/** What the gjs helper calls here. */

export function half(n) {
    return n / 2;
}
