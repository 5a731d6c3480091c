"""What happens: people come, chat, and go; and at which moments memory is searched."""

import base64
import contextlib
import fcntl
import hashlib
import os
import pty
import subprocess
import struct
import termios
import threading
import time
from pathlib import Path

from cluster import NODES, Patient, PlainPerson, clean
from memory import Finds, Forms
from people import Canaries
from processes import Fault, Running, until

DELIVERED, ENDED, GONE = "5 s after delivery", "5 s after the end", "60 s after close"
MOMENTS = {DELIVERED: 5, ENDED: 5, GONE: 60}
FRAMES = {"frame", "text"}
# What somebody looks for, and what the bus carries instead. The want ends with the match.
OF_WANTS = {"topic", "invite", "hash of a topic", "hash of an invite"}
OF_CONNECTIONS = {"token", "signature", "ticket", "signature of a ticket", "address"}
IDS = {"session", "room"}
# What is to be forgotten by then. Before that a node needs it.
FORGOTTEN = {DELIVERED: FRAMES | OF_WANTS, ENDED: FRAMES | OF_WANTS | OF_CONNECTIONS, GONE: FRAMES | OF_WANTS | OF_CONNECTIONS | IDS}
OURS = [*NODES, "serve"]
OTHERS = ["nats-1", "nginx"]
# Enough that some are on two gateways, and some on one.
COUPLES = 4
SCREEN = struct.pack("HHHH", 24, 80, 0, 0)
# Others come and go until the end of the test, also on a slow machine. Then they are ended.
BUSY_SECS = 3600


def hash_of_want(kind, what):
    """As schemas/src/criteria.rs makes it, in hexadecimal digits."""
    return hashlib.sha256(kind.encode() + b"\0" + what).hexdigest()[:32]


class Group:
    """People of one door, and what they leave behind."""

    def __init__(self, canaries, make):
        self.canaries, self.make = canaries, make
        topics, code = [canaries.word("topic") for _ in range(COUPLES)], os.urandom(16)
        for topic in topics:
            canaries.keep("hash of a topic", hash_of_want("topic", topic.encode()))
        canaries.keep("hash of an invite", hash_of_want("invite", code))
        invite = canaries.keep("invite", base64.urlsafe_b64encode(code).decode().rstrip("="))
        self.couples = [self.couple(about) for about in [*({"topic": topic} for topic in topics), {"invite": invite}]]

    def couple(self, about):
        both = [self.make(self.canaries.address()) for _ in range(2)]
        for each in both:
            each.connect()
            self.canaries.keep_all_of(each)
            each.ask(type="find", **about)
        for each in both:
            each.hear("paired")
            self.canaries.keep_all_of(each)
        return both

    def tend(self):
        for each in (each for couple in self.couples for each in couple):
            each.tend()

    def talk(self):
        for one, other in self.couples:
            for sender, receiver in [(one, other), (other, one)]:
                # As long as a packet of the channel is.
                text = self.canaries.word("frame")
                frame = text.encode() + os.urandom(200)
                for _ in range(3):
                    sender.send(frame)
                    if receiver.hear_frame() != frame:
                        raise Fault("another frame than was sent")

    def end(self):
        for one, other in self.couples:
            one.ask(type="leave")
            for each in (one, other):
                each.hear("ended")
                # The last token that it was given is one more that nobody may keep.
                self.canaries.keep_all_of(each)
                each.lose()


class Terminal:
    """Somebody's chat, in a terminal of ours."""

    def __init__(self, cluster, name, words):
        self.terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, SCREEN)
        self.process = subprocess.Popen(
            [*cluster.traced(name), cluster.binary, "chat", *words], env=clean() | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            stdin=end, stdout=end, stderr=end, start_new_session=True)
        os.close(end)
        self.shown = b""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while some := os.read(self.terminal, 65536):
                self.shown += some

    def write(self, line):
        os.write(self.terminal, line.encode() + b"\r")


class Story:
    """All that happens. What was found is in `found`: for each cluster, moment and process."""

    def __init__(self, quiet, busy):
        self.clusters = {"alone": quiet, "among others": busy}
        self.canaries = {name: Canaries() for name in self.clusters}
        # Two networks of addresses, so that no canary is in both.
        self.canaries["among others"].numbers = 60
        self.groups, self.acting, self.over = [], threading.Lock(), threading.Event()
        self.found, self.measured, self.terminals, self.limits, self.ours = {}, {}, {}, [], OURS

    def tell(self):
        busy = self.clusters["among others"]
        others = [self.others(busy, "bench", ["--url", f"https://localhost:{busy.people}", "--ca", busy.pki / "authorities/public.pem"]),
                  self.others(busy, "bench-serve", ["--url", f"http://127.0.0.1:{busy.serve}"])]
        try:
            self.people()
            if not all(each.runs() for each in others):
                raise Fault(f"nobody else came and went: {[each.said()[-300:] for each in others]}")
        finally:
            for each in others:
                each.kill()
            for each in self.terminals.values():
                each.process.kill()
                each.process.wait()

    def others(self, cluster, name, door):
        return Running(name, cluster.home / "run" / name, [cluster.binary, "bench", "churn", *door, "--pairs", "3", "--secs", str(BUSY_SECS)])

    def people(self):
        tending = threading.Thread(target=self.tend, daemon=True)
        tending.start()
        try:
            for name, cluster in self.clusters.items():
                self.come(name, cluster, lambda address, cluster=cluster: Patient(cluster, address))
                self.come(name, cluster, lambda address, cluster=cluster: PlainPerson(Serve(cluster), address))
            self.chat_in_terminals()
            self.each(Group.talk)
            self.wait_and_search(DELIVERED)
            self.each(Group.end)
        finally:
            self.over.set()
            tending.join()
        self.end_terminals()
        closed = time.monotonic()
        self.wait_and_search(ENDED)
        self.search_terminals()
        time.sleep(max(0, closed + MOMENTS[GONE] - time.monotonic()))
        self.search(GONE)
        self.look_at_limits()

    def tend(self):
        """Whoever does not answer a ping is closed."""
        while not self.over.wait(1):
            self.each(Group.tend)

    def each(self, act):
        for group in self.groups:
            with self.acting:
                act(group)

    def come(self, name, cluster, make):
        group = Group(self.canaries[name], make)
        with self.acting:
            self.groups.append(group)

    def wait_and_search(self, moment):
        time.sleep(MOMENTS[moment])
        self.search(moment)

    def search(self, moment):
        for where, cluster in self.clusters.items():
            canaries = [(what, text) for what, text in self.canaries[where].all if what in FORGOTTEN[moment]]
            with Forms(canaries) as looked_for:
                for name in [*OURS, *OTHERS]:
                    into = self.found if name in OURS else self.measured
                    into[where, moment, name] = [Finds(process, looked_for) for process in cluster.processes(name)]

    def look_at_limits(self):
        """What of memory could be left on a disk: a core, or what is swapped out."""
        pids = {f"{name} ({where})": cluster.running[name].process.pid for where, cluster in self.clusters.items() for name in OURS}
        pids |= {f"terminal, {name}": each.process.pid for name, each in self.terminals.items()}
        for name, pid in pids.items():
            core = next(line for line in Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines() if line.startswith("Max core file size"))
            if core.split()[4:6] != ["0", "0"]:
                self.limits.append(f"{name}: {core}")
            swapped = next(line for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines() if line.startswith("VmSwap"))
            if swapped.split()[1] != "0":
                self.limits.append(f"{name}: {swapped}, which no search of memory finds again on a disk")

    # ---- Two people in terminals of the quiet cluster.

    def chat_in_terminals(self):
        cluster, topic = self.clusters["alone"], "terminals"
        words = ["--url", f"https://localhost:{cluster.people}", "--ca", cluster.pki / "authorities/public.pem", "--topic", topic]
        self.terminals = {
            "plain": Terminal(cluster, "plain", ["--plain", *words]), "full screen": Terminal(cluster, "full-screen", words)}
        self.texts = Canaries()
        for writer, reader in [("plain", "full screen"), ("full screen", "plain")]:
            text, end = self.texts.word("text"), time.monotonic() + 60
            # What is written before the two have met is not sent.
            until("both are in a chat", lambda: all(b"afety" in each.shown for each in self.terminals.values()), 60)
            self.terminals[writer].write(text)
            until(f"{reader} shows the text", lambda: text.encode() in self.terminals[reader].shown, max(1, end - time.monotonic()))

    def end_terminals(self):
        self.terminals["full screen"].write("/leave")
        plain = self.terminals["plain"]
        until("the other one knows that the chat is over", lambda: b"said goodbye" in plain.shown, 30)

    def search_terminals(self):
        with Forms(self.texts.all) as looked_for:
            for name, each in self.terminals.items():
                self.found["alone", ENDED, f"terminal, {name}"] = [Finds(each.process.pid, looked_for)]


class Serve:
    """The door of a `serve`, as people see it."""

    def __init__(self, cluster):
        self.people, self.pki = cluster.serve, cluster.pki
