"""The lean server (tests/storm/lean), which a storm of as many people is let loose on right after."""

import json
import os
import subprocess
import time

from cluster import processor_seconds
from processes import ROOT, Fault, free_ports, until
from watch import Watch

AGREEING_SECS = 30


def build(profile):
    """The program; builds it if that is to be done. In the profile of the gateways, so that both are built alike."""
    words = ["cargo", "build", "--locked", "--package", "lean", "--profile", profile, "--message-format", "json-render-diagnostics"]
    done = subprocess.run(words, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True, env=os.environ | {"CARGO_INCREMENTAL": "0"})
    if done.returncode != 0:
        raise Fault("the lean server cannot be built")
    return program_of(done.stdout)


def program_of(messages):
    """The program that Cargo has built, by what it says of it."""
    said = map(json.loads, messages.splitlines())
    [program] = [one["executable"] for one in said if one.get("executable") and one["target"]["name"] == "lean"]
    return program


def agreed(program, port, authority):
    """Version, cipher and key exchange that clients agree on with a server."""
    words = [program, "agreed", "--to", f"127.0.0.1:{port}", "--ca", authority]
    done = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=AGREEING_SECS)
    if done.returncode != 0:
        raise Fault(f"no handshake: {done.stderr}")
    return done.stdout.strip()


def storm(program, certificate, key, authority, people):
    """People come to it as to a gateway; tells what they took of the server, and what was agreed on."""
    [port] = free_ports(1)
    server = subprocess.Popen(
        [program, "serve", "--listen", f"127.0.0.1:{port}", "--cert", certificate, "--key", key], stdin=subprocess.DEVNULL)
    crowd = None
    try:
        what = until("the lean server answers", lambda: answers(server, program, port, authority))
        watch, before = Watch(), processor_seconds(server.pid)
        crowd = subprocess.Popen(
            [program, "come", "--to", f"127.0.0.1:{port}", "--ca", authority, "--people", str(people)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if crowd.stdout.readline() != f"{people} are in\n":
            raise Fault("not all people came into the lean server")
        spent, elsewhere = processor_seconds(server.pid) - before, watch.elsewhere()
        return {"agreed": what, "processor_seconds": spent, "seconds": time.monotonic() - watch.began, "elsewhere": elsewhere}
    finally:
        for process in (crowd, server):
            if process is not None:
                process.kill()
                process.communicate()


def answers(server, program, port, authority):
    if server.poll() is not None:
        raise Fault("the lean server has ended")
    try:
        return agreed(program, port, authority)
    except Fault:
        return None
