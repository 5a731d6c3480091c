"""Tests of `workflows`, each on small files: `python3 tests/docs/workflows_test.py`."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WORKFLOWS = Path(__file__).with_name("workflows")
FILES = {
    "tests/lib/needs.sh": "# The parts.\nparts=(rust docs\n    fuzz)\ndeclare -A first_time=([rust]=9)\n",
    "docs/testing.md": "## The parts\n\n| part | what |\n|---|---|\n| `rust` | a |\n| `docs` | b |\n| `fuzz` | c |\n\n## More\n\n| `none` | d |\n",
    ".ci/nightly": "# PART is long, fuzz\n# or lab. Without one, all run.\nneeds=([long]=rust)\nnight=(long fuzz lab)\n",
    ".github/workflows/ci.yml": "    strategy:\n      matrix:\n        checks: [lints, rust docs, fuzz]\n",
    ".github/workflows/nightly.yml": "      matrix:\n        part: [long, fuzz, lab]\n",
}


def check(name=None, old=None, new=None):
    """The exit code of `workflows` where one file says something else, and the lines that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        for file, text in FILES.items():
            if file == name:
                assert old in text
                text = text.replace(old, new)
            path = Path(folder, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, WORKFLOWS, folder], stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.splitlines()


class Workflows(unittest.TestCase):
    def finds(self, fault, name, old, new):
        self.assertEqual(check(name, old, new), (1, [fault]))

    def test_all_that_agree(self):
        self.assertEqual(check(), (0, ["3 parts and 3 of the night are the same everywhere"]))

    def test_a_part_that_no_job_runs(self):
        self.finds(".github/workflows/ci.yml: “docs” is missing", ".github/workflows/ci.yml", "rust docs", "rust")
        self.finds(".github/workflows/ci.yml: “lints” is missing", ".github/workflows/ci.yml", "lints, ", "")
        self.finds(".github/workflows/nightly.yml: “fuzz” is missing", ".github/workflows/nightly.yml", "fuzz, ", "")

    def test_a_job_of_a_part_that_is_not_there(self):
        self.finds(".github/workflows/ci.yml: there is no part “old”", ".github/workflows/ci.yml", "fuzz", "fuzz, old")
        self.finds(".github/workflows/nightly.yml: there is no part “old”", ".github/workflows/nightly.yml", "lab", "lab, old")

    def test_a_part_that_runs_twice(self):
        self.finds(".github/workflows/ci.yml: “rust” is there 2 times", ".github/workflows/ci.yml", "fuzz", "fuzz rust")

    def test_papers_that_do_not_name_a_part(self):
        self.finds("docs/testing.md: “docs” is missing", "docs/testing.md", "| `docs` | b |\n", "")
        self.finds(".ci/nightly: “fuzz” is missing", ".ci/nightly", "# PART is long, fuzz", "# PART is long")

    def test_a_list_that_cannot_be_found(self):
        self.finds(".github/workflows/ci.yml: 0 places look like the list of parts, not one", ".github/workflows/ci.yml", "checks:", "others:")
        self.finds("tests/lib/needs.sh: 2 places look like the list of parts, not one", "tests/lib/needs.sh", "# The parts.", "parts=(rust)")


if __name__ == "__main__":
    unittest.main()
