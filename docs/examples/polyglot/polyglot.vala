/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One host calls the same function in four languages, each in a helper process of its own.
 *
 *   PATH=$PATH:$(pkg-config --variable=helperdir procpool-1) polyglot FOLDER
 *
 * The folder has the module, the program and the scripts; that of the library's own helper programs has the one for
 * JavaScript.
 */

async void call (Proc.Launcher launcher, string function) throws Error {
    var pool = new Proc.Pool (launcher);
    var answer = yield pool.call_async (function, new Variant ("(ii)", 12, 12));

    print ("%s\n", answer.get_string ());
    yield pool.close_async ();
}

async void call_all (string folder) throws Error {
    var c = new Proc.LocalLauncher.for_module (Path.build_filename (folder, "multiply-c.so"));
    var vala = new Proc.LocalLauncher ({ Path.build_filename (folder, "multiply") });
    var python = new Proc.LocalLauncher ({ "python3", "-m", "procpool.helper" });
    var js = new Proc.LocalLauncher ({ "procpool-gjs-helper" });
    var url = File.new_for_path (folder).get_child ("multiply.js").get_uri ();

    python.environment = { "PYTHONPATH=%s:%s".printf (folder, Environment.get_variable ("PYTHONPATH") ?? "") };
    yield call (c, "multiply");
    yield call (vala, "multiply");
    yield call (python, "multiply:multiply");
    yield call (js, @"$url#multiply");
}

int main (string[] args) {
    Intl.setlocale ();
    if (args.length != 2) {
        printerr ("Usage: polyglot FOLDER\n");
        return 1;
    }

    var loop = new MainLoop ();
    var status = 0;
    call_all.begin (args[1], (object, result) => {
        try {
            call_all.end (result);
        } catch (Error e) {
            printerr ("%s\n", e.message);
            status = 1;
        }
        loop.quit ();
    });
    loop.run ();
    return status;
}
