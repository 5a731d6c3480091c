"""Tests of `judge` and `remains`: one copy too many is a leak, wherever it is. `python3 tests/forgetting/judge_test.py`."""

import contextlib
import io
import sys
import unittest
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "operations"), str(HERE.parent / "lib")]

import judge
import remains
from moments import DELIVERED, ENDED, FORGOTTEN, GONE

LIST = f"""
[elsewhere]
nats = ["frame"]

[[remains]]
who = "gateway"
when = "{GONE}"
what = "room"
most = 3
on_stacks = 1
reason = "it is remembered"

[[remains]]
who = "serve"
when = "{ENDED}"
what = "address"
on_stacks = 2
reason = "a thread called it"

[[remains]]
who = "pairing"
when = "{GONE}"
what = "session"
most = 2
sometimes = true
reason = "it is overwritten"
"""


def found(counts, on_stacks=None):
    return SimpleNamespace(counts=Counter(counts), on_stacks=Counter(on_stacks or {}), size=0, of=lambda what: [what])


def one(name, when, counts, on_stacks=None):
    return {("alone", when, name): [found(counts, on_stacks)]}


class Leaks(unittest.TestCase):
    def setUp(self):
        self.known = remains.Known(LIST)

    def leaks(self, *told):
        return judge.leaks(one(*told), self.known)

    def test_as_many_as_are_known_are_no_leak_and_one_more_is(self):
        self.assertEqual(self.leaks("gateway-1", GONE, {"room": 3}, {"room": 1}), [])
        self.assertIn("gateway-1 (alone), 60 s after close: 4 of room, known are 3", self.leaks("gateway-1", GONE, {"room": 4})[0])
        self.assertIn("on stacks 2, known are 1", self.leaks("gateway-1", GONE, {"room": 3}, {"room": 2})[0])

    def test_what_is_known_to_lie_on_stacks_is_a_leak_elsewhere(self):
        self.assertEqual(self.leaks("serve", ENDED, {}, {"address": 2}), [])
        self.assertEqual(len(self.leaks("serve", ENDED, {"address": 1})), 1)

    def test_what_is_known_of_one_process_at_one_moment_is_a_leak_of_others_and_at_others(self):
        for told in [("serve", GONE, {"room": 1}), ("gateway-1", ENDED, {"room": 1}), ("gateway-2", GONE, {"session": 1})]:
            self.assertEqual(len(self.leaks(*told)), 1, told)

    def test_one_of_anything_else_is_a_leak_on_a_stack_too(self):
        for when, kinds in FORGOTTEN.items():
            for what in kinds:
                self.assertEqual(len(self.leaks("janitor-1", when, {what: 1})), 1, (when, what))
                self.assertEqual(len(self.leaks("janitor-1", when, {}, {what: 1})), 1, (when, what))

    def test_what_one_of_several_processes_has_is_a_leak(self):
        both = one("gateway-1", GONE, {"room": 1}) | one("gateway-2", GONE, {"room": 4})
        self.assertEqual(len(judge.leaks(both, self.known)), 1)

    def test_what_is_not_found_any_more_is_told_unless_it_is_overwritten_or_on_stacks(self):
        self.assertEqual(judge.gone(one("gateway-1", GONE, {"room": 1}), self.known), [])
        told = judge.gone(one("gateway-1", GONE, {}, {"room": 1}), self.known)
        self.assertEqual(told, ["gateway, 60 s after close: no room remains any more: take it out of remains.toml"])

    def test_what_people_look_for_is_searched_for_as_soon_as_they_have_met(self):
        for what in ("topic", "invite"):
            self.assertIn(what, FORGOTTEN[DELIVERED])


class Elsewhere(unittest.TestCase):
    def wrong(self, name, counts):
        story = SimpleNamespace(measured=one(name, GONE, counts))
        with mock.patch.object(remains, "known", lambda: remains.Known(LIST)), contextlib.redirect_stdout(io.StringIO()):
            return judge.others(story)

    def test_nats_may_keep_what_is_known_of_it_and_nothing_of_another_kind(self):
        self.assertEqual(self.wrong("nats-1", {"frame": 70}), [])
        self.assertEqual(self.wrong("nats-1", {"frame": 70, "token": 1}), ["nats-1 (alone), 60 s after close: token, which is not known of it"])

    def test_nginx_may_keep_anything(self):
        self.assertEqual(self.wrong("nginx", {"token": 70}), [])


class Table(unittest.TestCase):
    def test_the_threat_model_says_what_is_listed(self):
        document = remains.DOCUMENT.read_text(encoding="utf-8")
        self.assertEqual(remains.with_table(document, remains.known().table()), document)

    def test_another_number_is_another_table(self):
        self.assertIn("| gateway | 60 s after close | ids of rooms | 3 | 1 | it is remembered |", remains.Known(LIST).table())
        document = f"before\n{remains.BEGIN}\n{remains.END}\nafter\n"
        right = remains.with_table(document, remains.Known(LIST).table())
        self.assertTrue(right.startswith("before\n") and right.endswith("\nafter\n"))
        other = remains.Known(LIST.replace("most = 3", "most = 4"))
        self.assertNotEqual(remains.with_table(right, other.table()), right)

    def test_a_list_that_says_something_twice_or_nothing_is_refused(self):
        entry = f'[[remains]]\nwho = "serve"\nwhen = "{GONE}"\nwhat = "room"\nreason = "so"\n'
        for wrong in [entry, entry + "most = 0\n", f"{entry}most = 1\n" * 2, entry + "most = 1\nlimit = 2\n"]:
            with self.assertRaises(ValueError, msg=wrong):
                remains.Known(wrong)

    def test_what_is_listed_is_looked_for(self):
        for who, when, what in remains.known().remains:
            self.assertIn(what, FORGOTTEN[when], (who, when))


if __name__ == "__main__":
    unittest.main()
