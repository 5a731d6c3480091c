"""What is done to the cluster. Each case fails with a Fault."""

import shutil
import subprocess
import time

import chats
import doors
import hardening
from engine import (ENVIRONMENT, NODES, PROJECT, ROOT, URL, Fault, all_healthy, call, compose, container, inspect, is_healthy,
                    until)

TODAY, NEXT, BEFORE, BROKEN = (f"{PROJECT}/node:{tag}" for tag in ["today", "next", "before", "broken"])
# Longer than it takes until everybody has noticed: NATS gives up a silent server after 6 s, a gateway a
# silent NATS server sooner.
ABSENCE_SECS = 8
NETWORK_OF = {"nginx": ["front", "edge", "operations"], "gateway": ["edge", "bus", "operations"], "nats": ["bus", "routes", "operations"],
              "pairing": ["bus", "operations"], "janitor": ["bus", "operations"]}


def kill(service):
    call("docker", "kill", container(service))
    # `restart: unless-stopped` does not bring back who was killed by hand.
    call("docker", "start", container(service))
    until(f"{service} is healthy again", lambda: is_healthy(service))


def pause(service):
    call("docker", "pause", container(service))
    time.sleep(ABSENCE_SECS)
    call("docker", "unpause", container(service))
    until(f"{service} is healthy again", lambda: is_healthy(service))


def cut(service, network):
    """Takes a container off one network, and puts it back as it was."""
    name, which = f"{PROJECT}_{network}", container(service)
    was = inspect(service)["NetworkSettings"]["Networks"][name]
    address = (was.get("IPAMConfig") or {}).get("IPv4Address")
    aliases = [word for alias in was["Aliases"] or [] for word in ("--alias", alias)]
    call("docker", "network", "disconnect", name, which)
    time.sleep(ABSENCE_SECS)
    call("docker", "network", "connect", *(["--ip", address] if address else []), *aliases, name, which)
    until(f"{service} is healthy again", lambda: is_healthy(service))
    all_healthy()


def networks_of(service):
    return NETWORK_OF[service.split("-")[0]]


def a_chat_of_each_kind(cluster):
    chats.in_terminals(cluster)
    chats.under_load(cluster)


def a_chat_on_the_page(_):
    chats.in_browser()


def hardened(_):
    hardening.each_container()
    hardening.no_node_can_write()


def wrong_certificates(cluster):
    doors.each_network(cluster)


def nginx_is_content_with_its_files(_):
    """And says of nothing that it is outdated or ignored, but for what newer versions call `http2`."""
    done = call("docker", "exec", container("nginx"), "nginx", "-p", "/run/nginx", "-c", "/etc/nginx/chat/nginx.conf", "-t")
    warnings = [line for line in done.stdout.splitlines() if "[warn]" in line and "http2" not in line and "open file" not in line]
    if "test is successful" not in done.stdout or warnings:
        raise Fault(done.stdout)


def tls_as_mozilla_says(cluster):
    sslyze = shutil.which("sslyze") or str(ROOT / "tests/.cache/venv/bin/sslyze")
    done = subprocess.run(
        [sslyze, "--mozilla_config=intermediate", URL.removeprefix("https://")], text=True, timeout=300, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.split("COMPLIANCE AGAINST TLS CONFIGURATION")
    if len(said) != 2 or "Checking results against Mozilla's \"intermediate\"" not in said[1]:
        raise Fault(done.stdout)
    faults = [line.strip() for line in said[1].splitlines() if line.strip().startswith("*")]
    # The authority of `cipher-chat pki` is none of the browsers'. Everything else has to be as Mozilla says.
    if len(faults) != 1 or "certificate_path_validation" not in faults[0]:
        raise Fault("; ".join(faults) or said[1])


def logs_name_nobody(_):
    """Of people: the addresses of this machine on `front`, and their tokens and ids."""
    log = compose("logs", "--no-log-prefix", "nginx").stdout
    gateway = inspect("nginx")["NetworkSettings"]["Networks"][f"{PROJECT}_front"]["Gateway"]
    if '"route":"websocket"' not in log or '"route":"sessions"' not in log:
        raise Fault("Nginx logs nothing of the chats")
    for private in [gateway, "token", "Bearer", "HeadlessChrome", "/v1/"]:
        if private in log:
            raise Fault(f"the log of Nginx has {private}")


def each_of(acts):
    """Does all that to the cluster while people chat: (kill, service), (cut, service, network)."""
    return lambda cluster: chats.during(cluster, lambda: [act(*whom) for act, *whom in acts])


def deploy(*words, ends_with=0):
    started = time.monotonic()
    done = call(*words, check=False, timeout=600)
    print("   " + "\n   ".join(line for line in done.stdout.splitlines() if line[:2].isdigit()), flush=True)
    if done.returncode != ends_with:
        raise Fault(f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-2000:]}")
    print(f"   {' '.join(words)}: {time.monotonic() - started:.0f} s", flush=True)
    all_healthy()


def all_run(image):
    wrong = {node: inspect(node)["Config"]["Image"] for node in NODES}
    wrong = {node: runs for node, runs in wrong.items() if runs != image}
    if wrong:
        raise Fault(f"not {image}: {wrong}")


def updated(image):
    """Updates all nodes while people chat, and the load generator counts."""
    def case(cluster):
        chats.during_under_load(cluster, lambda: deploy("deploy/update", image))
        all_run(image)
    return case


def rolled_back(image):
    def case(cluster):
        chats.during_under_load(cluster, lambda: deploy("deploy/rollback"))
        all_run(image)
    return case


def update_that_fails(image):
    """The first node does not start. All is as before."""
    def case(cluster):
        chats.during(cluster, lambda: deploy("deploy/update", BROKEN, ends_with=1))
        all_run(image)
    return case


def start_with(image):
    """Brings another version up from nothing."""
    def case(cluster):
        cluster.down()
        ENVIRONMENT["CHAT_IMAGE"] = image
        cluster.up()
    return case
