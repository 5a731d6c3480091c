"""Who watches the cluster: the profile `operations`, but for Grafana, for which there is no stand-in."""

import http.client
import json
import ssl
import urllib.request
from urllib.parse import quote

import chats
import hardening
from engine import ENVIRONMENT, NATS, NODES, SERVICES, WATCHERS, Fault, compose, inspect, until

# The port of a page on the loopback of this machine.
PORTS = {"prometheus": "PROMETHEUS_PORT", "alertmanager": "ALERTMANAGER_PORT", "victorialogs": "VICTORIALOGS_PORT"}


def watched(cluster):
    """Starts them beside the cluster, and takes them away again."""
    ENVIRONMENT["COMPOSE_PROFILES"] = "operations"
    try:
        one_by_one()
        compose("up", "--detach", "--wait", "--no-build", *SERVICES, *WATCHERS)
        until("every node and every store is scraped", lambda: scraped() == {*NODES, "logs", "collector", "traces"})
        # Everybody has something to say.
        compose("kill", "--signal", "HUP", *NODES, *NATS)
        chats.in_terminals(cluster)
        until("the logs of everybody arrive", lambda: not {*NODES, *NATS, "nginx"} - heard())
        # Prometheus says it again after a minute if Alertmanager was not there yet.
        until("the watchdog's alarm arrives",
              lambda: "Watchdog" in {alarm["labels"]["alertname"] for alarm in page("alertmanager", "/api/v2/alerts")}, 180)
        until("the console shows the operator every node", lambda: set(NODES) <= shown(cluster, "ops"))
        hardening.all_of(WATCHERS)
        wrong = [*open_to_others(), *console_opens(cluster)]
        if wrong:
            raise Fault("; ".join(wrong))
    except Fault:
        # Before they are gone.
        compose("logs", "--tail", "8", *WATCHERS, quiet=False, check=False)
        raise
    finally:
        compose("rm", "--stop", "--force", *WATCHERS, check=False)
        del ENVIRONMENT["COMPOSE_PROFILES"]
        # The NATS servers keep their log themselves again.
        one_by_one()
        compose("up", "--detach", "--wait", "--no-build")


def one_by_one():
    """The NATS servers, whose log goes elsewhere: never all of them at once."""
    for server in NATS:
        compose("up", "--detach", "--wait", "--no-build", "--no-deps", server)


def page(service, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{ENVIRONMENT[PORTS[service]]}{path}", timeout=20) as answer:
        return json.load(answer)


def scraped():
    answer = page("prometheus", f"/api/v1/query?query={quote('up == 1')}")
    return {one["metric"].get("node") or one["metric"].get("store") for one in answer["data"]["result"]}


def heard():
    """Whose lines the log store has."""
    query = quote("* | stats by (hostname) count() as lines")
    with urllib.request.urlopen(f"http://127.0.0.1:{ENVIRONMENT['VICTORIALOGS_PORT']}/select/logsql/query?query={query}", timeout=20) as answer:
        return {json.loads(line)["hostname"] for line in answer}


def shown(cluster, member):
    """The nodes that the console shows to who has this member's certificate."""
    trust = ssl.create_default_context(cafile=cluster.pki / "ops" / "operations-ca.pem")
    trust.load_cert_chain(cluster.pki / member / "operations.pem", cluster.pki / member / "operations.key")
    console = http.client.HTTPSConnection("localhost", int(ENVIRONMENT["CONSOLE_PORT"]), timeout=20, context=trust)
    console.request("GET", "/overview")
    return {node["node"] for node in json.load(console.getresponse())["nodes"]}


def console_opens(cluster):
    """Nobody's certificate but the operator's opens it."""
    for member in ["prometheus", "collector", "gateway-1", "console"]:
        try:
            shown(cluster, member)
        except OSError:
            continue
        yield f"the console opens to {member}"


def open_to_others():
    """Pages have no passwords: they are published on loopback alone."""
    for service in WATCHERS:
        for port, to in (inspect(service)["NetworkSettings"]["Ports"] or {}).items():
            if any(place["HostIp"] != "127.0.0.1" for place in to or []):
                yield f"{service} is published at {port}: {to}"
