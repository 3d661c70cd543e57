# SPDX-License-Identifier: GPL-2.0
"""The benchmark report for people: how figures are worded, and one HTML page with plots."""

import html
import math

STYLE = """
:root { --page: #fff; --text: #1d2330; --soft: #5b6474; --line: #d9dde5;
  --stock: #8b93a3; --septet: #1667c9; --good: #17703b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #14171d; --text: #e6e9ef; --soft: #9aa4b5;
  --line: #333a47; --stock: #7d8696; --septet: #6fb1ff; --good: #63c98a; --bad: #ff8a80; } }
body { background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 0; }
p { color: var(--soft); margin: .3rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1.2rem 0; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th:nth-child(-n+2), td:nth-child(-n+2), th:last-child, td:last-child { text-align: left; }
.met { color: var(--good); } .missed { color: var(--bad); font-weight: 600; }
svg { width: 100%; height: auto; display: block; margin-top: .6rem; }
svg text { fill: var(--text); font: 13px system-ui, sans-serif; } svg .soft { fill: var(--soft); }
svg .grid { stroke: var(--line); }
.stock { fill: var(--stock); stroke: var(--stock); } .septet { fill: var(--septet); stroke: var(--septet); }
polyline.stock { fill: none; stroke-width: 7; stroke-opacity: .45; }
polyline.septet { fill: none; stroke-width: 2; }
"""
KERNELS = ("stock", "septet")
WIDTH = 720


def number(value):
    return "-" if value is None else f"{value:,.0f}"


def ratio(value):
    return "-" if value is None else f"{value:.3f}"


def wall(figure):
    return "-" if figure is None else f"{figure['ratio']:.2f} +- {figure['spread']:.2f}"


def variant(row):
    return row["fs"] if row["n"] is None else f"{row['fs']} n={row['n']:,}"


def goal(row):
    peer = f" of {row['peer']}" if row["peer"] else ""
    if row["goal"] is None:
        return "-" + peer
    return f"<= {row['goal']:g}{peer} {'met' if row['met'] else 'NOT MET'}"


def aligned(rows, left):
    """Rows of cells as lines; the columns in left begin at the left."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) if i in left else cell.rjust(w)
                      for i, (cell, w) in enumerate(zip(row, width))).rstrip() for row in rows]


def notes(report):
    """What the reader must know to read the figures."""
    kernels = f"stock = Linux {report['kernels']['stock']}, septet = Linux {report['kernels']['septet']}."
    if not report["results"]:
        return [kernels]
    scale = " and ".join(f"{value:.6f}" for value in report["ticks_per_instruction"].values())
    if report["accelerator"] == "kvm":
        timing = "Wall ratio: septet / stock, cycles of the time-stamp counter under KVM"
    else:
        timing = ("Wall ratio: septet / stock, time under emulation (no usable KVM here: "
                  f"{report['accelerator_reason']})")
    return [kernels,
            f"Figures: instructions per operation, counted by QEMU; ticks per instruction {scale}.",
            "Ratio: septet / stock; where a benchmark is named, septet / that one, on septet too unless it "
            "says on stock.",
            timing + "; guests take turns in the order stock, septet, septet, stock; median of the "
            "rounds, +- covers 80 % of them."]


def text(x, y, words, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{html.escape(words)}</text>'


def line(x1, y1, x2, y2):
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def svg(height, parts, label):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(label)}">'
            + "".join(parts) + "</svg>")


def legend(x, y):
    parts = []
    for i, kernel in enumerate(KERNELS):
        parts += [f'<rect class="{kernel}" x="{x + 80 * i}" y="{y - 9}" width="10" height="10"/>',
                  text(x + 80 * i + 16, y, kernel)]
    return parts


def bars(rows, label):
    """Two bars a variant, all on one linear scale that starts at zero."""
    left, right, top, step = max(110, *(10 + 7 * len(variant(row)) for row in rows)), 90, 26, 58
    most = max(row[k] for row in rows for k in KERNELS if row[k])
    parts = legend(left, 14)
    for i, row in enumerate(rows):
        y = top + i * step
        parts.append(text(left - 10, y + 27, variant(row), "end"))
        for j, kernel in enumerate(KERNELS):
            if row[kernel] is None:
                parts.append(text(left + 4, y + 19 + 20 * j, f"{kernel}: none", style="soft"))
                continue
            length = (WIDTH - left - right) * row[kernel] / most
            parts += [f'<rect class="{kernel}" x="{left}" y="{y + 5 + 20 * j}" '
                      f'width="{length:.1f}" height="16"/>',
                      text(left + length + 6, y + 18 + 20 * j, number(row[kernel]))]
    return svg(top + step * len(rows) + 4, parts, label)


def curve(rows, label, param):
    """Cost against n, both logarithmic; n = 0 has its place one decade left of the rest."""
    left, right, top, bottom, height = 80, 30, 30, 52, 330
    values = [row[k] for row in rows for k in KERNELS if row[k]]
    low = math.floor(math.log10(min(values)))
    high = max(low + 1, math.ceil(math.log10(max(values))))
    first = min((math.log10(row["n"]) for row in rows if row["n"]), default=1) - 1
    last = max(math.log10(row["n"]) if row["n"] else first for row in rows)
    floor = height - bottom

    def place(n, value):
        at = math.log10(n) if n else first
        x = left + 20 + (WIDTH - left - right - 40) * (at - first) / max(last - first, 1)
        return x, floor - (floor - top) * (math.log10(value) - low) / (high - low)

    parts = legend(left, 14)
    for power in range(low, high + 1):
        y = place(0, 10 ** power)[1]
        parts += [line(left, y, WIDTH - right, y), text(left - 8, y + 4, number(10 ** power), "end", "soft")]
    for row in rows:
        x = place(row["n"], 10 ** low)[0]
        parts += [line(x, floor, x, floor + 6), text(x, floor + 22, number(row["n"]), "middle", "soft")]
    parts.append(text((left + WIDTH - right) / 2, height - 8, f"n = {param}", "middle", "soft"))
    for kernel in KERNELS:
        points = [(*place(row["n"], row[kernel]), row) for row in rows if row[kernel]]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        parts.append(f'<polyline class="{kernel}" points="{path}"/>')
        for x, y, row in points:
            size = 5 if kernel == "stock" else 3.5
            parts.append(f'<circle class="{kernel}" cx="{x:.1f}" cy="{y:.1f}" r="{size}">'
                         f"<title>{kernel}, n = {row['n']:,}: {number(row[kernel])}</title></circle>")
    for row in rows:
        # One label where the points touch, else the higher above and the lower below.
        marks = sorted(row[kernel] for kernel in KERNELS if row[kernel])
        for value in marks[-1:] + [v for v in marks[:-1] if v < 0.8 * marks[-1]]:
            x, y = place(row["n"], value)
            parts.append(text(x, y + (-12 if value == marks[-1] else 22), number(value), "middle"))
    return svg(height, parts, label)


def summary(report):
    cycles = report["accelerator"] == "kvm"
    head = ["benchmark", "variant", "stock", "septet", "ratio", "wall ratio"]
    head += ["stock cycles", "septet cycles"] if cycles else []
    rows = ["<tr>" + "".join(f"<th>{word}</th>" for word in [*head, "goal"]) + "</tr>"]
    for row in report["results"]:
        cells = [row["bench"], variant(row), number(row["stock"]), number(row["septet"]),
                 ratio(row["ratio"]), wall(row["wall"]).replace("+-", "\u00b1")]
        if cycles:
            cells += [number(row["wall"] and row["wall"][kernel]) for kernel in KERNELS]
        style = {True: "met", False: "missed", None: ""}[row["met"]]
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
                    + f'<td class="{style}">{html.escape(goal(row))}</td></tr>')
    return f'<div class="wide"><table>{"".join(rows)}</table></div>'


def render(report, more=()):
    """The whole page, with more at its end; it loads nothing from anywhere."""
    parts = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width, initial-scale=1">',
             '<meta name="color-scheme" content="light dark">',
             f"<title>Septet benchmarks</title><style>{STYLE}</style></head><body>",
             "<h1>Septet benchmarks</h1>",
             *(f"<p>{html.escape(words)}</p>" for words in notes(report)),
             summary(report) if report["results"] else ""]
    for name, bench in report["benchmarks"].items():
        rows = [row for row in report["results"] if row["bench"] == name]
        parts.append(f"<h2>{html.escape(bench['title'])}</h2>"
                     f"<p>{name}: instructions per {html.escape(bench['unit'])}; less is better</p>")
        for row in rows:
            parts += [f"<p>{html.escape(variant(row))} on {kernel}: {html.escape(row[kernel + '_error'])}</p>"
                      for kernel in KERNELS if kernel + "_error" in row]
        if not any(row[kernel] for row in rows for kernel in KERNELS):
            continue
        if not bench["param"]:
            parts.append(bars(rows, bench["title"]))
            continue
        for fs in dict.fromkeys(row["fs"] for row in rows):
            parts.append(curve([row for row in rows if row["fs"] == fs], bench["title"], bench["param"]))
    return "\n".join([*parts, *more, "</body></html>", ""])
