# SPDX-FileCopyrightText: 2026 The libprocpool authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Draws the figures of the benchmarks as bars, in SVG."""

from xml.sax.saxutils import escape

OWN = "libprocpool"

# Title, and the bars: label, figure, factor. The library's own bars come first in each.
PANELS = [
    (
        "A small call and its result, µs (shorter is better)",
        [
            (OWN, "roundtrip.call", 1),
            ("socket pair, blocking", "roundtrip.raw", 1),
            ("GTask in a thread", "roundtrip.gtask", 1),
            ("peer-to-peer D-Bus", "roundtrip.gdbus", 1),
        ],
    ),
    (
        "1,000 small tasks at once, thousands a second (longer is better)",
        [
            (OWN, "throughput.pool", 1e-3),
            ("concurrent.futures", "throughput.futures", 1e-3),
            ("GThreadPool", "throughput.threads", 1e-3),
        ],
    ),
    (
        "Map of small numbers, thousands a second (longer is better)",
        [
            (OWN + ", chunks", "map.chunks", 1e-3),
            (OWN + ", an item a task", "map.items", 1e-3),
            ("concurrent.futures, chunks", "map.futures", 1e-3),
        ],
    ),
    (
        "64 MiB there and back, ms (shorter is better)",
        [
            (OWN, "large.call", 1),
            (OWN + ", other bytes back", "large.others", 1),
            (OWN + ", ProcBuffer", "large.buffer", 1),
            ("two memcpy, memory there", "large.copies", 1),
            ("two memcpy, memory new", "large.fresh", 1),
        ],
    ),
    (
        "First result of a new helper process, ms (shorter is better)",
        [
            (OWN + ", C, forked", "start.C-forked", 1e-3),
            (OWN + ", C, cold", "start.C-cold", 1e-3),
            (OWN + ", Python, forked", "start.Python-forked", 1e-3),
            (OWN + ", Python, cold", "start.Python-cold", 1e-3),
            ("bare process in C", "start.bare", 1e-3),
        ],
    ),
    (
        "Worst stall of the main loop, ms (shorter is better)",
        [
            (OWN + ", 16 workers start", "stalls.start", 1),
            (OWN + ", 256 MiB both ways", "stalls.large", 1),
            (OWN + ", 10,000 tasks", "stalls.queue", 1),
            (OWN + ", a crash", "stalls.crash", 1),
            (OWN + ", closing", "stalls.close", 1),
        ],
    ),
]

WIDTH = 760
LABEL_WIDTH = 220
BAR_WIDTH = 440
BAR_HEIGHT = 16
STEP = 22
STYLE = """
    text { font: 13px sans-serif; fill: #333 }
    .title { font-weight: bold }
    .label { text-anchor: end }
    .own { fill: #1a6fb5 }
    .peer { fill: #a8adb3 }"""


def format_value(value: float) -> str:
    """Returns two or three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def draw_panel(title: str, bars: list[tuple[str, float]], y: int) -> list[str]:
    """Returns the elements of one panel, whose top is at @y."""
    lines = [f'  <text class="title" x="12" y="{y + 14}">{escape(title)}</text>']
    longest = max(value for _, value in bars)
    for i, (label, value) in enumerate(bars):
        top = y + 24 + i * STEP
        width = max(value / longest * BAR_WIDTH, 1)
        kind = "own" if label.startswith(OWN) else "peer"
        lines += [
            f'  <text class="label" x="{LABEL_WIDTH}" y="{top + 13}">{escape(label)}</text>',
            f'  <rect class="{kind}" x="{LABEL_WIDTH + 10}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}"/>',
            f'  <text x="{LABEL_WIDTH + 16 + width:.1f}" y="{top + 13}">{format_value(value)}</text>',
        ]
    return lines


def draw(figures: dict[str, float]) -> str:
    """Returns the picture of what there is of @figures."""
    y = 12
    lines = []
    for title, bars in PANELS:
        values = [(label, figures[name] * factor) for label, name, factor in bars if name in figures]
        if values:
            lines += draw_panel(title, values, y)
            y += 24 + len(values) * STEP + 18
    return "\n".join(
        [
            "<!-- SPDX-FileCopyrightText: 2026 The libprocpool authors -->",
            "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}">',
            f"  <style>{STYLE}\n  </style>",
            '  <rect width="100%" height="100%" fill="#fff"/>',
            *lines,
            "</svg>\n",
        ]
    )
