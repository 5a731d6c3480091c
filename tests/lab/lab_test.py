#!/usr/bin/env python3
"""What the lab makes of accounts: that nothing wrong is overlooked, and how recoveries are told."""

import argparse
import random
import re
import sys
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from unittest import mock

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "lib")]

import crowd
import faults
import notes
import report
import scenarios
from crowd import COUNTS, LISTS, WRONGS, sum_of
from waiting import ROOT, Fault

_loader = SourceFileLoader("run", str(Path(__file__).with_name("run")))
run = module_from_spec(spec_from_loader("run", _loader))
_loader.exec_module(run)


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

    def test_each_scenario_says_whether_it_meets_the_goal(self):
        fast, slow = result(recoveries=[100]), result(recoveries=[5000])
        none, baseline = result(), result(kind="none", recoveries=[5000])
        self.assertEqual([report.verdict(found) for found in (fast, slow, none, baseline)], ["met", "missed", "–", "–"])
        page = "\n".join(report.markdown(facts(fast, fast, slow, none, baseline), TOLD))
        self.assertIn("2 scenarios meet it, 1 miss it, and in 1 nothing", page)
        self.assertIn("| 5.00 s | missed |", page)

    def test_too_few_texts_are_named(self):
        page = "\n".join(report.markdown(facts(result(name="short", sent=9_999), result(name="long", sent=10_000)), TOLD))
        self.assertIn("\n- short: 9,999\n", page)
        self.assertNotIn("- long", page)
        self.assertIn("| 9,999 (too few) |", page)
        self.assertIn("| 10,000 |", page)

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


    def test_every_fault_of_the_design_is_there(self):
        names = {scenario.name for scenario in scenarios.ALL}
        whom = ["a gateway", "all gateways", "a NATS node", "all of NATS", "a pairing node", "all pairing nodes", "a janitor", "all janitors"]
        for who in whom:
            for fault in ("kill {}", "kill {}, away 10 s", "pause {} 5 s", "pause {} 8 s", "pause {} 20 s", "drain {}"):
                self.assertIn(fault.format(who), names)
        self.assertLessEqual({"all of NATS gone 5 s", "all of NATS gone 30 s", "pause all of NATS 30 s", "reload Nginx", "kill an Nginx worker"}, names)
        for link in ("NATS–NATS", "gateway–NATS", "gateway–its NATS node", "Nginx–gateway", "client–Nginx"):
            for seconds in (1, 6, 15, 30):
                self.assertLessEqual({f"cut {link} {seconds} s", f"one way {link} {seconds} s"}, names)
            self.assertLessEqual({f"5 % loss {link}", f"200 ms {link}"}, names)

    def test_what_is_drawn_from_has_processes_the_network_and_clocks(self):
        names = [name for name, _, _ in scenarios.healing()]
        self.assertEqual(len(names), len(set(names)))
        for word in ("kill", "away", "pause", "drain", "all gateways", "Nginx worker", "cut", "one way", "loss", "200 ms", "starts +120", "steps -120"):
            self.assertTrue(any(word in name for name in names), word)


class Lasting(unittest.TestCase):
    """How long, how often, and with how many texts."""

    def told(self, **more):
        return argparse.Namespace(**{"texts": 10_000, "pairs": 40, "rate": 6.0, "minutes": None, "chosen": scenarios.ALL} | more)

    def test_the_time_is_shared_and_what_one_takes_longer_the_others_have_less(self):
        clock = [0.0]
        chosen = [scenarios.Scenario(f"{place}", "network", None, 10) for place in range(4)]
        spans = []
        for scenario, seconds in run.plan(self.told(texts=0, minutes=2, chosen=chosen), lambda: clock[0]):
            if scenario is not scenarios.BASELINE:
                spans.append(seconds)
                clock[0] += seconds + (9 if len(spans) == 1 else 0)
        self.assertEqual(spans, [30, 27, 27, 27])

    def test_without_a_time_each_is_as_long_as_its_texts_take(self):
        spans = [seconds for _, seconds in run.plan(self.told())]
        self.assertTrue(all(seconds * 480 >= 10_000 for seconds in spans))
        self.assertEqual(max(seconds for _, seconds in run.plan(self.told(texts=0)) if seconds != scenarios.BASELINE.seconds), 0)

    def lab(self):
        with mock.patch.object(run, "Crowd"):
            return run.Lab(mock.Mock(), argparse.Namespace(people="", other=None, pairs=1, rate=1))

    def scenario(self, sent):
        return scenarios.Scenario("one", "network", lambda lab, seconds: [account(sent=sent)], 1)

    def test_a_scenario_goes_on_until_it_has_its_texts_or_nobody_writes(self):
        self.assertEqual(self.lab().run(self.scenario(400), 1, 1000)["sent"], 1200)
        self.assertEqual(self.lab().run(self.scenario(400), 1, 0)["sent"], 400)
        silent = self.lab().run(self.scenario(0), 1, 1000)
        self.assertEqual(silent["sent"], 0)
        self.assertTrue(run.is_wrong(silent, 1000))
        self.assertFalse(run.is_wrong(silent, 0))

    def test_what_came_before_a_failure_is_kept(self):
        lab, answers = self.lab(), [[account(sent=4, lost=1)], Fault("it broke")]
        lab.pairs.report.return_value = account(sent=2)
        scenario = scenarios.Scenario("one", "network", mock.Mock(side_effect=answers), 1)
        found = lab.run(scenario, 1, 1000)
        self.assertEqual((found["sent"], found["lost"], found["failure"]), (6, 1, "it broke"))

    def test_many_arrive_one_crowd_after_the_other(self):
        with mock.patch.object(crowd, "Crowd", side_effect=lambda system, people, kind, count, rate: count):
            self.assertEqual(list(crowd.arrivals(None, None, "pairs", 450, 1)), [200, 200, 50])
            self.assertEqual(list(crowd.arrivals(None, None, "churn", 200, 1)), [200])


class Faults(unittest.TestCase):
    def test_one_way_takes_turns(self):
        system = mock.Mock(random=random.Random(1))
        strike = faults.cut_one_way("here")
        with mock.patch.dict(faults.LINKS, here=lambda _: [("a", "1", "b", "2")]):
            for _ in range(4):
                strike(system)()
        mute = [drop.args[0] for drop in system.network.drop.call_args_list]
        self.assertIn(mute, [["a", "b"] * 2, ["b", "a"] * 2])

    def test_of_many_each_is_another_and_lasts_as_long_as_it_should(self):
        now, told = [0.0], []

        def fault(place):
            def strike(_):
                told.append((place, now[0]))
                return lambda: told.append((place, now[0]))
            return strike
        system = mock.Mock(random=random.Random(7), processes={})
        time = mock.Mock(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
        with mock.patch.object(faults, "time", time), mock.patch("builtins.print"):
            faults.many(10, 25, [(f"{place}", fault(place), 20) for place in range(12)])(system)()
        self.assertEqual(len({place for place, _ in told}), 10)
        for place, _ in told:
            began, ended = [at for other, at in told if other == place]
            self.assertLess(began, 25)
            self.assertAlmostEqual(ended, began + 20)

    def test_what_fails_among_many_leaves_nothing_broken(self):
        mended, failing = [], lambda _: (_ for _ in ()).throw(Fault("it broke"))
        of = [("cut", lambda _: lambda: mended.append("cut"), 1000), ("fail", failing, 0)]
        system = mock.Mock(random=mock.Mock(sample=lambda of, count: of, uniform=mock.Mock(side_effect=[1, 2])))
        with mock.patch.object(faults, "time", mock.Mock(monotonic=lambda: 0)), mock.patch("builtins.print"), self.assertRaises(Fault):
            faults.many(2, 25, of)(system)
        self.assertEqual(mended, ["cut"])

    def test_afterwards_no_clock_is_wrong_and_everything_runs(self):
        right, wrong = mock.Mock(more={}), mock.Mock(more={"FAKETIME": "x"})
        faults.all_as_before(mock.Mock(processes={"right": right, "wrong": wrong}))
        wrong.again.assert_called_once_with()
        right.again.assert_not_called()
        right.start.assert_called_once_with()


unittest.main()
