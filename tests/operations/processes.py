#!/usr/bin/env python3
"""Processes on free ports of this machine, and the tools that are built for them.

    tests/operations/processes.py victoria-logs|jaeger|centrifugo     builds it if it is not there, and prints where it is
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "tests/.cache/go"
# What Go builds: package, and the directory of the go.mod that names its version. Jaeger has one of its own,
# because it does not build with the newer libraries that the others need; and Centrifugo, whose are many.
TOOLS = {
    "victoria-logs": ("github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs", "github.com/VictoriaMetrics/VictoriaLogs", "tests/tools"),
    "jaeger": ("github.com/jaegertracing/jaeger/cmd/jaeger", "github.com/jaegertracing/jaeger", "tests/tools/jaeger"),
    "centrifugo": ("github.com/centrifugal/centrifugo/v6", "github.com/centrifugal/centrifugo/v6", "tests/tools/centrifugo"),
}
# A machine that builds something else meanwhile is slow.
PATIENCE_SECS = 120
PORTS = 12000, 32000
GIVEN = set()


class Fault(Exception):
    """What went wrong in a case."""


def until(what, met, seconds=PATIENCE_SECS):
    """Waits until it is met, and returns what it returned."""
    end = time.monotonic() + seconds
    while not (found := met()):
        if time.monotonic() > end:
            raise Fault(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return found


def place(name):
    """Where the program is or will be, in the version that go.mod names."""
    _, module, where = TOOLS[name]
    version = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Version}}", module], cwd=ROOT / where, text=True, check=True, stdout=subprocess.PIPE).stdout.strip()
    return CACHE / f"{name}-{version}"


def tool(name):
    """The program in the version that go.mod names; built if it is not there. Jaeger and Centrifugo take minutes."""
    package, _, where = TOOLS[name]
    program = place(name)
    if not program.exists():
        print(f"Building {program.name}, once", file=sys.stderr, flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        new = CACHE / f"{name}.new"
        subprocess.run(
            ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", new, package], cwd=ROOT / where, check=True,
            env=os.environ | {"CGO_ENABLED": "0"})
        new.rename(program)
    return program


def program(name, *elsewhere):
    """One of the machine: on the path, or where Debian has it."""
    for place in (name, *elsewhere):
        if found := shutil.which(place, path=f"{ROOT}/tests/.cache/venv/bin:{os.environ['PATH']}:/usr/sbin"):
            return found
    raise Fault(f"{name} is missing: tests/setup operations")


def free_ports(count, kind=socket.SOCK_STREAM):
    """Below those that the system gives to whoever connects somewhere: nobody takes one before it is listened at."""
    ports = []
    while len(ports) < count:
        port = random.randrange(*PORTS)
        with socket.socket(socket.AF_INET, kind) as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            if port not in GIVEN:
                GIVEN.add(port)
                ports.append(port)
    return ports


class Running:
    """A process in a directory of its own, where its output is kept too."""

    def __init__(self, name, home, words, variables=None, **how):
        self.name, self.home, self.words, self.how = name, home, [str(word) for word in words], how
        self.variables = os.environ | {"NO_COLOR": "1"} | (variables or {})
        self.home.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self):
        with open(self.home / "output.txt", "ab") as output:
            self.process = subprocess.Popen(
                self.words, cwd=self.home, env=self.variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **self.how)

    def said(self):
        return (self.home / "output.txt").read_text(encoding="utf-8", errors="replace")

    def runs(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def kill(self, number=signal.SIGKILL):
        """Ends it at once, and waits for it."""
        if self.runs():
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        self.process.wait(30)

    def stop(self):
        """Ends it in order, or if it does not listen, at once."""
        if self.runs():
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


if __name__ == "__main__":
    print(tool(sys.argv[1]))
