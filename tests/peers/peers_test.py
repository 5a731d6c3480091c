"""Tests of what tests/peers makes of its runs: `python3 tests/peers/peers_test.py`."""

import contextlib
import copy
import io
import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import builds
import report
import servers

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = {
    "system": "nats",
    "connections": 4000,
    "wanted_per_second": 1000,
    "delivered_per_second": 1000.2,
    "held_back": 0,
    "lost": 0,
    "processor_us_per_message": 10.04,
    "processor_us_per_arrival": 99.6,
    "p50_us": 1204,
    "p99_us": 8000,
    "empty_kib": 10000,
    "process_bytes_per_connection": 2049,
    "kernel_bytes_per_connection": 4300,
}
RECORD = {
    "of": "0123abc",
    "date": "2026-11-27",
    "machine": "2 processors",
    "build": "release",
    "notes": [],
    "load_before": 0.01,
    "settings": {"pairs": 2000, "rate": 2.5, "seconds": 10, "rounds": 2, "size": 128},
    "versions": {"nats": "2.0.0"},
    "runs": [RUN],
}


def record(*runs, **changes):
    made = copy.deepcopy(RECORD)
    made["runs"] = [{**RUN, **run} for run in runs or [{}]]
    made["settings"].update(changes.pop("settings", {}))
    made.update(changes)
    return made


def row(made):
    """The cells of the first system, by the titles of the columns."""
    lines = list(report.table(made))
    titles, cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (lines[0], lines[2]))
    return dict(zip(titles, cells, strict=True))


class Rows(unittest.TestCase):
    def test_each_figure_stands_under_its_title_in_its_unit(self):
        self.assertEqual(
            row(record()),
            {
                "": "nats-server, WebSocket",
                "version": "2.0.0",
                "processor time per message": "**10.0 µs**",
                "latency, median": "**1.20 ms**",
                "latency, 99th percentile": "**8.0 ms**",
                "memory per idle connection": "**2.0 KB**",
                "of the kernel": "**4.3 KB**",
                "empty": "**10 MB**",
                "processor time per arrival": "**100 µs**",
            },
        )

    def test_of_several_rounds_the_median_is_told_with_the_lowest_and_the_highest(self):
        runs = [{"processor_us_per_message": value} for value in (30, 10, 14)]
        self.assertEqual(row(record(*runs))["processor time per message"], "**14.0 µs** (10.0–30.0)")

    def test_runs_of_another_system_do_not_count(self):
        made = record({}, {"system": "ws", "p50_us": 9000}, versions={"nats": "2.0.0", "ws": "8.0.0"})
        self.assertEqual(row(made)["latency, median"], "**1.20 ms**")

    def test_the_kernels_memory_is_told_of_a_crowd_on_a_quiet_machine_only(self):
        self.assertEqual(row(record(settings={"pairs": 999}))["of the kernel"], "–")
        self.assertEqual(row(record(load_before=0.5))["of the kernel"], "–")

    def test_what_was_not_measured_is_a_dash(self):
        self.assertEqual(row(record({"p99_us": None}))["latency, 99th percentile"], "–")

    def test_who_does_not_keep_up_or_loses_messages_is_named(self):
        lines = list(report.table(record({"delivered_per_second": 500, "lost": 3})))
        self.assertIn("nats-server, WebSocket has not kept up: 50% delivered", lines[3])
        self.assertIn("nats-server, WebSocket: 3 messages had not arrived when a run ended", lines[4])
        self.assertEqual(len(list(report.table(record()))), 3)

    def test_all_lines_of_a_table_have_as_many_cells(self):
        lines = list(report.table(record({"delivered_per_second": 500, "lost": 3})))
        self.assertEqual({line.count("|") for line in lines}, {lines[0].count("|")})


class Page(unittest.TestCase):
    def test_other_work_of_the_machine_is_said(self):
        self.assertIn("**The machine was not idle** (load 3.0", "\n".join(report.page(record(load_before=3.0))))
        self.assertNotIn("other work meanwhile", "\n".join(report.page(record())))

    def test_a_load_that_was_not_delivered_is_said_above_the_table(self):
        self.assertIn("**Not all of the load was delivered**", "\n".join(report.page(record({"delivered_per_second": 949}))))
        self.assertNotIn("Not all of the load", "\n".join(report.page(record({"delivered_per_second": 950}))))

    def test_a_build_that_is_no_release_is_said(self):
        self.assertIn("no release build** (`debug`)", "\n".join(report.page(record(build="debug"))))
        self.assertNotIn("no release build", "\n".join(report.page(record(build="dist"))))

    def test_notes_of_a_run_are_told_in_its_report(self):
        self.assertIn("\nIt was late.\n", "\n".join(report.page(record(notes=["It was late."]))))

    def test_a_system_that_was_not_there_is_named(self):
        self.assertIn("**Not in this run**, as it was not installed when it was made: ", "\n".join(report.page(record())))
        whole = record(*({"system": name} for name in report.NAMES), versions={name: "1" for name in report.NAMES})
        self.assertNotIn("Not in this run", "\n".join(report.page(whole)))

    def test_the_report_is_that_of_its_record(self):
        kept = json.loads((ROOT / "docs/reports/raw/peers.json").read_text(encoding="utf-8"))
        told = (ROOT / "docs/reports/peers.md").read_text(encoding="utf-8")
        self.assertEqual(told, "\n".join(report.page(kept)) + "\n")

    def test_every_system_that_can_be_started_has_a_name_and_its_abilities(self):
        self.assertEqual(list(report.NAMES), list(servers.SYSTEMS))
        self.assertEqual(list(report.ABLE), list(servers.SYSTEMS))
        for abilities in report.ABLE.values():
            self.assertEqual(len(abilities), len(report.ABILITIES))


class Builds(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.cache = Path(folder, "cache")
        self.enterContext(mock.patch.object(builds, "CACHE", self.cache))

    def build(self, *names):
        """What Cargo was asked for, and what was said; there is no Cargo."""
        asked, said = [], io.StringIO()

        def run(command, **_):
            if command[0] == "cargo":
                asked.append([str(word) for word in command])
                raise FileNotFoundError("no Cargo")

        with contextlib.redirect_stderr(said), mock.patch.object(subprocess, "run", side_effect=run):
            builds.build(names)
        return asked, said.getvalue()

    def test_what_has_not_been_built_is_left_out(self):
        for name in ("uwebsockets", "sockudo"):
            self.assertFalse(servers.SYSTEMS[name][1]())
            self.assertNotIn(name, servers.installed())

    def test_what_is_there_is_not_built_again(self):
        builds.sockudo_path().parent.mkdir(parents=True)
        builds.sockudo_path().touch()
        self.assertEqual(self.build("sockudo", "ws"), ([], ""))

    def test_what_cannot_be_built_is_said_and_is_no_failure(self):
        asked, said = self.build("sockudo", "uwebsockets")
        self.assertEqual(len(asked), 2)
        self.assertIn("sockudo cannot be built: no Cargo", said)
        self.assertIn("uwebsockets cannot be built: no Cargo", said)

    def test_everything_is_built_in_the_version_that_is_named(self):
        (install, metadata), _ = self.build("sockudo", "uwebsockets")
        self.assertIn("--locked", install)
        self.assertEqual(install[install.index("--version") + 1], servers.version("sockudo"))
        self.assertIn("--locked", metadata)
        self.assertIn("uws-relay-" + servers.version("uwebsockets"), builds.uwebsockets_path().name)

    def test_another_relay_is_another_build(self):
        built = builds.uwebsockets_path()
        other = Path(self.cache.parent, "relay.cpp")
        other.write_text("int main() {}")
        with mock.patch.object(builds, "UWEBSOCKETS_RELAY", other):
            self.assertNotEqual(builds.uwebsockets_path(), built)


class Adapters(unittest.TestCase):
    adapters = (ROOT / "tests/peers/adapters.mjs").read_text(encoding="utf-8")

    def test_every_system_has_one(self):
        (listed,) = re.findall(r"^export const adapters = \{(.*)\};$", self.adapters, re.MULTILINE)
        names = [entry.split(":")[0].strip(' "') for entry in listed.split(",")]
        self.assertEqual(names, list(servers.SYSTEMS))

    def test_the_app_of_the_pusher_protocol_is_that_of_its_server(self):
        key, secret = servers.PUSHER_APP["key"], servers.PUSHER_APP["secret"]
        self.assertIn(f'const PUSHER_APP = {{ key: "{key}", secret: "{secret}" }};', self.adapters)
        with tempfile.TemporaryDirectory() as folder:
            command, _ = servers.sockudo(1, Path(folder))
            settings = json.loads(command[-1].read_text(encoding="utf-8"))
        self.assertEqual(settings["app_manager"]["array"]["apps"][0]["secret"], secret)


if __name__ == "__main__":
    unittest.main()
