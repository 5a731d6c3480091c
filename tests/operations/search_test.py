"""Tests of `search`: every form in which something may be written down is found. `python3 tests/operations/search_test.py`."""

import base64
import os
import sys
import unittest
import uuid
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "lib")]

import people
import search


class Forms(unittest.TestCase):
    def setUp(self):
        self.canaries = people.Canaries()

    def is_found(self, text, raws):
        for raw in raws:
            for before in [b"", b"x", b"yy", b"zzz"]:
                for after in [b"", b"!", b"??"]:
                    whole = before + raw + after
                    for form in [whole, whole.hex().encode(), whole.hex().upper().encode(), base64.b64encode(whole), base64.urlsafe_b64encode(whole)]:
                        wide = [form.decode().encode(name) for name in ("utf-16-le", "utf-16-be")] if form.isascii() else []
                        for written in [form, *wide]:
                            hits = search.found(self.canaries, [("here", b"\0 " + written + b" \n")])
                            self.assertIn(text, {hit[1] for hit in hits}, (before, after, form))

    def test_a_word(self):
        word = self.canaries.word("content")
        self.is_found(word, [word.encode()])

    def test_an_id_with_and_without_hyphens_and_as_bytes(self):
        text = self.canaries.keep("session", str(uuid.uuid4()))
        self.is_found(text, [text.encode(), text.replace("-", "").encode(), text.replace("-", "").upper().encode(), uuid.UUID(text).bytes])

    def test_a_signature_as_text_and_as_bytes(self):
        raw = os.urandom(64)
        text = self.canaries.keep("signature", base64.urlsafe_b64encode(raw).decode().rstrip("="))
        self.is_found(text, [text.encode(), raw])

    def test_an_address(self):
        text = self.canaries.address()
        self.is_found(text, [text.encode()])

    def test_nothing_where_nothing_is(self):
        for _ in range(50):
            self.canaries.word("content")
        self.assertEqual(search.found(self.canaries, [("noise", os.urandom(1_000_000))]), set())


if __name__ == "__main__":
    unittest.main()
