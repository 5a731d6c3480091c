"""Reads the memory of a running process, all that can be read of it, and looks for canaries there in every form."""

import array
import bisect
import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from processes import Fault
from search import forms

# `grep` takes patterns by lines, so that a line's end cannot be in one. Two other bytes stand for it and for zero, in
# patterns and in memory alike: nothing is found in a wrong place for that, but once in very many runs.
SEEN_AS = bytes.maketrans(b"\n\0", b"\x0b\x01")
# Nobody can read these.
NO_MEMORY = ("[vvar]", "[vvar_vclock]", "[vsyscall]")
MAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)")
PAGE = os.sysconf("SC_PAGE_SIZE")
# The kernel gives pieces of this size at a time.
PIECE = 1 << 24
STACK = "a stack"
# What is shown on each side of a find.
SHOWN = 40


class Forms:
    """All canaries in all forms, ready to be looked for."""

    def __init__(self, canaries):
        self.what = {}
        for what, text in canaries:
            for form in forms_of(what, text):
                self.what[form.translate(SEEN_AS)] = (what, text)
        with tempfile.NamedTemporaryFile(prefix="forgetting-", delete=False) as file:
            file.write(b"".join(form + b"\n" for form in self.what))
        self.file = Path(file.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.unlink()

    def places(self, data):
        """Where something is: (offset, form)."""
        done = subprocess.run(
            ["grep", "-obUaF", "-f", self.file], input=data.translate(SEEN_AS), stdout=subprocess.PIPE, env={"LC_ALL": "C"}, check=False)
        if done.returncode not in (0, 1):
            raise Fault(f"grep ends with {done.returncode}")
        for line in done.stdout.split(b"\n")[:-1]:
            at, _, form = line.partition(b":")
            yield int(at), form


def forms_of(what, text):
    """As they are looked for in files; and an address also as the bytes of a structure that holds it."""
    yield from forms(text)
    if what == "address":
        four = bytes(int(part) for part in text.split("."))
        yield b"\xff\xff" + four
        # Rust says before it by a zero that it is none of IPv6. Four bytes alone would be found by chance.
        yield b"\0" + four


def regions(process):
    """All that can be read of a process: where it is, and the bytes."""
    maps = Path(f"/proc/{process}/smaps").read_text(encoding="utf-8", errors="replace")
    with open(f"/proc/{process}/mem", "rb", 0) as memory, open(f"/proc/{process}/pagemap", "rb", 0) as pages:
        place, guard = None, None
        for line in maps.splitlines():
            if found := MAP.fullmatch(line):
                guard, place = place, found
            elif line.startswith("Anonymous:"):
                start, end, rights, _, _, inode, name = place.groups()
                # Pages of a file that the process has never changed are the file.
                is_the_file = inode != "0" and rights[3] == "p" and line.split()[1] == "0"
                if rights[0] == "r" and name not in NO_MEMORY and not is_the_file:
                    name = STACK if name == "[stack]" or is_stack(guard, place) else name or "anonymous"
                    yield name, read(memory, pages, int(start, 16), int(end, 16))


def is_stack(guard, place):
    """Whether this is a thread's stack: a page before it, which nobody may touch, ends a stack that grows too far."""
    if guard is None or guard.group(3) != "---p" or guard.group(2) != place.group(1):
        return False
    return int(guard.group(2), 16) - int(guard.group(1), 16) == PAGE


def read(memory, pages, start, end):
    """The bytes of the pages that are there. Whatever was never touched is not, and has nothing."""
    found = bytearray()
    for first, last in present(pages, start, end):
        while first < last:
            try:
                piece = os.pread(memory.fileno(), min(PIECE, last - first), first)
            except OSError:
                # Gone meanwhile, or a device's.
                break
            if not piece:
                break
            found += piece
            first += len(piece)
    return bytes(found)


def present(pages, start, end):
    """Runs of pages that are in memory, or swapped out."""
    states = array.array("Q", os.pread(pages.fileno(), (end - start) // PAGE * 8, start // PAGE * 8))
    first = None
    for place, state in enumerate(states):
        here = start + place * PAGE
        if state >> 62:
            first = here if first is None else first
        elif first is not None:
            yield first, here
            first = None
    if first is not None:
        yield first, start + len(states) * PAGE


class Finds:
    """What was found in one process at one moment."""

    def __init__(self, process, looked_for):
        self.counts, self.on_stacks, self.shown, self.forms = Counter(), Counter(), [], set()
        starts, names, whole, size = [], [], [], 0
        for name, data in regions(process):
            starts.append(size)
            names.append(name)
            # Nothing is found across two regions.
            whole.append(data + b"\xee")
            size += len(data) + 1
        data = b"".join(whole)
        self.size = size
        if size < 1 << 20:
            raise Fault(f"only {size} bytes of process {process} can be read")
        for at, form in looked_for.places(data):
            what, text = looked_for.what[form]
            self.forms.add(form)
            where = names[bisect.bisect_right(starts, at) - 1]
            (self.on_stacks if where == STACK else self.counts)[what] += 1
            around = data[max(at - SHOWN, 0):at + SHOWN + 20]
            self.shown.append((what, f"{what} {text[:40]} in {where}: {around!r}"))

    def of(self, what):
        """Where this was, and what stood around it."""
        return [shown for kind, shown in self.shown if kind == what]
