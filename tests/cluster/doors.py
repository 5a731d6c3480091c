"""An intruder on each network: what can be reached from there, and which certificates open it."""

import json
import sys

from engine import NETWORK, NETWORKS, PROJECT, ROOT, Fault, call, inspect

# The last number of a member's address, on each of its networks.
HOSTS = {"nats-1": 11, "nats-2": 12, "nats-3": 13, "gateway-1": 21, "gateway-2": 22, "gateway-3": 23,
         "pairing-1": 31, "pairing-2": 32, "janitor-1": 41, "janitor-2": 42}
ON = {"front": [], "edge": ["gateway-1", "gateway-2", "gateway-3"], "bus": list(HOSTS),
      "routes": ["nats-1", "nats-2", "nats-3"], "operations": list(HOSTS)}
# Ports that listen inside a container: clients and operators of NATS, its routes, gateways, health.
BUS, ROUTE, EDGE, MONITOR, OPS, HEALTH = 4222, 6222, 8443, 8222, 9090, 8081

BUS_KEYS = sorted([f"{node}/bus" for node in HOSTS if not node.startswith("nats")] + ["console/bus", "ops/bus", "sys/bus"])
EDGE_KEYS = ["nginx/edge"]
OPS_KEYS = ["collector/operations", "prometheus/operations"]


def expected(member, network, port):
    """Which certificates open it, if anybody may; None if nobody listens for others."""
    kind = member.split("-")[0]
    # OpenSSL 3.0 to 3.4 knows no X25519MLKEM768, the only group of a route: from here it opens to nobody.
    # tests/integration/inner_links.rs tries each certificate there.
    doors = {("nats", "bus"): {BUS: BUS_KEYS}, ("nats", "routes"): {ROUTE: []}, ("gateway", "edge"): {EDGE: EDGE_KEYS}}
    doors |= {(node, "operations"): {OPS: OPS_KEYS} for node in ["gateway", "pairing", "janitor"]}
    return doors.get((kind, network), {}).get(port)


def door(port):
    return {BUS: "bus", ROUTE: "other", OPS: "operations"}.get(port, "edge")


def each_network(cluster):
    # The same names, of authorities that are not ours.
    call(cluster.binary, "pki", cluster.pki / "foreign")
    wrong = [f"{network}: {fault}" for network in NETWORKS for fault in faults_on(cluster, network)]
    if wrong:
        raise Fault("; ".join(wrong))


def faults_on(cluster, network):
    third = NETWORKS.index(network)
    own = {f"{NETWORK}.{third}.{HOSTS[member]}": member for member in ON[network]}
    # Members of other networks, too: no way leads to them.
    foreign = {f"{NETWORK}.{NETWORKS.index(other)}.{HOSTS[member]}": member
               for other in NETWORKS if other != network for member in ON[other]}
    ports = [BUS, ROUTE, EDGE, MONITOR, OPS]
    targets = [f"{address}:{port}={door(port)}" for address in own for port in ports]
    targets += [f"{address}:{port}={door(port)}" for address in list(foreign) if network != "front" for port in (BUS, EDGE, OPS)]
    nginx = inspect("nginx")["NetworkSettings"]["Networks"].get(f"{PROJECT}_{network}", {}).get("IPAddress")
    if nginx:
        targets += [f"{nginx}:{EDGE}=public", f"{nginx}:{HEALTH}=edge"]
    found = intrude(cluster, network, targets)
    for target, keys in found.items():
        address, port = target.rsplit(":", 1)
        if address == nginx:
            # People need no certificate, and it does not matter which they have.
            if (port == str(EDGE)) != ("none" in keys):
                yield f"Nginx at {port}: {keys}"
            continue
        member = own.get(address)
        keys_of = expected(member, network, int(port)) if member else None
        if found[target] != (keys_of if keys_of is not None else "closed"):
            yield f"{member or foreign[address]} at {port}: {keys}, not {keys_of if keys_of is not None else 'closed'}"
    if len(found) != len(targets) or not found:
        yield f"{len(found)} of {len(targets)} places were tried"


def intrude(cluster, network, targets):
    """Runs the intruder in a container of that network: the machine's own Python, read-only."""
    done = call(
        "docker", "run", "--rm", "--network", f"{PROJECT}_{network}", "--volume", "/:/host:ro", f"{PROJECT}/busybox",
        "/bin/chroot", "/host", sys.executable, f"{ROOT}/tests/cluster/intruder.py", cluster.pki, *targets, timeout=500)
    return json.loads(done.stdout.strip().splitlines()[-1])
