// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Fails while it is imported.

throw new RangeError('no use today');

export function unreachable() {
}
