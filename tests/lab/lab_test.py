#!/usr/bin/env python3
"""What the lab makes of accounts: that nothing wrong is overlooked, and how recoveries are told."""

import argparse
import re
import sys
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "lib")]

import notes
import report
import scenarios
from crowd import COUNTS, LISTS, WRONGS, sum_of
from waiting import ROOT


def account(**more):
    return {count: 0 for count in COUNTS} | {name: [] for name in LISTS} | more


def result(**more):
    return {"name": "a fault", "kind": "network", "rounds": 1, "seconds": 9.0, "load": 1.0, "busy": 0.5, "failure": None, **account(), **more}


def facts(*results):
    return {"seed": 7, "pairs": 2, "rate": 1.0, "minutes": None, "versions": {"nginx": "1"}, "results": list(results)}


TOLD = argparse.Namespace(of="abc", date="2026-01-01", machine="one", notes=["a note"])


class Accounts(unittest.TestCase):
    def test_sums_have_all_that_is_wrong(self):
        for wrong in WRONGS:
            self.assertEqual(sum_of([account(), account(**{wrong: 2}), account(**{wrong: 1})])[wrong], 3)
        self.assertEqual(sum_of([account(recoveries=[1]), account(recoveries=[2])])["recoveries"], [1, 2])

    def test_each_wrong_is_in_the_line_the_report_and_the_page(self):
        for wrong in WRONGS:
            words = f"3 {wrong.replace('_', ' ')}"
            found = facts(result(**{wrong: 3}))
            self.assertIn(words, report.line(found["results"][0]))
            self.assertIn(f"- a fault: {words}", "\n".join(report.markdown(found, TOLD)))
            self.assertIn(words, report.page(found, ""))

    def test_a_failure_is_told_and_a_good_run_says_so(self):
        self.assertIn("- a fault: it broke", "\n".join(report.markdown(facts(result(failure="it broke")), TOLD)))
        good = "\n".join(report.markdown(facts(result(sent=5, recoveries=[10] * 99 + [3000])), TOLD))
        self.assertIn("Nothing.", good)
        self.assertIn("None.", good)

    def test_a_recovery_beyond_the_goal_is_named_and_that_of_nothing_is_not(self):
        slow = [100] * 90 + [5000] * 10
        self.assertIn("- a fault: p99 5.00 s", "\n".join(report.markdown(facts(result(recoveries=slow)), TOLD)))
        self.assertEqual(report.late([result(recoveries=slow, kind="none")]), [])

    def test_parts_of_a_run_are_one_by_kind(self):
        parts = [facts(result(name="one"), result(name="two", kind="time")), facts(result(name="three"), result(name="four", kind="none")) | {"seed": 8}]
        whole = report.together(parts)
        self.assertEqual([found["name"] for found in whole["results"]], ["four", "one", "three", "two"])
        self.assertEqual(whole["seed"], "7, 8")

    def test_notes_are_told_and_the_page_has_those_that_are_kept_for_it(self):
        self.assertIn("\n## Notes\n\n- a note\n\nPrograms: ", "\n".join(report.markdown(facts(result()), TOLD)))
        page = (ROOT / "docs/reports/resilience.md").read_text(encoding="utf-8")
        version = re.search(r"in version `(\w+)`", page)[1]
        self.assertEqual(notes.of_page(page), notes.read(report.NOTES, version))

    def test_percentiles(self):
        self.assertIsNone(report.percentile([], 0.5))
        values = list(range(1, 101))
        self.assertEqual([report.percentile(values, part) for part in (0.5, 0.99, 1.0)], [0.051, 0.1, 0.1])


class Choosing(unittest.TestCase):
    def test_names_kinds_words_and_the_short_form(self):
        self.assertEqual(len(scenarios.chosen(["short"])), 4)
        self.assertEqual([scenario.name for scenario in scenarios.chosen(["kill a gateway"])], ["kill a gateway"])
        self.assertGreater(len(scenarios.chosen(["network"])), 30)
        self.assertEqual(scenarios.chosen([]), scenarios.ALL)
        names = [scenario.name for scenario in scenarios.ALL]
        self.assertEqual(len(names), len(set(names)))
        with self.assertRaises(ValueError):
            scenarios.chosen(["no such"])


unittest.main()
