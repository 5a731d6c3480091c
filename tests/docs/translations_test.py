"""Tests of `translations`: `python3 tests/docs/translations_test.py`."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TRANSLATIONS = Path(__file__).with_name("translations")
ENGLISH = "# A page\n"
DIGEST = hashlib.sha256(ENGLISH.encode()).hexdigest()[:16]


def run(page, *words, script=TRANSLATIONS, english=ENGLISH):
    """What `translations` says of one page, and the page afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "docs/ko").mkdir(parents=True)
        (root / "tests/docs").mkdir(parents=True)
        (root / "README.md").write_text(english)
        korean = root / "docs/ko/README.md"
        korean.write_text(page)
        if words:
            script = shutil.copy(TRANSLATIONS, root / "tests/docs/translations")
        done = subprocess.run([sys.executable, script, *(words or [root]), *([korean] if words else [])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.splitlines(), korean.read_text()


class Translations(unittest.TestCase):
    def test_a_page_of_the_text_of_today(self):
        self.assertEqual(run(f"<!-- of README.md, sha256 {DIGEST} -->\n# 페이지\n")[:2], (0, ["1 translations, 0 of a text that has changed since"]))

    def test_a_page_of_an_older_text_is_listed_and_is_no_fault(self):
        code, lines, _ = run(f"<!-- of README.md, sha256 {'0' * 16} -->\n# 페이지\n")
        self.assertEqual(code, 0)
        self.assertEqual(lines[0], "STALE docs/ko/README.md: its English text has changed since it was translated")

    def test_a_page_that_does_not_say_of_what_it_is(self):
        for first in ["# 페이지", f"<!-- of README.md, sha256 {DIGEST} -->\u3000", "<!-- of README.md -->", ""]:
            self.assertEqual(run(f"{first}\n")[:2], (1, ["docs/ko/README.md:1: its first line does not say of which English text it is"]))

    def test_a_page_of_nothing(self):
        self.assertEqual(run(f"<!-- of GONE.md, sha256 {DIGEST} -->\n")[:2], (1, ["docs/ko/README.md:1: there is no GONE.md"]))

    def test_a_page_that_was_brought_up_to_date_is_stamped(self):
        code, _, page = run("<!-- of README.md, sha256 0000000000000000 -->\n# 페이지\n", "--stamp")
        self.assertEqual((code, page), (0, f"<!-- of README.md, sha256 {DIGEST} -->\n# 페이지\n"))
        self.assertNotEqual(run("# 페이지\n", "--stamp")[0], 0)


if __name__ == "__main__":
    unittest.main()
