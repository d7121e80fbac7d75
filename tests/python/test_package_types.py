# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a type checker and help() make of the package."""

import importlib.util
import os
import pathlib
import pydoc
import shutil
import subprocess
import tempfile
import unittest

import procpool
from package_support import FOLDER

PROGRAM = """
import asyncio
import procpool


def square(n: int) -> int:
    procpool.current().progress(0.5, "half")
    return n * n


def measure(view: memoryview, unit: int) -> int:
    return len(view) // unit


async def later(n: int) -> str:
    return str(n)


async def main() -> None:
    async with procpool.Pool(max_workers=2, idle_timeout=1.0) as pool:
        number: int = await pool.run(square, 3)
        text: str = await pool.run(later, 3)
        numbers: list[int] = await pool.map(square, range(10))
        async for value in pool.map(square, range(10)):
            number += value
        future: procpool.Future[int] = pool.options(timeout=3).submit(square, 2)
        try:
            print(future.result(), text, numbers, await pool.call("math:sqrt", 4.0))
        except procpool.Crashed as error:
            print(error.exit_code, error.signal)
        async for part in pool.options(max_outputs=2).stream(square, 1):
            print(part)
        listing: bytes = (await pool.command(["ls"], input=b"")).stdout
        print(listing, [worker.build_id for worker in pool.workers()])
        buffer = procpool.Buffer(1 << 20)
        buffer.write(0, b"begin")
        length: int = await pool.run(measure, buffer.seal(), unit=1)
        print(length, len(buffer), buffer.size, buffer.sealed)


asyncio.run(main())
"""


class TestTypes(unittest.TestCase):
    def check(self, *programs):
        mypy = shutil.which("mypy")
        if mypy is None:
            self.skipTest("needs mypy")
        package = pathlib.Path(importlib.util.find_spec("procpool").origin).parent
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run([mypy, "--strict", "--cache-dir", folder, *programs], text=True, stdout=subprocess.PIPE,
                                  env={**os.environ, "MYPYPATH": str(package.parent)}, check=False)

    def check_text(self, text):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program.py")
            program.write_text(text, encoding="utf-8")
            return self.check(program)

    def test_examples_pass_the_strict_checker(self):
        examples = sorted((FOLDER.parents[1] / "docs/examples").glob("*/*.py"))
        self.assertGreater(len(examples), 3)
        result = self.check(*examples)
        self.assertEqual((result.returncode, result.stdout[:7]), (0, "Success"), result.stdout)

    def test_program_passes_the_strict_checker(self):
        result = self.check_text(PROGRAM)
        self.assertEqual((result.returncode, result.stdout[:7]), (0, "Success"), result.stdout)

    def test_wrong_types_are_found(self):
        result = self.check_text(PROGRAM.replace("pool.run(later, 3)", "pool.run(later, None)"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("None", result.stdout)

    def test_everything_public_is_documented(self):
        for name in procpool._HOMES:
            with self.subTest(name):
                value = getattr(procpool, name)
                self.assertTrue(value.__doc__)
                for key, member in vars(value).items() if isinstance(value, type) else ():
                    if not key.startswith("_") and callable(member):
                        self.assertTrue(member.__doc__, key)

    def test_help_tells_of_the_parameters(self):
        text = pydoc.render_doc(procpool.Pool, renderer=pydoc.plaintext)
        for word in ("max_workers", "idle_timeout", "Durations are seconds", "async run("):
            self.assertIn(word, text)

    def test_help_of_the_package_tells_of_all_there_is(self):
        text = pydoc.render_doc(procpool, renderer=pydoc.plaintext)
        for name in ("class Pool(", "class Executor(", "run_in_process(", "class Crashed(", "class Buffer("):
            self.assertIn(name, text)

    def test_help_tells_of_what_is_written_in_c(self):
        text = pydoc.render_doc(procpool.Buffer, renderer=pydoc.plaintext)
        for part in ("class Buffer(builtins.object)", "Buffer(size)", "seal(self, /)", "write(self, offset, data, /)", "BufferError"):
            self.assertIn(part, text)

    def test_unknown_name(self):
        with self.assertRaises(AttributeError):
            procpool.nonesuch


if __name__ == "__main__":
    unittest.main()
