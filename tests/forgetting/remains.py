#!/usr/bin/env python3
"""What is known to remain in memory, as remains.toml says it, and the table of it in docs/threat-model.md.

    tests/forgetting/remains.py [--write]

Compares the table with remains.toml, and ends with 1 if they differ. With --write it writes the table anew.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIST, DOCUMENT = ROOT / "tests/forgetting/remains.toml", ROOT / "docs/threat-model.md"
BEGIN, END = "<!-- from tests/forgetting/remains.toml, by tests/forgetting/remains.py -->", "<!-- end -->"
HEAD = ["| process | when | what | copies | on stacks | why |", "|---|---|---|---|---|---|"]
PLURALS = {
    "room": "ids of rooms", "session": "ids of sessions", "address": "addresses", "signature": "signatures of tokens",
    "signature of a ticket": "signatures of tickets",
    "hash of a topic": "hashes of topics", "hash of an invite": "hashes of invites"}
# What each entry says, and what it need not say.
NEEDED, POSSIBLE = {"who", "when", "what", "reason"}, {"most", "on_stacks", "sometimes"}


class Known:
    """The known remains: how many copies of what one process may have at which moment, and why."""

    def __init__(self, text):
        told = tomllib.loads(text)
        self.elsewhere, self.remains = told.get("elsewhere", {}), {}
        for each in told.get("remains", []):
            if not NEEDED <= set(each) <= NEEDED | POSSIBLE:
                raise ValueError(f"an entry says {sorted(each)}")
            key = each["who"], each["when"], each["what"]
            if key in self.remains:
                raise ValueError(f"twice: {key}")
            if not each.get("most", 0) and not each.get("on_stacks", 0):
                raise ValueError(f"nothing may remain: {key}")
            self.remains[key] = each

    def most(self, key):
        """In all memory but stacks."""
        return self.remains.get(key, {}).get("most", 0)

    def on_stacks(self, key):
        return self.remains.get(key, {}).get("on_stacks", 0)

    def always(self):
        """What is found in each run. What lies on stacks is chance."""
        return [key for key, each in self.remains.items() if each.get("most", 0) and not each.get("sometimes", False)]

    def table(self):
        """For people."""
        yield from HEAD
        for (who, when, what), each in self.remains.items():
            often = " (not in each run)" if each.get("sometimes", False) else ""
            yield f"| {who} | {when} | {PLURALS[what]}{often} | {each.get('most', 0)} | {each.get('on_stacks', 0)} | {each['reason']} |"


def known():
    return Known(LIST.read_text(encoding="utf-8"))


def with_table(document, table):
    """The document with this table where its own stands."""
    before, begin, rest = document.partition(BEGIN + "\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no place for the table")
    return before + begin + "\n" + "\n".join(table) + "\n\n" + end + after


def main():
    document = DOCUMENT.read_text(encoding="utf-8")
    right = with_table(document, known().table())
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(right, encoding="utf-8")
    elif document != right:
        print(f"{DOCUMENT.relative_to(ROOT)} says something else than {LIST.relative_to(ROOT)}: tests/forgetting/remains.py --write")
        sys.exit(1)


if __name__ == "__main__":
    main()
