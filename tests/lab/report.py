#!/usr/bin/env python3
"""What a run of the lab has found: a line for each scenario, JSON, a page, and docs/reports/resilience.md.

    tests/lab/report.py LAB.json… --of COMMIT --date YYYY-MM-DD --machine "2 processors, …"

writes docs/reports/resilience.md, and docs/reports/raw/resilience.html with all of it. Notes of people stand in notes.toml, with the
version that they are about.
"""

import argparse
import html
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import notes
from crowd import WRONGS
from waiting import ROOT

NOTES = Path(__file__).with_name("notes.toml")
# 99 of 100 texts that were under way come within this time of the healing.
GOAL_SECS = 4.0
# So many texts a scenario has to account for, before it says anything.
ENOUGH_TEXTS = 10_000
HEAD = f"{'scenario':<38}{'rounds':>7}{'texts':>8}{'wrong':>7}{'recovery p50':>14}{'p99':>8}{'max':>8}{'busy':>6}"
KINDS = ["none", "processes", "network", "time", "people", "all at once"]


def percentile(values, part):
    """In seconds, of milliseconds; None for nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] / 1000


def recovery(result):
    return [percentile(result["recoveries"], part) for part in (0.5, 0.99, 1.0)]


def text_of(seconds):
    return "–" if seconds is None else f"{seconds:.2f} s"


def wrongs(result):
    found = [f"{result[wrong]} {wrong.replace('_', ' ')}" for wrong in WRONGS if result[wrong]]
    return found + ([result["failure"]] if result["failure"] else [])


def line(result):
    times = [text_of(time) for time in recovery(result)]
    count = sum(result[wrong] for wrong in WRONGS) + bool(result["failure"])
    told = f"{result['name']:<38}{result['rounds']:>7}{result['sent']:>8}{count:>7}{times[0]:>14}{times[1]:>8}{times[2]:>8}{result['busy']:>6.0%}"
    return "\n".join([told, *(f"    {words}" for words in [*wrongs(result), *result["faults"]])])


def write(told, results, versions):
    """After each scenario, so that a run that is cut off has left something."""
    facts = {"seed": told.seed, "pairs": told.pairs, "rate": told.rate, "minutes": told.minutes, "versions": versions, "results": results}
    told.out.mkdir(parents=True, exist_ok=True)
    (told.out / "lab.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    (told.out / "lab.html").write_text(page(facts, ""), encoding="utf-8")


def together(parts):
    """The parts of a run as one: all results, by kind."""
    results = [result for part in parts for result in part["results"]]
    seeds = ", ".join(dict.fromkeys(str(part["seed"]) for part in parts))
    return parts[0] | {"seed": seeds, "results": [result for kind in KINDS for result in of_kind(results, kind)]}


def held(results):
    """The sums of what must not be."""
    return {wrong: sum(result[wrong] for result in results) for wrong in WRONGS}


def of_kind(results, kind):
    return [result for result in results if result["kind"] == kind]


def summary_rows(results):
    for kind in KINDS:
        rows = of_kind(results, kind)
        if rows:
            recoveries = [time for result in rows for time in result["recoveries"]]
            yield [
                "nothing at all (baseline)" if kind == "none" else kind, str(len(rows)), str(sum(result["rounds"] for result in rows)),
                f"{sum(result['sent'] for result in rows):,}", str(sum(sum(result[wrong] for wrong in WRONGS) for result in rows)),
                *(text_of(percentile(recoveries, part)) for part in (0.5, 0.99, 1.0))]


SUMMARY_HEAD = ["what is broken", "scenarios", "rounds", "texts", "wrong", "recovery p50", "p99", "max"]
DETAIL_HEAD = ["scenario", "rounds", "texts", "wrong", "recovery p50", "p99", f"99 % in {GOAL_SECS:g} s", "max", "longest under way", "machine busy"]


def detail_rows(results):
    for result in results:
        half, most, last = recovery(result)
        few = " (too few)" if result in fewer([result]) else ""
        yield [result["name"], str(result["rounds"]), f"{result['sent']:,}{few}", "; ".join(wrongs(result)) or "0", text_of(half), text_of(most),
               verdict(result), text_of(last), text_of(percentile(result["latencies"], 1.0)), f"{result['busy']:.0%}"]


def verdict(result):
    """Of the goal; none where nothing was broken, or nothing was under way at any healing."""
    if result["kind"] == "none" or not result["recoveries"]:
        return "–"
    return "missed" if late([result]) else "met"


def late(results):
    """The scenarios beyond the goal."""
    return [result for result in results if result["kind"] != "none" and (recovery(result)[1] or 0) > GOAL_SECS]


def fewer(results):
    """The scenarios that accounted for too few texts."""
    return [result for result in results if result["sent"] < ENOUGH_TEXTS]


def judged(results):
    """How many scenarios met the goal, in words."""
    verdicts = [verdict(result) for result in results if result["kind"] != "none"]
    return (f"{verdicts.count('met')} scenarios meet it, {verdicts.count('missed')} miss it, and in {verdicts.count('–')} "
            "nothing was under way at any healing")


def markdown(facts, told):
    results = facts["results"]
    texts = sum(result["sent"] for result in results)
    sums = held(results)
    yield "# Resilience"
    yield ""
    yield f"What [`tests/lab/run`](../../tests/lab/run) found in version `{told.of}` on {told.date}, seed {facts['seed']}. Machine: {told.machine}. This page and"
    yield f"[the page with every scenario](raw/resilience.html) are written by [`tests/lab/report.py`](../../tests/lab/report.py). What the lab is, and what is counted:"
    yield "[testing.md](../testing.md#the-lab)."
    yield ""
    yield f"{facts['pairs']} pairs wrote {facts['rate']:g} texts a second and person, through Nginx, end-to-end encrypted: **{texts:,} texts, of which**"
    yield "**" + ", ".join(f"{count} {wrong.replace('_', ' ')}" for wrong, count in sums.items()) + ".**"
    yield ""
    yield "Recovery is the time from the healing (the process starts again or goes on, packets pass again) until a text that was under way then has"
    yield f"come. The goal is that 99 of 100 come within {GOAL_SECS:g} s: **{judged(results)}.** The baseline takes the same"
    yield "at moments at which nothing was broken."
    yield ""
    yield from table(SUMMARY_HEAD, summary_rows(results))
    yield ""
    beyond = late(results)
    yield f"## Beyond {GOAL_SECS:g} s"
    yield ""
    if not beyond:
        yield "None."
    for result in beyond:
        yield f"- {result['name']}: p99 {text_of(recovery(result)[1])}, at most {text_of(recovery(result)[2])}; the machine was {result['busy']:.0%} busy"
    yield ""
    yield f"## Fewer than {ENOUGH_TEXTS:,} texts"
    yield ""
    yield from [f"- {result['name']}: {result['sent']:,}" for result in fewer(results)] or ["None."]
    failed = [result for result in results if wrongs(result)]
    yield ""
    yield "## What was wrong"
    yield ""
    if not failed:
        yield "Nothing."
    for result in failed:
        yield f"- {result['name']}: {'; '.join(wrongs(result))}" + "".join(f"\n    - {words}" for words in result["faults"])
    yield ""
    yield "## Every scenario"
    yield ""
    yield from table(DETAIL_HEAD, detail_rows(results))
    yield from notes.section(told.notes)
    yield ""
    yield f"Programs: {', '.join(f'{name} ({version})' for name, version in (facts['versions'] or {}).items())}."


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "/") for cell in row) + " |"


STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
.wrong { color: #c33; font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
"""


def page(facts, words):
    """One page, with a bar for the recovery of each scenario."""
    results = facts["results"]
    sums = ", ".join(f"{count} {wrong.replace('_', ' ')}" for wrong, count in held(results).items())
    texts = sum(result["sent"] for result in results)
    return "\n".join([
        "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">', "<title>Resilience of cipher-chat</title>", f"<style>{STYLE}</style>",
        "<h1>Resilience</h1>", f"<p>{html.escape(words)}</p>", f"<p>Seed {facts['seed']}; {facts['pairs']} pairs, {facts['rate']:g} texts a second and person.</p>",
        f"<p><strong>{texts:,} texts, of which {sums}.</strong></p>", html_table(SUMMARY_HEAD, summary_rows(results)),
        "<h2>Recovery</h2>", f"<p>From the healing until what was under way had come: half of it (dark), 99 of 100 (light), the last (line). The goal is {GOAL_SECS:g} s.</p>",
        bars(results), "<h2>Every scenario</h2>", html_table(DETAIL_HEAD, detail_rows(results)), "</html>", ""])


def html_table(head, rows):
    cells = lambda row, tag: "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
    return "<table>" + cells(head, "th") + "".join(cells(row, "td") for row in rows) + "</table>"


def bars(results):
    longest = max([GOAL_SECS, *(recovery(result)[2] or 0 for result in results)])
    scale, drawn = 640 / longest, []
    for place, result in enumerate(results):
        y, (half, most, last) = 20 * place, [time or 0 for time in recovery(result)]
        drawn.append(f'<text x="300" y="{y + 14}" text-anchor="end" font-size="12" fill="currentColor">{html.escape(result["name"])}</text>')
        drawn.append(f'<rect x="310" y="{y + 3}" width="{most * scale:.1f}" height="14" fill="#48c" opacity=".4"/>')
        drawn.append(f'<rect x="310" y="{y + 3}" width="{half * scale:.1f}" height="14" fill="#48c"/>')
        drawn.append(f'<line x1="{310 + last * scale:.1f}" x2="{310 + last * scale:.1f}" y1="{y + 2}" y2="{y + 18}" stroke="currentColor"/>')
    goal, height = 310 + GOAL_SECS * scale, 20 * len(results)
    drawn.append(f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="0" y2="{height}" stroke="#c33" stroke-dasharray="4"/>')
    return f'<svg viewBox="0 0 960 {height}" role="img" aria-label="Recovery of each scenario">' + "".join(drawn) + "</svg>"


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("facts", type=Path, nargs="+", help="of one run, or of parts of one that ran beside each other")
    words.add_argument("--of", required=True)
    words.add_argument("--date", required=True)
    words.add_argument("--machine", required=True)
    told = words.parse_args()
    try:
        told.notes = notes.read(NOTES, told.of)
    except notes.StaleNotes as fault:
        sys.exit(f"report: {fault}")
    facts = together([json.loads(file.read_text(encoding="utf-8")) for file in told.facts])
    if not facts["results"]:
        sys.exit("report: there is no scenario")
    reports = ROOT / "docs/reports"
    (reports / "resilience.md").write_text("\n".join(markdown(facts, told)) + "\n", encoding="utf-8")
    (reports / "raw/resilience.html").write_text(page(facts, f"Version {told.of}, {told.date}. {told.machine}."), encoding="utf-8")


if __name__ == "__main__":
    main()
