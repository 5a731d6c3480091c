"""What may be found, when; and what was."""

import re
import secrets
import subprocess
import sys
from collections import Counter

import remains
from memory import Finds, Forms
from moments import MOMENTS
from processes import Fault

OPENED = re.compile(r"O_(WRONLY|RDWR|CREAT|APPEND|TRUNC|TMPFILE)")
CHANGED = re.compile(r"^\d+ +(?!open)\w+\(")
FAILED = re.compile(r"= -1 E[A-Z]+")
# A terminal or nothing, which keep nothing, and what the kernel shows of the process itself.
MAY_WRITE = re.compile(r'"/dev/(null|tty|pts/\d+)"|"/proc/self/|\.ops')
# Of one kind in one process.
SHOWN = 6
HOLDER = "import sys, time; kept = sys.stdin.buffer.read(); print(len(kept), flush=True); time.sleep(600)"


def judge(story, explain):
    """One result for each check; says what is wrong."""
    checks = [
        ("what is planted is found, in every form", lambda: planted()),
        ("memory forgets, but for the known remains", lambda: memory(story, explain)),
        ("NATS keeps nothing of another kind than is known", lambda: others(story)),
        ("logs at `trace` name nobody", lambda: logs(story)),
        ("no file is written", lambda: files(story)),
        ("no core can be left, and nothing is swapped out", lambda: story.limits),
    ]
    results = []
    for name, check in checks:
        wrong = check()
        results.append(not wrong)
        print(f"\n-- {name}: {'FAILED' if wrong else 'passed'}", flush=True)
        for line in wrong[:80]:
            print(f"   {line}")
    return results


def planted():
    """All forms of a canary of each kind, in the memory of another process."""
    canaries = [
        ("frame", secrets.token_hex(9)), ("session", "0b5e9f5c-7b1d-4c5e-9a86-3f1f5c0d2e77"), ("token", secrets.token_urlsafe(40)),
        ("room", secrets.token_urlsafe(16)), ("address", "127.203.117.9")]
    with Forms(canaries) as looked_for:
        holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            holder.stdin.write(b"\xaa".join(looked_for.what))
            holder.stdin.close()
            holder.stdout.readline()
            found = Finds(holder.pid, looked_for).forms
        finally:
            holder.kill()
            holder.wait()
        return [f"not found: {looked_for.what[form]} as {form!r}" for form in looked_for.what if form not in found]


def role(name):
    return re.sub(r"-\d+$", "", name)


def memory(story, explain):
    """Whatever should be forgotten and is found is a known remain, and each of these is found."""
    known = remains.known()
    most, wrong = most_of(story.found), leaks(story.found, known) + gone(story.found, known)
    for (where, moment, name), finds in story.found.items():
        shown = [line for found in finds for what in sorted(found.counts | found.on_stacks)
                 if explain or is_more(found, known, (role(name), moment, what)) for line in found.of(what)[:SHOWN]]
        if shown:
            print(f"   {name} ({where}), {moment}: " + "\n      ".join(shown))
    for (who, when, what), (count, stacked) in sorted(most.items()):
        print(f"   found: {who}, {when}: at most {count} of {what}, and on stacks {stacked}")
    searched = sum(found.size for finds in story.found.values() for found in finds)
    print(f"   searched: {searched >> 20} MiB at {len(MOMENTS)} moments")
    return wrong


def most_of(all_found):
    """The most of each kind that one process has, elsewhere and on stacks."""
    most = {}
    for key, _, found in each_kind(all_found):
        before = most.get(key, (0, 0))
        most[key] = max(before[0], found.counts[key[2]]), max(before[1], found.on_stacks[key[2]])
    return most


def leaks(all_found, known):
    """Whatever is more than is known."""
    return [
        f"{name}, {when}: {found.counts[what]} of {what}, known are {known.most((who, when, what))}; "
        f"on stacks {found.on_stacks[what]}, known are {known.on_stacks((who, when, what))}"
        for (who, when, what), name, found in each_kind(all_found) if is_more(found, known, (who, when, what))]


def gone(all_found, known):
    """What is known to remain, and does not any more."""
    most = most_of(all_found)
    missing = [key for key in known.always() if not most.get(key, (0, 0))[0]]
    return [f"{who}, {when}: no {what} remains any more: take it out of remains.toml" for who, when, what in missing]


def each_kind(all_found):
    """What of each kind each process has."""
    for (where, moment, name), finds in all_found.items():
        for found in finds:
            for what in sorted(found.counts | found.on_stacks):
                yield (role(name), moment, what), f"{name} ({where})", found


def is_more(found, known, key):
    """Whether one process has more of something than is known."""
    return found.counts[key[2]] > known.most(key) or found.on_stacks[key[2]] > known.on_stacks(key)


def others(story):
    """NATS and Nginx are not ours: what they keep is told. Of what kinds it may be stands in remains.toml, if it is not all."""
    known, wrong = remains.known().elsewhere, []
    for (where, moment, name), finds in story.measured.items():
        counts = sum((found.counts + found.on_stacks for found in finds), Counter())
        told = ", ".join(f"{counts[what]} of {what}" for what in sorted(counts))
        print(f"   {name} ({where}), {moment}: {told or 'nothing'}")
        if kinds := known.get(role(name)):
            wrong += [f"{name} ({where}), {moment}: {what}, which is not known of it" for what in sorted(counts) if what not in kinds]
    return wrong


def logs(story):
    """What our processes have written to their standard outputs, and Nginx and NATS too."""
    wrong = []
    for where, cluster in story.clusters.items():
        with Forms(story.canaries[where].all) as looked_for:
            for name, running in cluster.running.items():
                text = running.said().encode()
                if name in story.ours and b"TRACE" not in text and b"DEBUG" not in text:
                    wrong.append(f"{name} has said nothing at trace")
                found = sorted({looked_for.what[form] for _, form in looked_for.places(text)})
                wrong += [f"{what} {canary} in the log of {name} ({where})" for what, canary in found]
    return wrong


def files(story):
    """Nothing that our processes have opened for writing, made or renamed."""
    wrong, traces = [], 0
    for where, cluster in story.clusters.items():
        for trace in sorted(cluster.home.glob("*.strace")):
            lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
            if not any("open" in line for line in lines):
                raise Fault(f"strace has seen nothing of {trace.stem}")
            traces += 1
            writes = [line for line in lines if (OPENED.search(line) or CHANGED.search(line)) and not MAY_WRITE.search(line) and not FAILED.search(line)]
            wrong += [f"{trace.stem} ({where}): {line}" for line in writes]
    print(f"   {traces} processes traced")
    return wrong
