"""How much of the machine other programs took: what a measurement is worth depends on it."""

import os
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Of /proc/stat: user, nice, system, irq, softirq, and what the machine's own host took of it (steal).
BUSY = (0, 1, 2, 5, 6, 7)
# Of /proc/PID/stat, behind the name: the parent, and the ticks of user and system.
PARENT, USER, SYSTEM = 1, 11, 12


class Watch:
    """From now on."""

    def __init__(self):
        self.began, self.busy, self.ours = time.monotonic(), busy_ticks(), our_ticks()

    def elsewhere(self):
        """The share of all processors that went to programs which are not of this run."""
        seconds = time.monotonic() - self.began
        # Whoever of us has ended meanwhile is not counted; who has begun meanwhile is.
        ours = sum(ticks - self.ours.get(pid, 0) for pid, ticks in our_ticks().items())
        others = busy_ticks() - self.busy - ours
        return max(0.0, others / TICKS_PER_SECOND / (seconds * (os.cpu_count() or 1)))


def busy_ticks():
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    return sum(int(fields[place]) for place in BUSY)


def our_ticks():
    """The ticks of this process and of all that descend from it."""
    parents, ticks = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rsplit(") ", 1)[1].split()
        except OSError:
            # It has ended while it was looked at.
            continue
        pid = int(folder.name)
        parents[pid], ticks[pid] = int(fields[PARENT]), int(fields[USER]) + int(fields[SYSTEM])
    return {pid: ticks[pid] for pid in ticks if descends(pid, parents, os.getpid())}


def descends(pid, parents, ancestor):
    while pid != ancestor and pid in parents:
        pid = parents[pid]
    return pid == ancestor
