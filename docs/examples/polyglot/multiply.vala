/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The function in Vala: a helper program. */

Variant? multiply (Proc.Invocation invocation, Variant arguments) throws Error {
    int a, b;

    arguments.get ("(ii)", out a, out b);
    return "Vala: %d × %d = %d".printf (a, b, a * b);
}

int main () {
    var helper = new Proc.Helper ();

    helper.add_function ("multiply", multiply);
    return helper.run ();
}
