"""People of the lab: a program that chats through Nginx, and what it says of it."""

import json
import os
import queue
import subprocess
import threading

from space import inside
from system import DOORS
from waiting import Fault

# In which everything that was written has to arrive when nothing is broken any more.
REST_SECS = 60
# Until all have met.
MEETING_SECS = 180
# So many come at once, and the next when these have met: thousands in one moment would be a storm of handshakes, which no
# scenario but that of the storm is about.
ARRIVE_AT_ONCE = 200

# What must not be.
WRONGS = ["lost", "doubled", "reordered", "foreign", "broken", "wrong_ended", "stuck", "three", "ghosts", "endless_waits"]
COUNTS = ["sent", "received", "met", "lost_connections", *WRONGS]
LISTS = ["recoveries", "latencies", "faults"]


class Crowd:
    """Pairs who stay together, or people who come and go."""

    def __init__(self, system, people, kind, count, rate, **environment):
        self.name, self.count = f"{count} {kind}", count
        command = [people, kind, "--url", f"https://{DOORS[0]}:8443", "--other-url", f"https://{DOORS[1]}:8443",
                   "--ca", system.authority, "--count", count, "--rate", rate]
        with open(system.logs / "people.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                inside("people", *command), env=os.environ | environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.answers = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.answer("have met", MEETING_SECS)

    def _listen(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put(None)

    def answer(self, what, seconds):
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Fault(f"{self.name} do not say within {seconds} s that they {what}") from None
        if answer is None:
            raise Fault(f"{self.name}: the program has ended, see people.log")
        return answer

    def tell(self, order):
        try:
            self.process.stdin.write(order + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Fault(f"{self.name}: the program has ended, see people.log") from None

    def report(self):
        return reports([self])[0]

    def end(self):
        """Everybody says goodbye; returns what went wrong with that."""
        self.tell("end")
        account = self.answer("have said goodbye", 90)
        self.process.wait(10)
        return account

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()


def arrivals(system, people, kind, count, rate, **environment):
    """Crowds that are so many together, one after the other."""
    for place in range(0, count, ARRIVE_AT_ONCE):
        yield Crowd(system, people, kind, min(ARRIVE_AT_ONCE, count - place), rate, **environment)


def reports(crowds):
    """The account of each: all rest in the same moment."""
    for crowd in crowds:
        crowd.tell(f"report {REST_SECS}")
    return [crowd.answer("have an account", REST_SECS + 30) for crowd in crowds]


def sum_of(accounts):
    """One account of several."""
    whole = {count: sum(account[count] for account in accounts) for count in COUNTS}
    return whole | {name: [entry for account in accounts for entry in account[name]] for name in LISTS}
