/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Calls the program given as argument through the vapi. */

int main (string[] args) {
    try {
        var pool = new Proc.Pool (new Proc.LocalLauncher ({ args[1] }));
        print ("%d\n", pool.call ("twice", new Variant.int32 (21), null).get_int32 ());
        return 0;
    } catch (Error e) {
        printerr ("%s\n", e.message);
        return 1;
    }
}
