/* SPDX-FileCopyrightText: 2026 The libprocpool authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A map: the rows of a picture are computed in helper processes, on all cores, and arrive in order.
 *
 *   mandelbrot FILE.pgm
 */

const int WIDTH = 240;
const int HEIGHT = 160;
const int DEPTH = 255; // the lightest grey, too

/* How many steps it takes a point to escape; DEPTH if it doesn't. */
int escape (double re, double im) {
    double x = 0, y = 0;
    var n = 0;

    while (n < DEPTH && x * x + y * y <= 4) {
        var next = x * x - y * y + re;
        y = 2 * x * y + im;
        x = next;
        n++;
    }
    return n;
}

Variant? compute_row (Proc.Invocation invocation, Variant arguments) throws Error {
    var y = arguments.get_int32 ();
    var pixels = new uint8[WIDTH];

    for (var x = 0; x < WIDTH; x++)
        pixels[x] = (uint8) (escape (x * 3.0 / WIDTH - 2.25, y * 2.0 / HEIGHT - 1) * 8 % 256);
    return new Variant.from_bytes (VariantType.BYTESTRING, new Bytes (pixels), true);
}

int run_helper () {
    var helper = new Proc.Helper ();

    helper.add_function ("compute-row", compute_row);
    return helper.run ();
}

async void write_picture (string path) throws Error {
    var pool = new Proc.Pool ();
    Variant[] rows = {};
    for (var y = 0; y < HEIGHT; y++)
        rows += y;

    var stream = yield File.new_for_path (path).replace_async (null, false, FileCreateFlags.NONE);
    yield stream.write_all_async ("P5\n%d %d\n%d\n".printf (WIDTH, HEIGHT, DEPTH).data, Priority.DEFAULT, null, null);

    var results = pool.map ("compute-row", new Variant.array (VariantType.INT32, rows));
    Variant? row;
    while ((row = yield results.next_async ()) != null) {
        yield stream.write_bytes_async (row.get_data_as_bytes ());
        if (results.position % (HEIGHT / 4) == 0)
            print ("%d %%\n", (int) results.position * 100 / HEIGHT);
    }
    yield stream.close_async ();
}

int main (string[] args) {
    if (Proc.Helper.is_helper_process ())
        return run_helper ();

    if (args.length != 2) {
        printerr ("Usage: mandelbrot FILE.pgm\n");
        return 1;
    }

    var loop = new MainLoop ();
    var status = 0;
    write_picture.begin (args[1], (object, result) => {
        try {
            write_picture.end (result);
        } catch (Error e) {
            printerr ("%s\n", e.message);
            status = 1;
        }
        loop.quit ();
    });
    loop.run ();
    return status;
}
