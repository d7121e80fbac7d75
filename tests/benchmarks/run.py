# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs every benchmark of a build folder and tells where each measure stands.

Each benchmark prints its own table, and notes its figures in the file that BENCH_FIGURES names. From those come the
table at the end, the JSON file and the picture.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import picture


@dataclass(frozen=True)
class Measure:
    """What a figure is compared with: another of the same run, a bound, or both."""

    what: str
    figure: str
    unit: str
    peer: str = ""  # the peer's figure, of the same unit
    peer_name: str = ""
    at_most: float | None = None  # of the ratio if there is a peer, else of the figure
    at_least: float | None = None
    enough: float | None = None  # the figure that will do, whatever the ratio
    inverse: bool = False  # the ratio is the peer's figure to ours
    scale: float = 1.0  # from the benchmark's unit to this one

    def judge(self, figures: dict[str, float]) -> dict[str, object] | None:
        """Returns what the table and the JSON file say of the measure; None if it wasn't taken."""
        if self.figure not in figures or (self.peer and self.peer not in figures):
            return None
        figure = figures[self.figure] * self.scale
        peer = figures[self.peer] * self.scale if self.peer else None
        ratio = None
        if peer is not None:
            ratio = peer / figure if self.inverse else figure / peer
        judged = figure if ratio is None else ratio
        reached = None
        if self.at_most is not None:
            reached = judged <= self.at_most
        elif self.at_least is not None:
            reached = judged >= self.at_least or (self.enough is not None and figure >= self.enough)
        return {
            "measure": self.what,
            "figure": figure,
            "unit": self.unit,
            "peer": self.peer_name,
            "peer_figure": peer,
            "ratio": ratio,
            "aim": self.aim(),
            "reached": reached,
        }

    def aim(self) -> str:
        """Returns the aim in words."""
        unit = " ×" if self.peer else f" {self.unit}".rstrip()
        if self.at_most is not None:
            return f"≤ {self.at_most:g}{unit}"
        if self.at_least is None:
            return ""
        aim = f"≥ {self.at_least:g}{unit}" if self.peer else f"≥ {self.at_least:,.0f}{unit}"
        return aim + (f" or {self.enough:,.0f}{self.unit}" if self.enough is not None else "")


def stall(what: str, name: str) -> Measure:
    """Returns the measure of one scenario of the stalls."""
    return Measure(f"worst stall: {what}", f"stalls.{name}", "ms", at_most=4)


MEASURES = [
    Measure("small call, one in flight", "roundtrip.call", "µs", "roundtrip.raw", "socket pair, blocking", at_most=1.5),
    Measure("", "roundtrip.call", "µs", "roundtrip.gtask", "GTask in a thread", at_most=1.2),
    Measure("", "roundtrip.call", "µs", "roundtrip.gdbus", "peer-to-peer D-Bus", at_least=5, inverse=True),
    Measure(
        "1,000 in flight, two workers", "throughput.pool", "/s", "throughput.futures", "concurrent.futures",
        at_least=20, enough=300_000,
    ),
    Measure("", "throughput.pool", "/s", "throughput.threads", "GThreadPool of two"),
    Measure("map of small numbers, chunks", "map.chunks", "/s", at_least=3_000_000),
    Measure("", "map.chunks", "/s", "map.futures", "concurrent.futures, chunks"),
    Measure("the same, an item a task", "map.items", "/s"),
    Measure("64 MiB there and back", "large.call", "ms", "large.copies", "two memcpy, memory there", at_most=1),
    Measure("64 MiB there, other bytes back", "large.others", "ms", "large.copies", "two memcpy, memory there"),
    Measure("", "large.others", "ms", "large.fresh", "two memcpy, memory new"),
    Measure("the same in a ProcBuffer", "large.buffer", "ms", "large.copies", "two memcpy, memory there"),
    Measure("256 MiB in a ProcBuffer", "large.buffer-256", "ms", "large.buffer-4", "4 MiB in one", at_most=1.5),
    Measure("128 KiB there and back, socket", "payload.socket.128", "µs", "payload.memory.128", "shared memory", at_most=1),
    Measure("256 KiB there and back, shared memory", "payload.memory.256", "µs", "payload.socket.256", "socket", at_most=1),
    Measure("first result, cold C helper", "start.C-cold", "ms", "start.bare", "bare posix_spawn", at_most=2, scale=1e-3),
    Measure("first result, forked C helper", "start.C-forked", "ms", "start.bare", "bare posix_spawn", scale=1e-3),
    Measure("first result, forked Python helper", "start.Python-forked", "ms", at_most=5, scale=1e-3),
    Measure("", "start.Python-forked", "ms", "start.Python-cold", "cold Python helper", scale=1e-3),
    stall("nothing happens", "quiet"),
    stall("16 workers start, 2 GB host", "start"),
    stall("256 MiB there and back", "large"),
    stall("10,000 tasks queued and run", "queue"),
    stall("10,000 tasks run at once", "burst"),
    stall("a worker crashes", "crash"),
    stall("a pool of 16 closes", "close"),
    Measure("memory of a queued small task", "queue.bytes", "B", at_most=1024),
    Measure("1,000,000 tasks queued to 1,000", "queue.growth", "×"),
    Measure("256 workers to two, 2 in flight", "scale.workers.few", "×"),
    Measure("256 workers to two, 1,000 in flight", "scale.workers.many", "×"),
    Measure("1,000 idle pools to none, 2 in flight", "scale.pools.few", "×"),
    Measure("the same, 1,000 in flight", "scale.pools.many", "×"),
    Measure("an idle worker, in the host", "idle.host-bytes", "KiB", scale=1 / 1024),
    Measure("an idle C helper process (PSS)", "idle.helper-kib", "KiB"),
    Measure("wakeups in 10 s, 17 idle workers", "idle.wakeups", "", at_most=0),
    Measure(
        "1 MiB summed, pinned to a core", "placement.lifo.pinned", "µs", "placement.lifo.free", "not pinned"
    ),
    Measure(
        "1 MiB summed, round-robin", "placement.round-robin.free", "µs", "placement.lifo.free", "LIFO"
    ),
]


def list_benchmarks(build: Path) -> list[dict]:
    """Returns what meson knows of the benchmarks: name, command, environment."""
    output = subprocess.run(
        ["meson", "introspect", "--benchmarks", str(build)], check=True, stdout=subprocess.PIPE
    ).stdout
    return json.loads(output)


def run_all(build: Path, only: list[str]) -> tuple[dict[str, float], list[str]]:
    """Runs the benchmarks and returns the figures, and the names of those that failed."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures"
        path.touch()
        for benchmark in list_benchmarks(build):
            if only and benchmark["name"] not in only:
                continue
            print(f"\n== {benchmark['name']}", flush=True)
            environment = os.environ | benchmark["env"] | {"BENCH_FIGURES": str(path)}
            if subprocess.run(benchmark["cmd"], env=environment, check=False).returncode != 0:
                failed.append(benchmark["name"])
        lines = path.read_text().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}, failed


def print_table(rows: list[dict]) -> None:
    """Prints the measures, each beside its peer and its aim."""
    print(f"\n{'measure':38}{'figure':>15}  {'peer':26}{'its figure':>15}{'ratio':>8}  aim")
    for row in rows:
        figure = f"{format_number(row['figure'])} {row['unit']}"
        peer_figure = "" if row["peer_figure"] is None else f"{format_number(row['peer_figure'])} {row['unit']}"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        mark = {True: "  reached", False: "  missed", None: ""}[row["reached"]]
        print(f"{row['measure']:38}{figure:>15}  {row['peer']:26}{peer_figure:>15}{ratio:>8}  {row['aim']}{mark}")


def format_number(number: float) -> str:
    """Returns three digits or so, with commas."""
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 100 else f"{number:.2f}"


def describe_machine() -> dict[str, object]:
    """Returns what the figures depend on."""
    cpus = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "kernel": platform.release(),
        "processor": cpus[0] if cpus else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description="Runs the benchmarks of a build folder.")
    parser.add_argument("build", type=Path, help="the build folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them to FILE, as SVG")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="run this one; may be repeated")
    options = parser.parse_args()

    machine = describe_machine()
    figures, failed = run_all(options.build, options.only)
    rows = [row for row in (measure.judge(figures) for measure in MEASURES) if row is not None]
    print_table(rows)
    print(f"\n{machine['processor']}, {machine['cores']} cores, load {machine['load']:.1f} before the run")
    if machine["load"] > 1:
        print("The machine was busy with other work: what sleeps and wakes, and the stalls, can't be trusted.")

    if options.json:
        text = json.dumps({"machine": machine, "measures": rows, "figures": figures}, indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n")
    if options.picture:
        options.picture.write_text(picture.draw(figures))
    if failed:
        print("failed: " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
