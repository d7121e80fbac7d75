// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Awaits before it is ready.

import GLib from 'gi://GLib';

export let isReady = false;

await new Promise(resolve => GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
    resolve();
    return GLib.SOURCE_REMOVE;
}));
isReady = true;

export function ready() {
    return isReady;
}
