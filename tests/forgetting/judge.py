"""What may be found, when; and what was."""

import re
import secrets
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from memory import Finds, Forms
from moments import MOMENTS
from processes import Fault

OPENED = re.compile(r"O_(WRONLY|RDWR|CREAT|APPEND|TRUNC|TMPFILE)")
CHANGED = re.compile(r"^\d+ +(?!open)\w+\(")
FAILED = re.compile(r"= -1 E[A-Z]+")
# A terminal or nothing, which keep nothing, and what the kernel shows of the process itself.
MAY_WRITE = re.compile(r'"/dev/(null|tty|pts/\d+)"|"/proc/self/|\.ops')
# What a thread called last lies on its stack until other calls overwrite it: which words that are is chance, so they are
# no list of remains. But no frame and no text ever lies there, and never many words do.
NEVER_ON_STACKS, ON_STACKS = {"frame", "text"}, 64
HOLDER = "import sys, time; kept = sys.stdin.buffer.read(); print(len(kept), flush=True); time.sleep(600)"


def judge(story, explain):
    """One result for each check; says what is wrong."""
    checks = [
        ("what is planted is found, in every form", lambda: planted()),
        ("memory forgets, but for the known remains", lambda: memory(story, explain)),
        ("logs at `trace` name nobody", lambda: logs(story)),
        ("no file is written", lambda: files(story)),
        ("no core can be left, and nothing is swapped out", lambda: story.limits),
    ]
    measured(story)
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
    remains = tomllib.loads((Path(__file__).parent / "remains.toml").read_text(encoding="utf-8")).get("remains", [])
    most = {(each["who"], each["when"], each["what"]): each for each in remains}
    wrong, seen, shown, stacks = [], {}, Counter(), Counter()
    for (where, moment, name), finds in story.found.items():
        for found in finds:
            for what, count in sorted(found.on_stacks.items()):
                stacks[what] = max(stacks[what], count)
                if what in NEVER_ON_STACKS or count > ON_STACKS:
                    wrong.append(f"{name} ({where}), {moment}: {count} of {what} on stacks")
            for what, count in sorted(found.counts.items()):
                key = role(name), moment, what
                seen[key] = max(seen.get(key, 0), count)
                known = most.get(key, {"most": 0})["most"]
                if count > known:
                    wrong.append(f"{name} ({where}), {moment}: {count} of {what}, known are {known}")
                if (explain or count > known) and shown[key] < 4:
                    shown[key] += 1
                    print(f"   {name} ({where}), {moment}: " + "\n      ".join(found.of(what)[:6]))
    for key, count in sorted(seen.items()):
        print(f"   found: {key[0]}, {key[1]}: at most {count} of {key[2]}")
    for what, count in sorted(stacks.items()):
        print(f"   found: on stacks of one process: at most {count} of {what}")
    for key, each in most.items():
        if key not in seen and not each.get("sometimes", False):
            wrong.append(f"{key[0]}, {key[1]}: no {key[2]} remains any more: take it out of remains.toml and docs/threat-model.md")
    searched = sum(found.size for finds in story.found.values() for found in finds)
    print(f"   searched: {searched >> 20} MiB at {len(MOMENTS)} moments")
    return wrong


def measured(story):
    """NATS and Nginx keep what they keep: it is told, and no fault."""
    for (where, moment, name), finds in story.measured.items():
        counts = sum((found.counts for found in finds), Counter())
        told = ", ".join(f"{counts[what]} of {what}" for what in sorted(counts))
        print(f"   {name} ({where}), {moment}: {told or 'nothing'}")


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
