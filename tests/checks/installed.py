#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is installed is whole and works, and uninstalling leaves nothing.

    installed.py BUILD_FOLDER PREFIX
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile

from outside import follow_quick_start, run, use_library

EXPECTED = [
    "include/procpool-1/procpool/procpool.h",
    "include/procpool-1/procpool/base/enum-types.h",
    "include/procpool-1/procpool/base/version.h",
    "include/procpool-1/procpool/host/pool.h",
    "lib*/**/libprocpool-1.so",
    "lib*/**/libprocpool-1.so.0",
    "lib*/**/pkgconfig/procpool-1.pc",
    "lib*/**/girepository-1.0/Proc-1.typelib",
    "libexec/procpool-1/procpool-helper",
    "libexec/procpool-1/procpool-gjs-helper",
    "share/gir-1.0/Proc-1.gir",
    "share/gjs-1.0/overrides/Proc.js",
    "share/procpool-1/proc-1.d.ts",
]


def find(root, pattern):
    found = sorted(root.glob(pattern))
    if not found:
        sys.exit(f"{pattern} was not installed")
    return found[0]


def environment_for(root, folder):
    """PREFIX is baked into the .pc file and the library: a copy of the one is changed, the other told."""
    pc = find(root, "lib*/**/pkgconfig/procpool-1.pc")
    text = re.sub(r"^prefix=.*", f"prefix={root}", pc.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (folder / "procpool-1.pc").write_text(text, encoding="utf-8")

    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROC") and name != "GJS_PATH"}
    environment["PKG_CONFIG_PATH"] = str(folder)
    environment["LD_LIBRARY_PATH"] = str(find(root, "lib*/**/libprocpool-1.so").parent)
    environment["GI_TYPELIB_PATH"] = str(find(root, "lib*/**/Proc-1.typelib").parent)
    environment["XDG_DATA_DIRS"] = f"{root}/share:/usr/local/share:/usr/share"
    # Where meson had no Python to build the package for, the introspected classes do without the override.
    for package in root.glob("lib*/**/procpool/pool.py"):
        environment["PYTHONPATH"] = str(package.parents[1])
    environment["PROCPOOL_HELPER_DIR"] = run(
        "pkg-config", "--variable=helperdir", "procpool-1", environment=environment).strip()
    return environment


def uninstall(build, destination):
    run("meson", "--internal", "uninstall", environment={**os.environ, "PWD": str(build)})
    left = [str(path) for path in destination.rglob("*") if not path.is_dir()]
    if left:
        sys.exit("left after uninstalling:\n" + "\n".join(left))


def main(build, prefix):
    build = pathlib.Path(build)
    os.chdir(build)
    # Meson keeps one log, of the last installation, which may be a real one that is to be undone later.
    log, kept = build / "meson-logs/install-log.txt", None
    if log.exists():
        kept = log.read_bytes()

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        destination = folder / "destination"
        try:
            run("meson", "install", "--no-rebuild", "--destdir", destination)
            root = destination / prefix.lstrip("/")
            for pattern in EXPECTED:
                find(root, pattern)
            vapi = shutil.which("valac") and sorted(root.glob("share/vala/vapi"))
            use = folder, environment_for(root, folder), vapi[0] if vapi else None
            use_library(*use)
            follow_quick_start(*use)
            uninstall(build, destination)
        finally:
            if kept is not None:
                log.write_bytes(kept)
            else:
                log.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
