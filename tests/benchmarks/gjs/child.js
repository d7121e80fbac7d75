// SPDX-FileCopyrightText: 2026 The libprocpool authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A process for one task: standard input to standard output.

import Gio from 'gi://Gio';

const input = new Gio.UnixInputStream({fd: 0});
const output = new Gio.UnixOutputStream({fd: 1});
output.splice(input, 0, null);
