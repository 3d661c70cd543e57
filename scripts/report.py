# SPDX-License-Identifier: GPL-2.0
"""The test report as one HTML page that needs no other file and no network."""

import html

MOST_LINES = 400        # of a failed test's output; the log has the rest
SLOWEST = 10

STYLE = """
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #1b2430; --dim: #657080;
  --line: #dfe3e8; --pass: #1a7f45; --fail: #c62f2f; --skip: #8a6d00; --crash: #a3349c;
  --timeout: #b4530a; --oops: #8c1d1d; }
@media (prefers-color-scheme: dark) { :root { --bg: #14181d; --card: #1c2229; --ink: #e4e8ed; --dim: #939eab;
  --line: #303842; --pass: #4cc27c; --fail: #ff6f6f; --skip: #dfb93c; --crash: #df7fd8; --timeout: #ff9d57;
  --oops: #ff8585; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 24px; margin: 0 0 2px; } h2 { font-size: 17px; margin: 36px 0 10px; }
.dim { color: var(--dim); }
.mono, pre, td.name, summary { font-family: ui-monospace, monospace; font-size: 13px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.totals { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 12px; }
.totals .card { flex: 1 1 120px; padding: 12px 18px; }
.totals b { display: block; font-size: 28px; line-height: 1.2; }
.bar { display: flex; gap: 2px; height: 10px; border-radius: 5px; overflow: hidden; margin-bottom: 20px; }
.bar i { min-width: 4px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; padding: 14px 18px; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; } .card > table { border-radius: 8px; overflow: hidden; }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: 13px; }
th, td { padding: 7px 12px; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:first-child > th { border-top: 0; }
td.num, th.num { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.verdict { width: 100px; }
.tag { display: inline-block; min-width: 76px; white-space: nowrap; text-align: center; border-radius: 4px;
  padding: 0 8px; font-weight: 600; font-size: 12px; line-height: 20px;
  color: var(--card); background: var(--c); }
.text { color: var(--c); font-weight: 600; }
.PASS { --c: var(--pass); } .FAIL { --c: var(--fail); } .SKIP { --c: var(--skip); }
.CRASH { --c: var(--crash); } .TIMEOUT { --c: var(--timeout); } .OOPS { --c: var(--oops); }
.bar i, .totals b { background: var(--c); } .totals b { background: none; color: var(--c); }
summary { cursor: pointer; } details details { margin-top: 6px; }
ul.cases { list-style: none; margin: 6px 0 2px; padding: 0 0 0 14px; }
ul.cases li { display: grid; grid-template-columns: 76px 1fr; padding: 1px 0; }
pre { margin: 6px 0; padding: 10px 12px; background: var(--bg); border-radius: 6px;
  border: 1px solid var(--line); overflow: auto; max-height: 420px; }
label { display: inline-block; margin-bottom: 8px; }
#bad:checked ~ div tr.fine { display: none; }
@media print { body { background: #fff; } pre { max-height: none; } }
"""


def esc(text):
    return html.escape(str(text))


def tag(verdict):
    return f'<span class="tag {verdict}">{verdict}</span>'


def seconds(value):
    return "" if value is None else f"{value:.1f} s"


def excerpt(what, lines):
    """The end of a log, folded."""
    if not lines:
        return ""
    kept = lines[-MOST_LINES:]
    amount = f"{len(lines)} lines" if kept == lines else f"last {MOST_LINES} of {len(lines)} lines"
    return f"<details><summary>{what}, {amount}</summary><pre>{esc(chr(10).join(kept))}</pre></details>"


def row(r):
    """One program: its line, and under it what can be opened."""
    cases = "".join(
        f'<li><span class="text {c.verdict}">{c.verdict}</span><span>{esc(c.name or r.name)}'
        + (f' <span class="dim">{esc(c.detail)}</span>' if c.detail else "") + "</span></li>"
        for c in sorted(r.cases, key=lambda c: c.verdict in ("PASS", "SKIP")))
    name = esc(r.name)
    inner = f'<ul class="cases mono">{cases}</ul>'
    if r.failed:
        inner += excerpt("output", r.lines)
    if r.splats:
        inner += excerpt("kernel log", r.kernel_log.splitlines())
    if len(r.cases) > 1 or r.failed or any(c.detail for c in r.cases):
        name = f"<details{' open' if r.failed else ''}><summary>{name}</summary>{inner}</details>"
    return f'<tr class="{"bad" if r.failed else "fine"}"><td class="verdict">{tag(r.verdict)}</td>' \
           f'<td class="name">{name}</td><td class="num">{r.passed}/{len(r.cases)}</td>' \
           f'<td class="num">{seconds(r.seconds)}</td><td class="num dim">{seconds(r.previous)}</td></tr>'


def table(head, rows):
    cells = "".join(f'<th{" class=num" if h.startswith(">") else ""}>{h.lstrip(">")}</th>' for h in head)
    return f'<div class="card"><table><tr>{cells}</tr>{"".join(rows)}</table></div>'


def page(report):
    passed, failed, skipped = report.total()
    results = report.results
    verdict = f"{failed} failed" if failed else "all passed" if passed else "nothing ran"
    kinds = (("PASS", passed, "passed"), ("FAIL", failed, "failed"), ("SKIP", skipped, "skipped"))
    cases = passed + failed + skipped
    parts = [f'<p class="dim">{len(results)} programs, {cases} cases</p><div class="totals">']
    parts += [f'<div class="card {k}"><b>{n}</b>{word}</div>' for k, n, word in kinds]
    parts += ['</div><div class="bar">'] + [f'<i class="{k}" style="flex:{n}"></i>' for k, n, _ in kinds if n]
    parts += ['</div><dl class="card">'] + [f"<dt>{esc(k)}</dt><dd>{esc(v)}</dd>"
                                            for k, v in report.facts.items() if v] + ["</dl>"]
    complaints = [(r.name, s) for r in results for s in r.splats]
    if complaints:
        parts += ["<h2>Kernel complaints</h2>", table(("Test", "First line"), (
            f'<tr><td class="name">{esc(n)}</td><td class="mono">{esc(s)}</td></tr>' for n, s in complaints))]
    parts += ["<h2>Tests</h2>"]
    if failed:
        parts += ['<input type="checkbox" id="bad"> <label for="bad">failures only</label>']
    parts += [table(("", "Test", ">Cases", ">Time", ">Before"), map(row, results))]
    slow = sorted((r for r in results if r.seconds >= 0.1), key=lambda r: -r.seconds)[:SLOWEST]
    if slow:
        parts += ["<h2>Slowest</h2>", table(("Test", ">Time", ">Before"), (
            f'<tr><td class="name">{esc(r.name)}</td><td class="num">{seconds(r.seconds)}</td>'
            f'<td class="num dim">{seconds(r.previous)}</td></tr>' for r in slow))]
    skips = [(r, c) for r in results for c in r.cases if c.verdict == "SKIP"]
    if skips:
        parts += ["<h2>Skipped</h2>", table(("Test", "Case", "Reason"), (
            f'<tr><td class="name">{esc(r.name)}</td><td class="name">{esc(c.name)}</td>'
            f"<td>{esc(c.detail)}</td></tr>"
            for r, c in skips))]
    title = f"Septet, {esc(report.kernel)} kernel"
    colour = "FAIL" if failed else "PASS"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}: {verdict}</title><style>{STYLE}</style></head>
<body><main><h1>{title}: <span class="text {colour}">{verdict}</span></h1>
{"".join(parts)}
</main></body></html>
"""
