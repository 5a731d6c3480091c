"""Tests of `traces`, each on small files: `python3 tests/docs/traces_test.py`."""

import contextlib
import importlib.machinery
import importlib.util
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

# Loaded once: a process for each of so many small files would take minutes.
sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("traces", str(Path(__file__).with_name("traces")))
TRACES = importlib.util.module_from_spec(importlib.util.spec_from_loader("traces", LOADER))
LOADER.exec_module(TRACES)
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

const QUOTE: char = '"';
const ADDRESS: &str = "http://somewhere"; // A string that looks like a comment hides no test.
#[test] fn after_an_address() {}
"""
RUST_SILENT = '''
// #[test]
// fn line_by_line() {}
/* #[test]
fn as_a_block() {} */
/// ```
/// #[test]
/// fn in_its_papers() {}
/// ```
const TEXT: &str = r#" "
#[test]
fn in_a_string() {}
"#;
#[test]
#[ignore = "it fails [now]"]
fn ignored_below() {}
#[ignore]
#[tokio::test]
async fn ignored_above() {}
#[test]
#[cfg_attr(not(feature = "slow"), ignore)]
fn ignored_mostly() {}
#[test]
#[cfg(any())]
fn never_compiled() {}

macro_rules! silent {
    ($($name:ident)*) => { $(#[test] #[ignore] fn $name() {})* };
}

silent! {
    ignored_in_a_macro
}
'''
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
test('a server of its own', { skip: process.env.BASE_URL !== undefined && 'why' }, () => {});
"""
SCRIPT_SILENT = """
// test("line by line", () => {});
/* test("as a block", () => {}); */
test.skip("skipped by name", () => {});
test("skipped by a word", { skip: 'it fails' }, () => {});
test("skipped", { timeout: 3, skip: true }, () => {});
it("to be done", { todo: true }, () => {});
describe.skip("a group", () => { test("in a group ()", () => { run(")"); }); });
describe('another', { skip: true }, () => { test("in another group", () => {}); });
"""
PYTHON = """
class B(unittest.TestCase):
    def test_links(self):
        pass
    def helper_of_b(self):
        pass
    @unittest.skip("it fails")
    def test_skipped(self):
        pass
    # def test_commented_out(self):
    TEXT = '''
    def test_in_a_string(self):
    '''
"""


def run(folder):
    """The exit code of `traces` there, and the lines that it prints."""
    printed, code = io.StringIO(), 0
    with mock.patch.object(sys, "argv", ["traces", folder]), contextlib.redirect_stdout(printed):
        try:
            TRACES.main()
        except SystemExit as end:
            code = end.code
    return code, printed.getvalue().splitlines()


def check(requirements, threats="", required=""):
    """The exit code of `traces` where these are the documents and the rows that must be there, and the lines that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "docs/requirements.md": requirements,
            "docs/threat-model.md": threats,
            "tests/docs/required": f"# Of a test.\n\ndocs/requirements.md: {required}\n",
            "a.rs": RUST,
            "silent.rs": RUST_SILENT,
            "macro.rs": MACRO,
            "page.test.mjs": SCRIPT,
            "silent.test.mjs": SCRIPT_SILENT,
            "b_test.py": PYTHON,
        }
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return run(folder)


class Traces(unittest.TestCase):
    def finds(self, fault, requirements, required=""):
        self.assertEqual(check(requirements, required=required), (1, [fault]))

    def passes(self, requirements, names, required=""):
        self.assertEqual(check(requirements, required=required), (0, [f"{names} names of tests in 2 documents are those of tests"]))

    def test_tests_of_every_kind_are_found(self):
        self.passes(
            "[`a_chat_ends`](../a.rs) [`any_bytes_pass`](../a.rs) [`what_both_do`](../macro.rs) [`and_what_else`](../macro.rs)\n"
            "[“the page says why”](../page.test.mjs) [“nobody's text is lost”](../page.test.mjs) [`test_links`](../b_test.py)\n"
            "[“a server of its own”](../page.test.mjs) [`after_an_address`](../a.rs)\n",
            9,
        )

    def test_what_does_not_run_is_no_test(self):
        for file, names in [
            ("silent.rs", ["line_by_line", "as_a_block", "in_its_papers", "in_a_string"]),
            ("silent.rs", ["ignored_below", "ignored_above", "ignored_mostly", "never_compiled", "ignored_in_a_macro"]),
            ("b_test.py", ["test_skipped", "test_commented_out", "test_in_a_string"]),
        ]:
            for name in names:
                self.finds(f"docs/requirements.md:1: ../{file} has no test “{name}”", f"[`{name}`](../{file})\n")
        for name in [
            "line by line", "as a block", "skipped by name", "skipped by a word", "skipped", "to be done", "in a group ()", "in another group",
        ]:
            self.finds(f"docs/requirements.md:1: ../silent.test.mjs has no test “{name}”", f"[“{name}”](../silent.test.mjs)\n")

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

    def test_a_file_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run(folder), (1, ["tests/docs/required:1: it is not there"]))
            required = Path(folder, "tests/docs/required")
            required.parent.mkdir(parents=True)
            required.write_text("docs/other.md: F1\n")
            gone = [f"docs/{name}.md:1: it is not there" for name in ("requirements", "threat-model")]
            self.assertEqual(run(folder), (1, ["tests/docs/required:1: docs/other.md is none of the documents that are read", *gone]))

    def test_a_row_names_a_test_or_says_that_there_is_none(self):
        head = "| what | held by |\n|---|---|\n"
        self.passes(f"{head}| F1. one | [`a_chat_ends`](../a.rs) |\n| F2. two | not yet: nobody has written it |\n", 1, "F1 F2")
        self.passes(f"{head}| F3. three | [all of it](../tests/cluster/run) |\n| F4. four \\| five | no test can |\n", 0, "F3 F4")
        self.passes("| what | where |\n|---|---|\n| one | a.rs |\n", 0)
        for held in ["it is surely so", "[`a.rs`](../a.rs)", "[elsewhere](../docs/tests.md)", "[all of it](../tests/integration/relay.rs)"]:
            self.finds("docs/requirements.md:3: no test holds “F1. one”, and the row does not say so", f"{head}| F1. one | {held} |\n", "F1")

    def test_a_cell_that_says_nothing(self):
        head, test = "| what | built in | held by | what remains |\n|---|---|---|---|\n", "[`a_chat_ends`](../a.rs)"
        self.passes(f"{head}| F1. one | here | {test} | – |\n", 1, "F1")
        for built in ["", " ", "–", "…"]:
            self.finds("docs/requirements.md:3: “F1. one” says nothing as “built in”", f"{head}| F1. one | {built} | {test} | – |\n", "F1")
        self.finds("docs/requirements.md:3: “F1. one” says nothing as “what remains”", f"{head}| F1. one | here | {test} | |\n", "F1")
        self.assertIn(
            "docs/requirements.md:3: “F1. one” says nothing as “held by”", check(f"{head}| F1. one | here | | – |\n", required="F1")[1]
        )
        self.finds("docs/requirements.md:3: 3 cells in a table of 4: “F1. one”", f"{head}| F1. one | here | {test} |\n", "F1")

    def test_a_row_that_has_gone(self):
        head, row = "| what | held by |\n|---|---|\n", "| F1. one | [`a_chat_ends`](../a.rs) |\n"
        gone = "docs/requirements.md:1: the row F2 is missing"
        self.finds(gone, head + row, "F1 F2")
        hidden = "| F2. two | [`a_chat_ends`](../a.rs) |\n"
        self.assertIn(gone, check(f"{head}{row}<!--\n{hidden}-->\n", required="F1 F2")[1])
        self.assertIn(gone, check(f"{head}{row}```\n{hidden}```\n", required="F1 F2")[1])
        self.assertIn(gone, check(f"{head}{row}\n| what | shown by |\n|---|---|\n{hidden}", required="F1 F2")[1])

    def test_a_row_that_is_not_known_or_is_there_twice(self):
        head, row = "| what | held by |\n|---|---|\n", "| F1. one | [`a_chat_ends`](../a.rs) |\n"
        self.finds("docs/requirements.md:3: tests/docs/required does not know F1", head + row)
        self.finds("docs/requirements.md:4: F1 is there twice", head + row + row, "F1")
        self.finds("docs/requirements.md:3: “one” begins with no id, as in “F1. …”", head + row.replace("F1. ", ""))


if __name__ == "__main__":
    unittest.main()
