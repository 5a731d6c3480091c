"""Tests of `traces`, each on small files: `python3 tests/docs/traces_test.py`."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TRACES = Path(__file__).with_name("traces")
RUST = """
#[tokio::test(start_paused = true)]
// With a reason.
#[expect(clippy::unwrap_used)]
async fn a_chat_ends() {}

#[cfg(test)]
fn a_helper_of_tests() {}

proptest! {
    #[test]
    fn any_bytes_pass(bytes in any::<u8>()) {}
}
"""
MACRO = """
macro_rules! on_both {
    ($($behaviour:ident)*) => { $(#[tokio::test] async fn $behaviour() {})* };
}

on_both! {
    what_both_do
    and_what_else
}

vec_like! { not_a_test }
"""
SCRIPT = """
test("the page says why", async () => {});
it('nobody\\'s text is lost', () => {});
const text = "this is no test";
"""


def check(requirements, threats=""):
    """The exit code of `traces` where these are the documents, and the lines that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "docs/requirements.md": requirements,
            "docs/threat-model.md": threats,
            "a.rs": RUST,
            "macro.rs": MACRO,
            "page.test.mjs": SCRIPT,
            "b_test.py": "class B:\n    def test_links(self):\n        pass\n    def helper_of_b(self):\n        pass\n",
        }
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, TRACES, folder], stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.splitlines()


class Traces(unittest.TestCase):
    def finds(self, fault, requirements):
        self.assertEqual(check(requirements), (1, [fault]))

    def passes(self, requirements, names):
        self.assertEqual(check(requirements), (0, [f"{names} names of tests in 2 documents are those of tests"]))

    def test_tests_of_every_kind_are_found(self):
        self.passes(
            "[`a_chat_ends`](../a.rs) [`any_bytes_pass`](../a.rs) [`what_both_do`](../macro.rs) [`and_what_else`](../macro.rs)\n"
            "[“the page says why”](../page.test.mjs) [“nobody's text is lost”](../page.test.mjs) [`test_links`](../b_test.py)\n",
            7,
        )

    def test_what_is_no_test_is_not_one(self):
        for name, file in [("a_helper_of_tests", "a.rs"), ("not_a_test", "macro.rs"), ("helper_of_b", "b_test.py"), ("no_such_thing", "a.rs")]:
            self.finds(f"docs/requirements.md:1: ../{file} has no test “{name}”", f"[`{name}`](../{file})\n")
        self.finds(
            "docs/requirements.md:2: ../page.test.mjs has no test “this is no test”",
            "\n[“this is no test”](../page.test.mjs)\n",
        )

    def test_a_test_that_has_moved(self):
        self.finds("docs/requirements.md:1: ../macro.rs has no test “a_chat_ends”", "[`a_chat_ends`](../macro.rs)\n")
        self.finds("docs/requirements.md:1: ../gone.rs has no test “a_chat_ends”", "[`a_chat_ends`](../gone.rs)\n")

    def test_a_sentence_without_a_link(self):
        self.finds("docs/requirements.md:1: “the page says why” is no link to a test", "“the page says why”\n")

    def test_other_links_are_no_tests(self):
        self.passes("[`a.rs`](../a.rs) [`tests`](../a.rs) [a_chat](../a.rs) `a_word_alone`\n```\n“in code”\n```\n", 0)

    def test_both_documents_are_checked(self):
        self.assertEqual(check("", "[`gone_by`](../a.rs)\n"), (1, ["docs/threat-model.md:1: ../a.rs has no test “gone_by”"]))

    def test_a_document_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, TRACES, folder], stdout=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1)

    def test_a_row_names_a_test_or_says_that_there_is_none(self):
        head = "| what | held by |\n|---|---|\n"
        self.passes(f"{head}| one | [`a_chat_ends`](../a.rs) |\n| two | not yet: nobody has written it |\n", 1)
        self.passes(f"{head}| three | [all of it](../tests/cluster/run) |\n| four \\| five | no test can |\n", 0)
        self.passes("| what | where |\n|---|---|\n| one | a.rs |\n", 0)
        for held in ["", "it is surely so", "[`a.rs`](../a.rs)", "[elsewhere](../docs/tests.md)"]:
            self.finds("docs/requirements.md:3: no test holds “one”, and the row does not say so", f"{head}| one | {held} |\n")


if __name__ == "__main__":
    unittest.main()
