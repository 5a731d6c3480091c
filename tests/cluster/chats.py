"""People who chat through Nginx, with end-to-end encrypted texts, while something happens."""

import contextlib
import json
import subprocess
import threading
import time
import uuid

from engine import ENVIRONMENT, ROOT, URL, Fault, until

PAIRS = 10
# Each person writes a line so often.
PAUSE_SECS = 0.25
# In which everything that was written has to arrive when nothing happens any more.
REST_SECS = 60
LOAD_SECS = 5
# As long as an update of all nodes takes, or nearly.
UPDATE_SECS = 110


def for_clients():
    """Its variables are the options of the client; those of the cluster's own are none of them."""
    return {name: value for name, value in ENVIRONMENT.items() if not name.startswith("CIPHER_CHAT_")}


def client(cluster, topic):
    """Somebody with the terminal client, as a script uses it: plain lines, `* ` before what it says itself."""
    return subprocess.Popen(
        [cluster.binary, "chat", "--url", URL, "--ca", cluster.authority, "--topic", topic], env=for_clients(), text=True, bufsize=1,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Person:
    """Writes 0, 1, 2, … and hears the same of the other."""

    def __init__(self, cluster, topic):
        self.process = client(cluster, topic)
        self.written, self.heard, self.told, self.wrong, self.longest = [], 0, [], [], 0.0
        self.met = threading.Event()
        self.other = None

    def start(self, other):
        self.other = other
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith("* "):
                self.told.append(line)
                if "end-to-end encrypted" in line:
                    self.met.set()
            elif line != str(self.heard):
                self.wrong.append(f"heard {line!r} where {self.heard} was due")
            else:
                self.longest = max(self.longest, time.monotonic() - self.other.written[self.heard])
                self.heard += 1

    def write(self):
        self.written.append(time.monotonic())
        try:
            self.process.stdin.write(f"{len(self.written) - 1}\n")
            self.process.stdin.flush()
        except OSError:
            self.wrong.append("has ended")

    def faults(self):
        if self.process.poll() is not None:
            self.wrong.append("has ended")
        if self.heard != len(self.other.written):
            self.wrong.append(f"heard {self.heard} of {len(self.other.written)}")
        return [f"{fault} ({' | '.join(self.told[-4:])})" for fault in self.wrong]


class Chats:
    """Pairs of people who write all the time, until they are told to stop."""

    def __init__(self, cluster):
        self.people, self.over = [], threading.Event()
        for _ in range(PAIRS):
            topic = uuid.uuid4().hex
            pair = Person(cluster, topic), Person(cluster, topic)
            pair[0].start(pair[1])
            pair[1].start(pair[0])
            self.people += pair
        self.writing = threading.Thread(target=self.write, daemon=True)

    def meet(self):
        for person in self.people:
            until("all have met", person.met.is_set)
        self.writing.start()

    def write(self):
        while not self.over.wait(PAUSE_SECS):
            for person in self.people:
                person.write()

    def all_is_heard(self):
        return all(person.heard == len(person.other.written) for person in self.people)

    def end(self):
        """Stops the writing, waits until all has arrived, and says what is wrong."""
        self.over.set()
        self.writing.join()
        with contextlib.suppress(Fault):
            until("all is heard", self.all_is_heard, REST_SECS)
        texts = sum(len(person.written) for person in self.people)
        faults = [fault for person in self.people for fault in person.faults()]
        lost = sum("lost" in line or "reconnect" in line for person in self.people for line in person.told)
        print(f"   {texts} texts, longest under way {max(person.longest for person in self.people):.1f} s, "
              f"{lost} times a client told of a lost connection, {len(faults)} faults", flush=True)
        if faults or texts == 0:
            raise Fault("the chats have suffered: " + "; ".join(faults[:6]))

    def stop(self):
        self.over.set()
        for person in self.people:
            if person.process.poll() is None:
                person.process.kill()
            person.process.wait()


def during(cluster, act):
    """Does something while people chat, and checks that they have not noticed."""
    chats = Chats(cluster)
    try:
        chats.meet()
        act()
        chats.end()
    finally:
        chats.stop()


class Load:
    """The load generator at a constant rate, for its own account of losses and latencies."""

    def __init__(self, cluster, secs):
        self.process = subprocess.Popen(
            [cluster.binary, "bench", "steady", "--url", URL, "--ca", cluster.authority, "--content", "e2e",
             "--pairs", str(PAIRS), "--rate", "4", "--secs", str(secs), "--json", "-"],
            env=for_clients(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.secs = secs

    def end(self):
        """Waits for its end, and says what it has found."""
        found, said = self.process.communicate(timeout=self.secs + 120)
        try:
            found = json.loads(found)
        except ValueError:
            raise Fault(f"the load generator: {said[-2000:]}") from None
        counts, latency = found["counts"], found["latency"]
        print(f"   bench for {self.secs} s: {counts['sent']} texts, {counts['lost']} lost, {counts['disconnected']} connections cut off, "
              f"{counts['broken']} chats broken, p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.0f} ms, longest {latency['max']:.0f} ms",
              flush=True)
        if self.process.returncode != 0 or found["verdict"] != "kept" or not counts["sent"]:
            raise Fault(f"the load generator: {found['troubles']} {said[-2000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def during_under_load(cluster, act):
    """The same with the load generator beside the people."""
    load = Load(cluster, UPDATE_SECS)
    try:
        during(cluster, act)
        load.end()
    finally:
        load.stop()


def under_load(cluster):
    load = Load(cluster, LOAD_SECS)
    try:
        load.end()
    finally:
        load.stop()


def in_terminals(cluster):
    """Two people with the terminal client, as a script uses it: plain lines."""
    people = [client(cluster, "music"), client(cluster, "music")]
    try:
        for person, other in (people, reversed(people)):
            say_and_hear(person, other)
    finally:
        for person in people:
            person.stdin.close()
        for person in people:
            person.wait(30)


def say_and_hear(person, other):
    text = f"a line of {person.pid}"
    # What is written before they have met is sent when they have.
    person.stdin.write(text + "\n")
    person.stdin.flush()
    for line in other.stdout:
        if line.strip() == text:
            return
    raise Fault("the other terminal ends without the line")


def in_browser():
    """Two people with the page, in Chromium."""
    done = subprocess.run(
        ["node", "cluster.mjs"], cwd=ROOT / "tests/browser", env=ENVIRONMENT | {"BASE_URL": URL}, text=True, timeout=180,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Fault(f"the page in Chromium: {done.stdout[-3000:]}")
