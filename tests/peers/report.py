"""Writes docs/reports/peers.md from what tests/peers/run has recorded.

    python3 tests/peers/report.py docs/reports/raw/peers.json >docs/reports/peers.md

Nothing in the report is written by hand: its figures come from the record, its words from here.
"""

import json
import statistics
import sys
from pathlib import Path

# A machine with less to do than this, for each processor, when a run begins, counts as quiet.
QUIET_LOAD = 0.1
# Below so many pairs the kernel's memory is not told: it is read for the whole machine.
KERNEL_PAIRS = 1000
# A run that has delivered less than this share of what was wanted has not kept up: its times are not those of this rate.
KEPT_UP = 0.95

NAMES = {
    "cipher-chat": "cipher-chat `serve`",
    "nats": "nats-server, WebSocket",
    "ws": "`ws` on Node.js",
    "uwebsockets": "uWebSockets in C++",
    "centrifugo": "Centrifugo",
    "sockudo": "sockudo (Pusher protocol)",
}
# What each does of what a chat between strangers needs. "off" is what it can do, and what was not asked of it here.
ABILITIES = ("end-to-end encryption", "resumption", "presence", "delivery after reconnect", "clustering")
ABLE = {
    "cipher-chat": ("yes, in its clients", "yes", "yes, of the peer", "yes, by its clients", "yes, over NATS; one process here"),
    "nats": ("no", "no", "no", "with JetStream; off", "yes; off"),
    "ws": ("no", "no", "no", "no", "no"),
    "uwebsockets": ("no", "no", "no", "no", "no"),
    "centrifugo": ("no", "with history; off", "yes; off", "with history; off", "with Redis or NATS; off"),
    "sockudo": ("no", "in a protocol of its own; off", "yes; off", "in a protocol of its own; off", "with Redis or NATS; off"),
}
COLUMNS = (
    ("processor time per message", "processor_us_per_message", lambda value: f"{value:.1f} µs"),
    ("latency, median", "p50_us", lambda value: f"{value / 1000:.2f} ms"),
    ("latency, 99th percentile", "p99_us", lambda value: f"{value / 1000:.1f} ms"),
    ("memory per idle connection", "process_bytes_per_connection", lambda value: f"{value / 1000:.1f} KB"),
    ("of the kernel", "kernel_bytes_per_connection", lambda value: f"{value / 1000:.1f} KB"),
    ("empty", "empty_kib", lambda value: f"{value * 1024 / 1e6:.0f} MB"),
    ("processor time per arrival", "processor_us_per_arrival", lambda value: f"{value:.0f} µs"),
)


def page(record):
    settings, quiet = record["settings"], is_quiet(record)
    people = settings["pairs"] * 2
    yield "# Beside other systems"
    yield ""
    yield (
        "What it costs to relay the messages of pairs of people, in cipher-chat and in systems that are often used for it. "
        f"Measured on {record['date']} at version `{record['of']}`. [`tests/peers/run`](../../tests/peers/run) measures it, and "
        "[`report.py`](../../tests/peers/report.py) writes this page from [the record](raw/peers.json)."
    )
    if not quiet:
        yield ""
        yield (
            f"**The machine was not idle** (load {record['load_before']:.1f} per processor at the beginning). Processor "
            "times are upper bounds, latencies say little, and only large differences mean anything. Memory depends on it least."
        )
    if any(has_not_kept_up(runs_of(record, name)) for name in systems(record)):
        yield ""
        yield (
            "**Not all of the load was delivered**, as the table says. A system that has not kept up was measured at another rate than "
            "the others: its row is no comparison. If none has, the machine had no time for this run, and nothing follows from it."
        )
    if record["build"] not in ("release", "dist"):
        yield ""
        yield f"**cipher-chat was no release build** (`{record['build']}`): its processor times are several times too high."
    yield ""
    yield from table(record)
    yield ""
    yield (
        f"{people:,} connections in rooms of two; each sends {settings['rate']:g} messages a second of {settings['size']} bytes "
        f"for {settings['seconds']} s. {settings['rounds']} rounds, in each of them all systems in turn, started anew: the median, "
        "with the lowest and the highest. The longer a run, the less chance is in it."
    )
    yield ""
    yield "## What each does not do"
    yield ""
    yield f"| | {' | '.join(ABILITIES)} |"
    yield "|---" * (len(ABILITIES) + 1) + "|"
    for name in systems(record):
        yield f"| {NAMES[name]} | {' | '.join(ABLE[name])} |"
    yield ""
    yield (
        "So the figures compare the same job, not the same service. cipher-chat makes a session and a match for each arrival, checks "
        "tokens and wipes memory; the others here only connect and subscribe, and sockudo checks a signature for it. Encryption is the work of clients, and is in no figure: "
        "a message stands for one that is encrypted already."
    )
    yield ""
    yield "## How it was measured"
    yield ""
    yield (
        f"{record['machine']}. The server on one processor, the [load generator](../../tests/peers/load.mjs) on another, over loopback, "
        "without TLS. It is one program for all; only how a side joins and frames a message "
        "([adapters](../../tests/peers/adapters.mjs)) differs. It runs on Node.js: its own time is in every latency, and is the "
        "same for all. *Processor time* is user and system time of the server, divided by the messages delivered. *Memory* is what the "
        "server holds (RSS) beyond *empty*, and a part of it is paid once rather than for each connection: with few connections it "
        f"looks large. The kernel's is read for the whole machine, both ends of each connection, and is left out below {KERNEL_PAIRS:,} "
        "pairs or beside other work."
    )
    yield ""
    yield (
        "Each system has its best settings that could be found for this ([servers.py](../../tests/peers/servers.py)): no compression, "
        "no limits, no log, small buffers where there is a choice. Centrifugo speaks JSON here, as its JavaScript client does by "
        "default; its Protobuf would be leaner."
    )
    yield ""
    yield (
        "uWebSockets is built from its source as it was released, which the crate `libuwebsockets-sys` carries; newer versions are not "
        "there. Its relay is in C++. Left out: uWebSockets.js, which is not on npm but only on GitHub; what others have put on npm in its "
        "place is a fork, or compiled code that could not be compared with its origin. And soketi, whose package on npm depends on "
        "uWebSockets.js by that address and so cannot be installed from the registry alone: of the servers of the Pusher protocol there is "
        "sockudo instead."
    )
    absent = [NAMES[name] for name in NAMES if name not in record["versions"]]
    if absent:
        yield ""
        yield f"**Not in this run**, as it was not installed when it was made: {', '.join(absent)}."
    for note in record["notes"]:
        yield ""
        yield note
    yield ""
    yield "A longer run, on a machine that does nothing else:"
    yield ""
    yield "```sh"
    yield "cargo build --profile dist --locked --bin cipher-chat"
    yield "CIPHER_CHAT=target/dist/cipher-chat tests/peers/run --pairs 2000 --rate 2.5 --seconds 60 --rounds 5 --record docs/reports/raw/peers.json"
    yield "python3 tests/peers/report.py docs/reports/raw/peers.json >docs/reports/peers.md"
    yield "```"


def table(record):
    """The lines of the table of figures."""
    yield f"| | version | {' | '.join(title for title, _, _ in COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 2) + "|"
    for name in systems(record):
        runs = runs_of(record, name)
        cells = [cell(record, runs, field, text) for _, field, text in COLUMNS]
        yield f"| {NAMES[name]} | {record['versions'][name]} | {' | '.join(cells)} |"
        yield from remarks(name, runs)


def cell(record, runs, field, text):
    values = [run[field] for run in runs if run[field] is not None]
    told = field != "kernel_bytes_per_connection" or (record["settings"]["pairs"] >= KERNEL_PAIRS and is_quiet(record))
    if not values or not told:
        return "–"
    middle, least, most = text(statistics.median(values)), text(min(values)), text(max(values))
    if least == most:
        return f"**{middle}**"
    # The unit stands once.
    return f"**{middle}** ({least.split()[0]}–{most.split()[0]})"


def remarks(name, runs):
    """Rows below a system that has not kept up, or has lost something: its figures do not stand alone."""
    lost = sum(run["lost"] for run in runs)
    if has_not_kept_up(runs):
        yield f"| ↳ {NAMES[name]} has not kept up: {delivered(runs):.0%} delivered |" + " |" * (len(COLUMNS) + 1)
    if lost:
        yield f"| ↳ {NAMES[name]}: {lost:,} messages had not arrived when a run ended |" + " |" * (len(COLUMNS) + 1)


def has_not_kept_up(runs):
    return delivered(runs) < KEPT_UP


def delivered(runs):
    """The share of what was wanted."""
    return sum(run["delivered_per_second"] for run in runs) / sum(run["wanted_per_second"] for run in runs)


def runs_of(record, name):
    return [run for run in record["runs"] if run["system"] == name]


def systems(record):
    return [name for name in NAMES if name in record["versions"]]


def is_quiet(record):
    return record["load_before"] < QUIET_LOAD


if __name__ == "__main__":
    print("\n".join(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
