# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The programs of the guide print what they should."""

import unittest

from package_support import FOLDER, ScriptTestCase

EXPECTED = {
    "first.py": "1229\n",
    "buffers.py": "[5, 6]\nTrue True\n",
    "loops.py": "9\n16\n",
    "glib_loop.py": "25\n",
    "many.py": "[1.0, 2.0, 3.0, 4.0, 5.0]\n3\n2\n1\nlift-off\nPICTURE\nb'LOUD' 0\n",
    "errors.py": "division by zero True\nposix:abort 6\n",
    "executor.py": "27 [0, 1, 8, 27]\n6\n",
    "scopes.py": "55\n-15 ['QUEUED', 'RUNNING', 'FAILED']\n(9, 1)\n6\n",
    "by_name.py": "5.0\n",
    "introspected.py": "42\nValueError: too many values to unpack (expected 2)\n",
}


class TestGuide(ScriptTestCase):
    def test_programs(self):
        for name, expected in EXPECTED.items():
            with self.subTest(name):
                output = self.run_script((FOLDER / "guide" / name).read_text(encoding="utf-8"))
                self.assertEqual(sorted(output.splitlines()), sorted(expected.splitlines()))

    def test_logs_and_workers(self):
        process = self.start((FOLDER / "guide/workers.py").read_text(encoding="utf-8"))
        output, errors = process.communicate(timeout=60)
        self.assertEqual((output, errors), ("49\nIDLE True\n", "squares: 10 squares\n"))


if __name__ == "__main__":
    unittest.main()
