"""Tests of `versions`, each in a small repository: `python3 tests/docs/versions_test.py`."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

VERSIONS = Path(__file__).with_name("versions")
ALONE = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(root, *arguments):
    return subprocess.run(["git", "-C", root, *arguments], check=True, stdout=subprocess.PIPE, env=ALONE, text=True).stdout.strip()


def commit(root, text):
    """A commit whose name has a letter and a digit, as nearly all have."""
    git(root, "commit", "--quiet", "--allow-empty", "--message", text)
    name = git(root, "rev-parse", "HEAD")
    return name if any(digit in name[:7] for digit in "abcdef") and any(digit in name[:7] for digit in "0123456789") else commit(root, text + ".")


def versions(*words):
    done = subprocess.run([sys.executable, VERSIONS, *words], stdout=subprocess.PIPE, env=ALONE, text=True)
    return done.returncode, done.stdout.splitlines()


class Versions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name, "repository")
        self.root.mkdir()
        git(self.root, "init", "--quiet", "--initial-branch", "main")
        self.first = commit(self.root, "first")
        git(self.root, "checkout", "--quiet", "-b", "aside")
        self.aside = commit(self.root, "aside")
        git(self.root, "checkout", "--quiet", "main")
        self.last = commit(self.root, "last")

    def finds(self, text, *faults, name="a.md"):
        Path(self.root, name).parent.mkdir(parents=True, exist_ok=True)
        Path(self.root, name).write_text(text)
        self.assertEqual(versions(self.root), (1, [f"{name}:{fault} is no version of this history" for fault in faults]))

    def test_versions_of_the_history(self):
        Path(self.root, "a.md").write_text(f"`{self.first[:7]}` and `{self.last}`, `1234567`, `defaced`, `a1b2c3`, a1b2c3d4\n")
        self.assertEqual(versions(self.root), (0, ["2 versions that documents name were looked for in the history"]))

    def test_a_version_that_is_nowhere(self):
        self.finds("\nof `0a1b2c3`\n", "2: `0a1b2c3`", name="docs/reports/a.md")

    def test_a_version_of_a_branch_that_was_not_merged(self):
        self.finds(f"of `{self.first[:7]}` and `{self.aside[:7]}`\n", f"1: `{self.aside[:7]}`")

    def test_a_report_that_is_to_be_written_again(self):
        report = Path(self.root, "docs/reports/integration-test.md")
        report.parent.mkdir(parents=True)
        report.write_text("of `0a463f0`\n")
        code, printed = versions(self.root)
        self.assertEqual((code, printed[0]), (0, "LEFT: docs/reports/integration-test.md:1: `0a463f0` is no version of this history"))
        report.unlink()
        self.finds("of `0a463f0`\n", "1: `0a463f0`", name="docs/reports/other.md")

    def test_a_shallow_clone_says_that_it_cannot_tell(self):
        shallow = self.root.parent / "shallow"
        git(self.root.parent, "clone", "--quiet", "--depth", "1", f"file://{self.root}", shallow)
        self.assertEqual(versions("--able", self.root), (0, []))
        self.assertEqual(versions("--able", shallow), (77, ["this is a shallow clone: git fetch --unshallow"]))
        self.assertEqual(versions(shallow)[0], 77)
        self.assertEqual(versions("--able", self.root.parent), (77, ["there is no history here"]))


if __name__ == "__main__":
    unittest.main()
