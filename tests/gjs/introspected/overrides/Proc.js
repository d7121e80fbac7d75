// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// In the way of the installed override, for the tests of what introspection alone gives.

/* exported _init */

function _init() {
}
