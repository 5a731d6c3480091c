#!/usr/bin/env python3
"""Makes docs/reports/storm.md of what tests/storm/run has measured.

    tests/storm/report.py RECORD.json >docs/reports/storm.md
"""

import json
import statistics
import sys
from pathlib import Path

# Above this share of all processors, other programs have disturbed a storm.
QUIET_SHARE = 0.05
# The goal: processor time of the gateways for a person, in that of the lean server.
GOAL = 2
WRONGS = ("lost", "duplicated", "reordered", "foreign", "broken")


def wrongs(storm):
    """What went wrong with messages and chats, with its count."""
    return {name: storm["counts"][name] for name in WRONGS if storm["counts"][name]}


def storm_seconds(one):
    """From the end of the gateway until the last of its people chatted again."""
    return one["resumed"] - one["killed"]


def gateways_processor_seconds(one):
    """What the storm took of the gateways that remained: all of it, less what chats took of all gateways before, for as long."""
    return max(0.0, one["processor"]["survivors"] - one["processor"]["calm_per_second"] * storm_seconds(one))


def ratio(one):
    """How often the processor time of the lean server, for as many people."""
    return gateways_processor_seconds(one) / one["lean"]["processor_seconds"]


def bystanders(one):
    """The 99th percentiles of single seconds, in milliseconds, of those whose gateway lived on: the median of those before the end of the
    other gateway, and the worst from then until all its people had come back."""
    calm, storm = [], []
    for number, stretch in enumerate(one["others"]["stretches"]):
        begins = one["others_began"] + number * one["others"]["stretch_seconds"]
        ends = begins + one["others"]["stretch_seconds"]
        if stretch["p99"] is None:
            continue
        if ends <= one["killed"]:
            calm.append(stretch["p99"])
        elif begins < one["resumed"]:
            storm.append(stretch["p99"])
    return (statistics.median(calm) if calm else None, max(storm) if storm else None)


def table(record):
    rounds = record["rounds"]
    yield row("people whose gateway died", (f"{people(one):,}" for one in rounds))
    yield "|" + "---|" * (1 + len(rounds))
    yield row("until the last of them chatted again", (f"**{storm_seconds(one):.1f} s**" for one in rounds))
    yield row("one person's pause: median", (seconds(one["storm"]["recovery"]["p50"]) for one in rounds))
    yield row("99th percentile", (seconds(one["storm"]["recovery"]["p99"]) for one in rounds))
    yield row("longest", (seconds(one["storm"]["recovery"]["max"]) for one in rounds))
    yield row("processor time of the other gateways for it", (f"{gateways_processor_seconds(one):.1f} s" for one in rounds))
    yield row("for a person", (each(gateways_processor_seconds(one), one) for one in rounds))
    yield row("the lean server for a person", (each(one["lean"]["processor_seconds"], one) for one in rounds))
    yield row("**so the gateways took**", (f"**{ratio(one):.1f} times** as much" for one in rounds))
    yield row("the lean server: until the last was in", (f"{one['lean']['seconds']:.1f} s" for one in rounds))
    yield row("NATS, pairing and janitor meanwhile", (f"{one['processor']['services']:.1f} s" for one in rounds))
    yield row("those not concerned, 99th percentile of a second: before", (ms(bystanders(one)[0]) for one in rounds))
    yield row("worst in the storm", (ms(bystanders(one)[1]) for one in rounds))
    yield row("texts sent", (f"{one['storm']['counts']['sent']:,}" for one in rounds))
    yield row("lost, doubled, reordered, foreign; chats broken", (told(one["storm"]) for one in rounds))
    yield row("other programs, of all processors: beside the gateways", (share(one["elsewhere"]) for one in rounds))
    yield row("beside the lean server", (share(one["lean"]["elsewhere"]) for one in rounds))


def row(name, cells):
    return "| " + " | ".join((name, *cells)) + " |"


def verdict(record):
    """The goal, and whether it is met by all storms."""
    factors = [(people(one), ratio(one)) for one in record["rounds"]]
    met = "met" if all(factor <= GOAL for _, factor in factors) else "missed"
    sizes = sorted({size for size, _ in factors})
    listed = "; ".join(f"{between([factor for size, factor in factors if size == one])} times with {one:,} people" for one in sizes)
    return f"**The goal, at most {GOAL} times the processor time of the lean server, is {met}**: {listed}."


def between(numbers):
    low, high = f"{min(numbers):.1f}", f"{max(numbers):.1f}"
    return low if low == high else f"{low} to {high}"


def people(one):
    return one["settings"]["people"]


def told(storm):
    return ", ".join(str(storm["counts"][name]) for name in WRONGS)


def seconds(milliseconds):
    return "–" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def ms(milliseconds):
    return "–" if milliseconds is None else f"{milliseconds:.1f} ms"


def each(processor, one):
    return f"{processor / people(one) * 1e6:.0f} µs"


def share(part):
    return f"{part:.0%}"


def page(record):
    rounds = record["rounds"]
    settings = rounds[0]["settings"]
    yield "# A storm"
    yield ""
    yield (
        f"A gateway is killed with all its people, who come back elsewhere at once. Measured on {record['date']} at version `{record['of']}`, build "
        f"`{record['build']}`. [`tests/storm/run`](../../tests/storm/run) measures it, and [`report.py`](../../tests/storm/report.py) writes this page "
        "from [the record](raw/storm.json)."
    )
    yield ""
    yield verdict(record)
    yield ""
    busiest = max(max(one["elsewhere"], one["lean"]["elsewhere"]) for one in rounds)
    if busiest > QUIET_SHARE:
        yield (
            f"**The machine did other work meanwhile**: up to {share(busiest)} of its processors went to it. Times and latencies say little; processor "
            "times are upper bounds, on both sides."
        )
        yield ""
    if record["build"] not in ("release", "dist"):
        yield f"**This was no release build** (`{record['build']}`): its processor times are several times too high."
        yield ""
    yield from table(record)
    for note in record["notes"]:
        yield ""
        yield note
    yield ""
    yield "## How it was measured"
    yield ""
    yield (
        f"{record['machine']}. One storm after the other, in the order of the columns, and after each as many people at the lean server. Three "
        "gateways with their own TLS, one NATS server with TLS, one pairing node and one janitor, on loopback, new for each storm. "
        f"People in pairs, all at one gateway, write {settings['rate']:g} texts a second and pair over the end-to-end encrypted "
        f"channel; {settings['others']:,} others at the other two gateways write {settings['others_rate']:g} a second and pair. Then the gateway is "
        "killed (SIGKILL). Nobody had been at another gateway before: each comes back with a whole TLS handshake, its token and `resume`. "
        "The library's random pause before a reconnect (up to 250 ms) is part of each pause."
    )
    yield ""
    yield (
        "*Until the last chatted again* is the time from the kill until the gateways have let as many people back into their rooms (their own "
        "metrics, read four times a second). *Processor time* is user and system time of the two gateways in that time, less what chats took of all "
        "gateways in the seconds before. The people share the machine with the servers, and shake hands as well: the time is that of both."
    )
    yield ""
    yield (
        "[The lean server](../../tests/storm/lean/src/server.rs) does what none can leave out: it shakes hands, answers the upgrade to a WebSocket, and "
        f"keeps the connection; on one thread. It has the certificate of the gateway that died, and agrees on the same as the gateways: "
        f"{listed_agreements(rounds)}, a whole handshake each time, without tickets. "
        "[Its people](../../tests/storm/lean/src/people.rs) come as the library comes back: all at once, after the same random pauses. But they never give up: "
        "it shakes hands with each once, which is the least that it can take. People of a gateway give up an attempt after 5 s, and what that took is lost. "
        "Gateways also check two signatures of each (token and ticket), find the room again, and tell other nodes over NATS."
    )
    yield ""
    yield "## Again, on a machine that does nothing else"
    yield ""
    yield "```sh"
    yield "cargo build --profile dist --locked --bin cipher-chat"
    yield "tests/storm/run --record docs/reports/raw/storm.json target/dist/cipher-chat"
    yield "python3 tests/storm/report.py docs/reports/raw/storm.json >docs/reports/storm.md"
    yield "```"
    yield ""
    yield "It builds the lean server. One process may have to open more files than there are people (`ulimit -n`)."


def listed_agreements(rounds):
    """What was agreed on, by the names of rustls: one, where nothing is wrong."""
    return ", ".join(sorted({f"`{one['agreed']}`" for one in rounds}))


if __name__ == "__main__":
    print("\n".join(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
