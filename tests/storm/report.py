#!/usr/bin/env python3
"""Makes docs/reports/storm.md of what tests/storm/run has measured.

    tests/storm/report.py RECORD.json >docs/reports/storm.md
"""

import json
import statistics
import sys
from pathlib import Path

# Above this load for each processor, something else has run before.
QUIET_LOAD = 0.2
# The goal: processor time of the gateways, in that of the lean server.
GOAL = 2
WRONGS = ("lost", "duplicated", "reordered", "foreign", "broken")


def wrongs(storm):
    """What went wrong with messages and chats, with its count."""
    return {name: storm["counts"][name] for name in WRONGS if storm["counts"][name]}


def storm_seconds(record):
    """From the end of the gateway until the last of its people chatted again."""
    return record["resumed"] - record["killed"]


def gateways_processor_seconds(record):
    """What the storm took of the gateways that remained: all of it, less what chats took of all gateways before, for as long."""
    return max(0.0, record["processor"]["survivors"] - record["processor"]["calm_per_second"] * storm_seconds(record))


def ratio(record):
    """How often the processor time of the lean server; nothing without it."""
    lean = record["reference"]
    if not lean:
        return None
    each = lean["processor_seconds"] / lean["people"]
    return gateways_processor_seconds(record) / record["settings"]["people"] / each if each else None


def bystanders(record):
    """The 99th percentiles of single seconds, in milliseconds, of those whose gateway lived on: the median of those before the end of the
    other gateway, and the worst from then until all its people had come back."""
    calm, storm = [], []
    for number, stretch in enumerate(record["others"]["stretches"]):
        begins = record["others_began"] + number * record["others"]["stretch_seconds"]
        ends = begins + record["others"]["stretch_seconds"]
        if stretch["p99"] is None:
            continue
        if ends <= record["killed"]:
            calm.append(stretch["p99"])
        elif begins < record["resumed"]:
            storm.append(stretch["p99"])
    return (statistics.median(calm) if calm else None, max(storm) if storm else None)


def table(record):
    people, storm = record["settings"]["people"], record["storm"]
    calm, worst = bystanders(record)
    recovery = storm["recovery"]
    yield "| | |"
    yield "|---|---|"
    yield f"| people whose gateway died | {people:,} |"
    yield f"| until the last of them chatted again | **{storm_seconds(record):.1f} s** |"
    yield f"| one person's pause, median / 99th percentile / longest | {seconds(recovery['p50'])} / {seconds(recovery['p99'])} / {seconds(recovery['max'])} |"
    yield f"| processor time of the other gateways for it | **{gateways_processor_seconds(record):.1f} s**, {each(gateways_processor_seconds(record), people)} a person |"
    lean = record["reference"]
    if lean:
        yield (
            f"| that of the lean server for as many connections | {lean['processor_seconds']:.1f} s, "
            f"{each(lean['processor_seconds'], lean['people'])} a connection |"
        )
        yield f"| so the gateways took | **{ratio(record):.1f} times** as much (goal: at most {GOAL}) |"
    yield f"| NATS, pairing and janitor meanwhile | {record['processor']['services']:.1f} s |"
    yield f"| those not concerned, 99th percentile of a second: before / worst in the storm | {ms(calm)} / {ms(worst)} |"
    yield f"| texts sent, and lost, doubled, reordered, foreign; chats broken | {storm['counts']['sent']:,}; {told(storm)} |"


def told(storm):
    return ", ".join(str(storm["counts"][name]) for name in WRONGS)


def seconds(milliseconds):
    return "–" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def ms(milliseconds):
    return "–" if milliseconds is None else f"{milliseconds:.1f} ms"


def each(processor, people):
    return f"{processor / people * 1e6:.0f} µs"


def page(record):
    settings = record["settings"]
    yield "# A storm"
    yield ""
    yield (
        f"A gateway is killed with all its people, who come back elsewhere at once. Measured on {record['date']} at version `{record['of']}`, build "
        f"`{record['build']}`. [`tests/storm/run`](../../tests/storm/run) measures it, and [`report.py`](../../tests/storm/report.py) writes this page "
        "from [the record](raw/storm.json)."
    )
    yield ""
    if record["load_before"] > QUIET_LOAD:
        yield (
            f"**The machine did other work meanwhile** (load {record['load_before']:.1f} per processor at the beginning). Times and latencies "
            "say little; processor times are upper bounds."
        )
        yield ""
    if record["build"] not in ("release", "dist"):
        yield f"**This was no release build** (`{record['build']}`): its processor times are several times too high."
        yield ""
    yield from table(record)
    yield ""
    yield "## How it was measured"
    yield ""
    yield (
        f"{record['machine']}. Three gateways with their own TLS, one NATS server with TLS, one pairing node and one janitor, on loopback. "
        f"{settings['people']:,} people, in pairs, all at one gateway, write {settings['rate']:g} texts a second and pair over the end-to-end encrypted "
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
    if record["reference"]:
        yield ""
        yield (
            "The lean server only shakes hands: TLS 1.3 with the same certificate (P-256), then the upgrade, and keeps the connection; one thread, "
            "rustls with *ring*, X25519. Gateways agree on X25519 and ML-KEM together where a client can, which the project's clients can, check a token, "
            "and find the room again over NATS."
        )
    for note in record["notes"]:
        yield ""
        yield note
    yield ""
    yield "## Again, on a machine that does nothing else"
    yield ""
    yield "```sh"
    yield "cargo build --profile dist --locked --bin cipher-chat"
    yield (
        "tests/storm/run --people 18000 --reference 'LEAN listen={listen} tls=1 cert={cert} key={key}' "
        "--record docs/reports/raw/storm.json target/dist/cipher-chat"
    )
    yield "python3 tests/storm/report.py docs/reports/raw/storm.json >docs/reports/storm.md"
    yield "```"
    yield ""
    yield (
        "`LEAN` is any server that answers each upgrade on `/r/NUMBER/SIDE` over TLS; without `--reference` that comparison is left out. One process "
        "may have to open more files than there are people (`ulimit -n`)."
    )


if __name__ == "__main__":
    print("\n".join(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
