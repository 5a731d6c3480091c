#!/usr/bin/env python3
"""What a storm's figures are made of: which processor time counts, which seconds, and what is a fault."""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "operations"), str(HERE.parent / "lib")]
sys.dont_write_bytecode = True

import lean
import report
import watch
from processes import ROOT, Fault

COUNTS = {"sent": 900, "resumed": 100, "disconnected": 100} | dict.fromkeys(report.WRONGS, 0)


def program():
    """tests/storm/run, which has no ending in its name."""
    loader = importlib.machinery.SourceFileLoader("storm_run", str(HERE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("storm_run", loader))
    loader.exec_module(module)
    return module


def storm(counts=None, others=None, **more):
    """100 people are back after 2 s, and the gateways took 5 s for it, of which 2 × 0.5 s were chats."""
    stretches = [{"p99": value} for value in (1.0, 3.0, 2.0, 50.0, 9.0, 70.0)]
    return {
        "settings": {"people": 100, "others": 10, "rate": 0.1, "seconds": 90, "others_rate": 20.0},
        # The others' seconds: 0 to 2 before, 3 and 4 in the storm, 5 after it.
        "others_began": 1000.0, "killed": 1003.0, "resumed": 1005.0, "elsewhere": 0.01, "agreed": "TLS",
        "processor": {"calm_per_second": 0.5, "survivors": 5.0, "services": 1.0},
        "lean": {"agreed": "TLS", "processor_seconds": 2.5, "seconds": 0.7, "elsewhere": 0.02},
        "storm": {"counts": COUNTS | (counts or {}), "recovery": {"p50": 500.0, "p99": 1500.0, "max": 1900.0}},
        "others": {"counts": COUNTS | {"disconnected": 0} | (others or {}), "stretch_seconds": 1, "stretches": stretches},
    } | more


def record(*rounds, **more):
    return {"of": "abc", "date": "2026-01-01", "machine": "one", "build": "dist", "notes": [], "rounds": list(rounds) or [storm()]} | more


def with_lean(**more):
    return storm(lean=storm()["lean"] | more)


class Sums(unittest.TestCase):
    def test_a_storm_lasts_from_the_kill_until_the_last_is_back(self):
        self.assertEqual(report.storm_seconds(storm()), 2.0)

    def test_chats_that_would_have_been_anyway_are_no_cost_of_a_storm(self):
        self.assertEqual(report.gateways_processor_seconds(storm()), 4.0)
        busy = {"calm_per_second": 9.0, "survivors": 5.0, "services": 0.0}
        self.assertEqual(report.gateways_processor_seconds(storm(processor=busy)), 0.0)

    def test_gateways_are_compared_with_the_lean_server(self):
        self.assertEqual(report.ratio(storm()), 1.6, "4 s beside 2.5 s")

    def test_bystanders_are_told_by_the_seconds_before_and_in_the_storm(self):
        self.assertEqual(report.bystanders(storm()), (2.0, 50.0))
        self.assertEqual(report.bystanders(storm(killed=1000.0, resumed=1000.5)), (None, 1.0))

    def test_a_second_that_is_partly_in_the_storm_counts_as_one_of_it(self):
        self.assertEqual(report.bystanders(storm(killed=1003.5, resumed=1003.6)), (2.0, 50.0))


class Faults(unittest.TestCase):
    def setUp(self):
        self.judge = program().judge

    def test_a_storm_in_which_all_went_well_passes(self):
        self.judge(storm())

    def test_each_thing_that_goes_wrong_is_a_fault(self):
        for wrong in report.WRONGS:
            with self.assertRaisesRegex(Fault, f"in the storm: .*{wrong}"):
                self.judge(storm({wrong: 1}))
            with self.assertRaisesRegex(Fault, f"not concerned: .*{wrong}"):
                self.judge(storm(others={wrong: 1}))

    def test_somebody_who_has_not_come_back_is_a_fault(self):
        with self.assertRaisesRegex(Fault, "99 of 100 people have resumed"):
            self.judge(storm({"resumed": 99}))

    def test_somebody_cut_off_whose_gateway_lived_is_a_fault(self):
        with self.assertRaisesRegex(Fault, "1 of those not concerned were cut off"):
            self.judge(storm(others={"disconnected": 1}))

    def test_a_lean_server_that_shakes_hands_in_another_way_is_a_fault(self):
        with self.assertRaisesRegex(Fault, "gateways agree on TLS, the lean server on less"):
            self.judge(with_lean(agreed="less"))


class Lean(unittest.TestCase):
    def test_the_program_is_the_one_that_cargo_names(self):
        messages = [{"reason": "build-script-executed"}, {"executable": None, "target": {"name": "lean"}},
                    {"executable": "/x/lean", "target": {"name": "lean"}}, {"reason": "build-finished"}]
        self.assertEqual(lean.program_of("\n".join(map(json.dumps, messages))), "/x/lean")


class Machine(unittest.TestCase):
    def test_what_descends_from_this_run_is_ours(self):
        parents = {1: 0, 5: 1, 6: 5, 7: 1}
        self.assertEqual([pid for pid in parents if watch.descends(pid, parents, 5)], [5, 6])

    def test_our_own_work_is_not_that_of_others(self):
        with subprocess.Popen(["sleep", "60"]) as child:
            self.assertLess({os.getpid(), child.pid}, watch.our_ticks().keys() | {0})
            self.assertNotIn(os.getppid(), watch.our_ticks())
            child.kill()


class Page(unittest.TestCase):
    def test_the_table_has_all_figures_of_each_storm(self):
        told = "\n".join(report.table(record(storm({"lost": 7}), storm(resumed=1006.0))))
        for figure in ("| **2.0 s** | **3.0 s** |", "| 0.50 s | 0.50 s |", "| 1.50 s |", "| 1.90 s |", "| 4.0 s | 3.5 s |", "| 40000 µs | 35000 µs |",
                       "| 25000 µs |", "| **1.6 times** as much | **1.4 times** as much |", "| 0.7 s |", "| 2.0 ms |", "| 50.0 ms | 70.0 ms |",
                       "| 7, 0, 0, 0, 0 | 0, 0, 0, 0, 0 |", "| 1% | 1% |", "| 2% | 2% |"):
            self.assertIn(figure, told)

    def test_the_goal_is_met_only_by_all_storms(self):
        self.assertIn("is met**: 1.6 times with 100 people.", report.verdict(record(storm(), storm())))
        told = report.verdict(record(storm(), with_lean(processor_seconds=1.9)))
        self.assertIn("is missed**: 1.6 to 2.1 times with 100 people.", told)

    def test_what_weakens_a_run_is_said(self):
        self.assertNotIn("**The machine did", "\n".join(report.page(record())))
        for one in (storm(elsewhere=0.3), with_lean(elsewhere=0.3)):
            self.assertIn("**The machine did other work meanwhile**: up to 30%", "\n".join(report.page(record(storm(), one))))
        self.assertIn("no release build** (`debug`)", "\n".join(report.page(record(build="debug"))))
        self.assertIn("\nIt was late.\n", "\n".join(report.page(record(notes=["It was late."]))))

    def test_the_report_is_that_of_its_record(self):
        kept = json.loads((ROOT / "docs/reports/raw/storm.json").read_text(encoding="utf-8"))
        told = (ROOT / "docs/reports/storm.md").read_text(encoding="utf-8")
        self.assertEqual(told, "\n".join(report.page(kept)) + "\n")


if __name__ == "__main__":
    unittest.main()
