// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Whether something was copied: what wasn't lies in the same file of shared memory in both processes.

import GLib from 'gi://GLib';

// The numbers of the files in which payloads are mapped here, in the order of their addresses.
export function sharedFiles() {
    const text = new TextDecoder().decode(GLib.file_get_contents('/proc/self/maps')[1]);
    const lines = text.split('\n').filter(line => line.includes('memfd:procpool-payload'));
    return [...new Set(lines.map(line => Number(line.split(/\s+/)[4])))];
}
