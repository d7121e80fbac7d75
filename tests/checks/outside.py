# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What someone outside of the source tree does with the library: compiles against it and runs."""

import os
import pathlib
import shutil
import subprocess
import sys

SOURCES = pathlib.Path(__file__).parent / "installed"
EXAMPLES = pathlib.Path(__file__).parents[2] / "docs/examples"

# How README.md and the guides say to build and run an example, from its folder.
QUICK_START = {
    "hello.c": "cc hello.c -o hello $(pkg-config --cflags --libs procpool-1) && ./hello",
    "hello.py": "python3 hello.py",
    "hello.js": "gjs -m hello.js",
    "hello.vala": "valac --pkg procpool-1 --pkg posix hello.vala && ./hello",
}


def run(*command, environment=None):
    """The command's output; on failure, all of it and the end of the test."""
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def expect(output, expected):
    if output.split() != expected:
        sys.exit(f"expected {expected}, got {output!r}")


def use_library(folder, environment, vapidir=None):
    """Builds and runs the programs of installed/ in FOLDER, as ENVIRONMENT makes the library known."""
    flags = run("pkg-config", "--cflags", "--libs", "procpool-1", environment=environment).split()
    program, module = folder / "program", folder / "module.so"
    compiler = compiler_command()

    strict = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]
    run(*compiler, *strict, "-o", program, SOURCES / "program.c", *flags)
    run(*compiler, *strict, "-shared", "-fPIC", "-fvisibility=hidden", "-o", module, SOURCES / "module.c", *flags)
    expect(run(program, environment=environment), ["42"])
    print("C: ok")

    python = python_with_gi()
    if python:
        expect(run(python, SOURCES / "host.py", program, module, environment=environment), ["42", "42"])
        if environment.get("PYTHONPATH"):
            expect(run(python, SOURCES / "package.py", program, environment=environment), ["42", "42"])
        print("Python: ok")

    if shutil.which("gjs"):
        # Once by jsLauncher(), and where it is installed, by the program that is there for other languages.
        n_helpers = 1 + pathlib.Path(environment["PROCPOOL_HELPER_DIR"], "procpool-gjs-helper").exists()
        output = run("gjs", "-m", SOURCES / "host.js", program, environment=environment)
        expect(output, ["42"] * (1 + n_helpers))
        print("JavaScript: ok")

    if vapidir and shutil.which("valac"):
        host = folder / "host-vala"
        libraries = [option for flag in flags for option in ("-X", flag)]
        run("valac", "--vapidir", vapidir, "--pkg", "procpool-1", "-X", "-w", *libraries,
            "-o", host, SOURCES / "host.vala", environment=environment)
        expect(run(host, program, environment=environment), ["42"])
        print("Vala: ok")


def follow_quick_start(folder, environment, vapidir=None):
    """Does in FOLDER what README.md says, for the languages that this machine has."""
    python = python_with_gi() if environment.get("PYTHONPATH") else None
    tools = {"hello.c": "cc", "hello.py": python, "hello.js": "gjs", "hello.vala": vapidir and "valac"}
    if vapidir:
        share = folder / "share"
        (share / "vala").mkdir(parents=True)
        (share / "vala/vapi").symlink_to(vapidir)
        known = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        environment = {**environment, "XDG_DATA_DIRS": f"{share}:{known}"}

    for name, command in QUICK_START.items():
        if not tools[name] or not shutil.which(tools[name]):
            continue
        if name == "hello.py":
            command = command.replace("python3", python, 1)
        shutil.copy(EXAMPLES / "hello" / name, folder)
        output = run("sh", "-c", f"cd '{folder}' && {command}", environment=environment)
        if not output.startswith("Hello, world, from process "):
            sys.exit(f"{name} printed {output!r}")
        print(f"{name}: ok")


def compiler_command():
    return os.environ.get("CC", "cc").split()


def python_with_gi():
    for candidate in ("python3", "/usr/bin/python3"):
        path = shutil.which(candidate)
        if path and subprocess.run([path, "-c", "import gi"], capture_output=True).returncode == 0:
            return path
    return None
