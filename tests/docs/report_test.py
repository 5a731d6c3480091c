"""Tests of `report`: `python3 tests/docs/report_test.py`."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/lib"))

import notes as notes_of

REPORT = Path(__file__).with_name("report")
GOOD = "== a\n-- a: passed in 1 s\n"
RUN = """
== what the tests need
-- what the tests need: passed in 0 s

== everything in Rust
        PASS [   0.119s] (1/3) gateway a
        FAIL [  33.389s] (  2/3) cipher-chat::integration integration::b
────────────
     Summary [  18.532s] 3 tests run: 2 passed, 1 failed, 131 skipped
        FAIL [  33.389s] (  2/3) cipher-chat::integration integration::b
-- everything in Rust: FAILED after 20 s
-- cargo deny: advisories: SKIPPED ADVISORIES NOT CHECKED: no database

== examples
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
-- examples: passed in 3 s

== modules of the page
\x1b[31m✖ the page says why (12.3ms)\x1b[39m
ℹ pass 142
ℹ fail 1
✖ failing tests:
-- modules of the page: FAILED after 6 s

== the check of links
Ran 16 tests in 4.626s
-- the check of links: passed in 5 s

== Autobahn cases
 298 OK
   3 INFORMATIONAL
 216 UNIMPLEMENTED
517 cases: 16 of 1.*, 11 of 2.*
"""


def report(*logs, notes=None, of="abc1234"):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, log in enumerate(logs):
            paths.append(Path(folder, f"{number}.log"))
            paths[-1].write_text(log)
        file = Path(folder, "notes.toml")
        if notes is not None:
            file.write_text(notes)
        done = subprocess.run(
            [sys.executable, REPORT, "--of", of, "--date", "2026-11-26", "--machine", "a small one", "--notes", file, *paths],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        return done.returncode, done.stdout.splitlines()


class Report(unittest.TestCase):
    def test_the_report_says_what_the_run_said(self):
        code, lines = report(RUN)
        self.assertEqual(code, 0)
        self.assertIn("| what the tests need | passed | – | in 0 s |", lines)
        self.assertIn("| everything in Rust | failed | 2 passed, 1 failed | after 20 s |", lines)
        self.assertIn("| cargo deny: advisories | skipped | – | ADVISORIES NOT CHECKED: no database |", lines)
        self.assertIn("| examples | passed | 3 passed | in 3 s |", lines)
        self.assertIn("| modules of the page | failed | 142 passed, 1 failed | after 6 s |", lines)
        self.assertIn("| the check of links | passed | 16 passed | in 5 s |", lines)
        self.assertIn("**3 checks passed, 2 failed, 1 skipped, 1 cut off; 461 tests passed, 2 failed.**", lines)

    def test_failures_are_named_once(self):
        _, lines = report(RUN)
        self.assertEqual(lines.count("- cipher-chat::integration integration::b (everything in Rust)"), 1)
        self.assertEqual(lines.count("- the page says why (modules of the page)"), 1)
        self.assertEqual([line for line in lines if "failing tests" in line], [])

    def test_what_the_log_breaks_off_in_is_cut_off(self):
        _, lines = report(RUN)
        self.assertIn("| Autobahn cases | cut off | 298 passed |  |", lines)

    def test_of_two_logs_the_later_result_counts(self):
        again = "== everything in Rust\n     Summary [ 1.0s] 3 tests run: 3 passed, 0 skipped\n-- everything in Rust: passed in 1 s\n"
        _, lines = report(RUN, again)
        self.assertIn("| everything in Rust | passed | 3 passed | in 1 s |", lines)
        self.assertEqual([line for line in lines if "integration::b" in line], [])

    def test_notes_are_shown(self):
        _, lines = report(GOOD, notes='of = "abc1234"\nnotes = ["""\nwhy it\nfailed""", "and more"]\n')
        self.assertEqual(lines[-4:], ["## Notes", "", "- why it failed", "- and more"])
        self.assertNotIn("## Notes", report(GOOD)[1])

    def test_notes_of_another_version_are_refused(self):
        told = 'of = "abc1234"\nnotes = ["why"]\n'
        self.assertEqual(report(GOOD, notes=told, of="def5678"), (2, []))
        self.assertEqual(report(GOOD, notes=told)[0], 0)

    def test_what_are_no_notes_is_refused(self):
        for wrong in ['of = "abc1234"', 'of = "abc1234"\nnotes = "why"', 'of = "abc1234"\nnotes = []\nnote = "why"', "of ="]:
            self.assertEqual(report(GOOD, notes=wrong)[0], 2, wrong)

    def test_the_page_has_the_notes_that_are_kept_for_it(self):
        page = (ROOT / "docs/reports/integration-test.md").read_text(encoding="utf-8")
        version = re.search(r"of version `(\w+)`", page)[1]
        kept = notes_of.read(ROOT / "docs/reports/raw/integration-test.toml", version)
        self.assertEqual(notes_of.of_page(page) if kept else [], kept)
        self.assertEqual("## Notes" in page, bool(kept))

    def test_what_is_no_log_is_refused(self):
        self.assertEqual(report("nothing of the kind\n")[0], 2)


if __name__ == "__main__":
    unittest.main()
