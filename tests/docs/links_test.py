"""Tests of `links`, each on a small repository: `python3 tests/docs/links_test.py`."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LINKS = Path(__file__).with_name("links")


def check(files):
    """The exit code of `links` in a repository with these files, and the lines that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "-q", folder], check=True)
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, LINKS, folder], stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.splitlines()


class Links(unittest.TestCase):
    def finds(self, fault, files):
        self.assertEqual(check(files), (1, [fault]))

    def passes(self, files):
        code, lines = check(files)
        self.assertEqual(code, 0, lines)

    def test_good_links_of_every_kind_pass(self):
        self.passes({
            "README.md": "# Read me\n[a](docs/a.md) [b](docs/a.md#two-words) [c](#read-me) [d](docs) [e](<docs/a b.md>) ![p](docs/p.svg 'x')\n"
            "[f](docs/a%20b.md) [g][ref] [ref][] [h](https://example.org/none) [i](mailto:a@b) <img src=\"docs/p.svg\">\n\n[ref]: docs/a.md\n",
            "docs/a.md": "# A\n## Two `words`\n[up](../README.md#read-me)\n",
            "docs/a b.md": "",
            "docs/p.svg": "<svg/>",
        })

    def test_a_file_that_is_not_there(self):
        self.finds("README.md:2: docs/b.md: there is no docs/b.md", {"README.md": "\n[b](docs/b.md)\n"})
        self.finds("README.md:1: p.png: there is no p.png", {"README.md": "<img alt='x' src='p.png'>\n"})
        self.finds("README.md:3: b.md: there is no b.md", {"README.md": "[b][b]\n\n[b]: b.md\n"})

    def test_the_case_of_letters_counts(self):
        self.finds("README.md:1: A.md: there is no A.md", {"README.md": "[a](A.md)\n[b](a.md)\n", "a.md": ""})

    def test_an_ignored_file_is_not_there(self):
        self.finds("a.md:1: b.md: there is no b.md", {"a.md": "[b](b.md)\n", "b.md": "", ".gitignore": "b.md\n"})

    def test_a_way_out_of_the_repository(self):
        self.finds("README.md:1: ../x.md leads out of the repository", {"README.md": "[x](../x.md)\n"})

    def test_an_anchor_without_a_heading(self):
        self.finds("a.md:1: #two: a.md has no heading for #two", {"a.md": "[x](#two)\n# One\n"})
        self.finds("a.md:1: b.md#two: b.md has no heading for #two", {"a.md": "[x](b.md#two)\n", "b.md": "```\n# Two\n```\n"})

    def test_headings_with_one_name_are_numbered(self):
        text = "# A, b: `c` & d!\n# A, b: `c` & d!\n[x](#a-b-c--d) [y](#a-b-c--d-1) [z](#a-b-c--d-2)\n"
        self.finds("a.md:3: #a-b-c--d-2: a.md has no heading for #a-b-c--d-2", {"a.md": text})

    def test_an_anchor_in_html(self):
        self.passes({"a.md": "<a id=\"here\"></a>\n[x](#here)\n"})

    def test_a_reference_without_a_definition(self):
        self.finds("a.md:1: [none] is not defined", {"a.md": "[text][none]\n"})

    def test_a_document_that_nothing_leads_to(self):
        self.finds("b.md:1: no links lead here from README.md", {"README.md": "[a](a.md)\n", "a.md": "", "b.md": "[a](a.md)\n"})
        self.passes({"README.md": "[a](docs/a.md#a)\n", "docs/a.md": "# A\n[more](more)\n", "docs/more/b.md": "", ".github/c.md": ""})

    def test_code_is_not_prose(self):
        self.passes({"a.md": "`[x](none.md)` ``a ` [y](none.md)``\n\n```md\n[x](none.md)\n```\n\n> ~~~\n> [z](none.md)\n> ~~~\n"})

    def test_a_path_in_code_that_is_not_there(self):
        files = {"src/a.rs": "", "README.md": "`src/a.rs` `src/` `target/b` `a/b` [c](docs/c.md)\n", "docs/c.md": "`../src/a.rs` `src/b.rs`\n"}
        self.finds("docs/c.md:1: `src/b.rs`: there is no such file", files)

    def test_a_path_that_is_made_by_a_tool(self):
        self.passes({".gitignore": "/src/.cache/\n", "src/a.rs": "", "README.md": "`src/.cache/x`\n"})

    def test_addresses_of_package_registries(self):
        for host, path in [
            ("crates" + ".io", "/crates/serde"),
            ("docs" + ".rs", "/serde"),
            ("pypi" + ".org", "/project/x"),
            ("www.npmjs" + ".com", ""),
            ("registry.npmjs" + ".org", "/x/-/x.tgz"),
            ("files.pythonhosted" + ".org", "/x"),
        ]:
            for text in [f"https://{host}{path}", f"// see HTTP://{host}{path}", f"'{host}/x'", f"//{host}{path}", f"sparse+https://index.{host}/"]:
                code, lines = check({"a.rs": f"\n{text}\n"})
                self.assertEqual((code, len(lines)), (1, 1), text)
                self.assertTrue(lines[0].startswith("a.rs:2: leads to a package registry"), lines)

    def test_names_that_only_resemble_a_registry(self):
        names = ["crates" + ".io-index", "my-docs" + ".rs/x", "docs" + ".rs", "docs" + ".rs.example.org/x", "src/docs" + ".rs", "a.docs" + ".rsx/y"]
        self.passes({"a.txt": "".join(f"{name}\nhttps://example.org/{name}\n" for name in names)})

    def test_a_file_that_is_no_text(self):
        path = "a.md"
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            Path(folder, path).write_bytes(b"\0[x](none.md)\n\xff")
            self.assertEqual(subprocess.run([LINKS, folder], stdout=subprocess.DEVNULL).returncode, 0)


if __name__ == "__main__":
    unittest.main()
