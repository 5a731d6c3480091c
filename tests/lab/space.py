"""A space of its own for the lab: processes, mounts and networks that the kernel ends with the program, however that ends.

Nothing of the machine is touched: the bridge and all addresses are in networks that only this program and its children see.
"""

import ctypes
import os
import signal
import subprocess
import sys

NEW_MOUNTS, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x20000000, 0x40000000
MOUNT_PRIVATE, MOUNT_RECURSIVE, MOUNT_BIND = 0x40000, 0x4000, 0x1000
DIE_WITH_PARENT = 1

_libc = ctypes.CDLL(None, use_errno=True)


class NoSpace(Exception):
    """This machine gives no namespaces, or lacks a tool."""


def _ask(what, *arguments):
    if getattr(_libc, what)(*arguments) != 0:
        raise NoSpace(f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind=None, flags=0):
    texts = [text and str(text).encode() for text in (source, target, kind)]
    _ask("mount", *texts, ctypes.c_ulong(flags), None)


def enter():
    """Goes on in the new space, in a child. The parent passes signals on, and ends as the child does."""
    _ask("unshare", NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK)
    child = os.fork()
    if child:
        _wait_for(child)
    _libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
    mount("none", "/", flags=MOUNT_PRIVATE | MOUNT_RECURSIVE)
    mount("proc", "/proc", "proc")
    os.makedirs("/run/netns", exist_ok=True)
    mount("networks", "/run/netns", "tmpfs")
    # The first process of a space is not ended by a signal that it does not expect.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number, _):
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def _wait_for(child):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(child, number))
    while True:
        try:
            _, status = os.waitpid(child, 0)
        except InterruptedError:
            continue
        # The child was the first process of its space: with it, all others have ended.
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def call(*command):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise NoSpace(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout


def inside(member, *command):
    """A command in the network of a member."""
    return ["nsenter", f"--net=/run/netns/{member}", *map(str, command)]


class Network:
    """One bridge, and a network namespace for each member."""

    def __init__(self, subnet):
        self.subnet, self.addresses = subnet, {}
        call("ip", "link", "set", "lo", "up")
        call("ip", "link", "add", "hub", "type", "bridge")
        call("ip", "link", "set", "hub", "up")

    def join(self, member, *numbers):
        """The first of the numbers is what it speaks from."""
        end = f"v-{member}"
        call("ip", "netns", "add", member)
        call("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", member)
        call("ip", "link", "set", end, "master", "hub", "up")
        for number in numbers:
            call(*inside(member, "ip", "address", "add", f"{self.subnet}.{number}/24", "dev", "eth0"))
        call(*inside(member, "ip", "link", "set", "eth0", "up"))
        call(*inside(member, "ip", "link", "set", "lo", "up"))
        self.addresses[member] = [f"{self.subnet}.{number}" for number in numbers]

    def address(self, member, which=0):
        return self.addresses[member][which]

    def drop(self, at, sender, receiver=None, part=None):
        """Has `at` drop what comes from an address, all or a part of it; returns what ends that."""
        rule = ["INPUT", "--source", sender]
        rule += ["--destination", receiver] if receiver else []
        rule += ["--match", "statistic", "--mode", "random", "--probability", str(part)] if part else []
        rule += ["--jump", "DROP"]
        call(*inside(at, "iptables", "--wait", "--append", *rule))
        return lambda: call(*inside(at, "iptables", "--wait", "--delete", *rule))

    def delay(self, member, peers, seconds):
        """Puts a wire that delays what goes between a member and some addresses in the place of its own; returns what ends that."""
        own, near, far = f"v-{member}", f"w-{member}", f"x-{member}"
        call("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        call("ip", "link", "set", far, "master", "hub", "up")
        call("ip", "link", "set", near, "up")
        wire = subprocess.Popen(
            [sys.executable, os.path.join(os.path.dirname(__file__), "wire.py"), own, near, str(seconds), *peers], stdout=subprocess.PIPE)
        wire.stdout.readline()
        call("ip", "link", "set", own, "nomaster")

        def undo():
            call("ip", "link", "set", own, "master", "hub")
            wire.kill()
            wire.wait()
            wire.stdout.close()
            call("ip", "link", "delete", near)
        return undo


def able():
    """Whether a space can be made here: makes one, with all that the lab uses."""
    enter()
    network = Network("10.77.0")
    network.join("trial", 2)
    network.drop("trial", "10.77.0.3", part=0.05)()
    network.delay("trial", ["10.77.0.3"], 0.1)()
