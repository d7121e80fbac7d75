#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The modules of the library include one another without a cycle, and only downwards.

A module is a .c file with its headers: host/worker.c, host/worker.h, host/worker-private.h and host/worker-parts.h are
host/worker. What was divided into several files is as many modules, host/worker-start and so on, above that one.
"""

import pathlib
import re
import sys

# Which folders a folder's files may include, besides their own.
LAYERS = {
    "base": set(),
    "wire": {"base"},
    "launch": {"base"},
    "host": {"wire", "launch", "base"},
    "helper": {"wire", "base"},
}

# Within host: who must not depend on whom, directly or by others. Holds for all files of what is named.
STRANGERS = {
    "host/task": {"host/pool", "host/dispatcher", "host/queue", "host/run"},
    "host/core-resource": {"host/pool", "host/dispatcher", "host/queue", "host/worker"},
    "host/queue": {"host/pool", "host/dispatcher"},
    "host/worker": {"host/pool", "host/dispatcher", "host/queue"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<procpool/([^>]+)>)', re.MULTILINE)

# Programs that are built on the library, though they come with it.
PROGRAMS = {"helper/procpool-helper"}

# Made while building: no file of that name is in the sources.
GENERATED = {"base/version", "base/enum-types"}


def module_of(path):
    """The module of a file, given and returned relative to libprocpool/."""
    name = re.sub(r"\.[ch]$", "", path)
    return re.sub(r"-(private|parts)$", "", name)


def read_graph(root, problems):
    """Each module's set of (module included, file that includes it)."""
    graph = {name: set() for name in GENERATED}
    files = sorted(path for path in root.rglob("*") if path.suffix in (".c", ".h"))
    for path in files:
        name = path.relative_to(root).as_posix()
        module = module_of(name)
        edges = graph.setdefault(module, set())
        for quoted, installed in INCLUDE.findall(path.read_text(encoding="utf-8")):
            target = resolve(root, path, quoted, installed)
            if target is None:
                problems.append(f'{name}: includes "{quoted or installed}", which is nowhere in libprocpool/')
            elif target != module:
                edges.add((target, name))
    return graph


def resolve(root, path, quoted, installed):
    candidates = [root / installed] if installed else [path.parent / quoted, root / quoted]
    for candidate in candidates:
        relative = candidate.resolve().relative_to(root.resolve()).as_posix()
        if candidate.exists() or module_of(relative) in GENERATED:
            return module_of(relative)
    return None


def check_layers(graph, problems):
    for module, edges in graph.items():
        if "/" not in module:
            continue
        folder = module.split("/")[0]
        if folder not in LAYERS:
            problems.append(f"{module}: the folder {folder}/ has no place among the layers")
            continue
        for target, name in sorted(edges):
            if "/" not in target and module not in PROGRAMS:
                problems.append(f"{name}: includes {target}.h, which is for programs only")
            elif "/" in target and target.split("/")[0] not in LAYERS[folder] | {folder}:
                problems.append(f"{name}: {folder}/ must not include {target}.h")


def reachable(graph, module):
    seen = set()
    pending = [module]
    while pending:
        for target, _ in graph.get(pending.pop(), ()):
            if target not in seen:
                seen.add(target)
                pending.append(target)
    return seen


def check_strangers(graph, problems):
    for module, strangers in STRANGERS.items():
        if module not in graph:
            problems.append(f"{module}: named in STRANGERS, but there is no such module")
        for part in sorted(name for name in graph if name == module or name.startswith(f"{module}-")):
            for target in sorted(strangers & reachable(graph, part)):
                problems.append(f"{part}: must not depend on {target}, directly or by others")
        for target in sorted(strangers - graph.keys()):
            problems.append(f"{target}: named in STRANGERS, but there is no such module")


def check_cycles(graph, problems):
    """Peels off modules that include none of the rest; what can't be peeled off is on or above a cycle."""
    left = {module: {target for target, _ in edges} for module, edges in graph.items()}
    while True:
        leaves = {module for module, targets in left.items() if not targets & left.keys()}
        if not leaves:
            break
        for module in leaves:
            del left[module]
    for module in sorted(left):
        if module in reachable(graph, module):
            problems.append(f"{module}: on a cycle, by {', '.join(sorted(left[module] & left.keys()))}")


def main(source_root):
    problems = []
    graph = read_graph(pathlib.Path(source_root) / "libprocpool", problems)
    check_layers(graph, problems)
    check_strangers(graph, problems)
    check_cycles(graph, problems)
    for problem in problems:
        print(problem)
    print(f"{len(graph)} modules, {sum(map(len, graph.values()))} includes, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
