"""The cluster is broken in the ways that happen. Each time the right alarm arrives, and what the runbook says to look at shows the cause."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import people
from ops import ask
from processes import ROOT, Fault, until
from stack import GATEWAYS, NATS, NODES, PAIRING

# What comes and goes with the look-back is gone by then, and what Prometheus has taken back has arrived.
CALM_SECS = 240
RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")


def firing(stack):
    """The alarms that Prometheus raises, but for the one that is always there."""
    return {(alarm["metric"]["alertname"], alarm["metric"].get("node") or alarm["metric"].get("store", ""))
            for alarm in stack.query('ALERTS{alertstate="firing", alertname!="Watchdog"}')}


def all_is_well(stack, _):
    until("the watchdog's alarm arrives", lambda: any(alarm["labels"]["alertname"] == "Watchdog" for alarm in stack.webhook.alarms()))
    # Nodes that have just started may have looked wrong for a moment.
    until(f"no alarm, but there are {firing(stack)}", lambda: not firing(stack))
    all_scraped = stack.query('up == 1')
    if len(all_scraped) < len(NODES) + 3:
        raise Fault(f"only {len(all_scraped)} are scraped")


def all_is_well_again(stack, _):
    until("no alarm is left", lambda: not firing(stack), CALM_SECS)

    def left():
        """What was sent last of each."""
        last = {}
        for alarm in stack.webhook.alarms():
            last[alarm["fingerprint"]] = alarm
        return [alarm["labels"]["alertname"] for alarm in last.values() if alarm["status"] != "resolved" and alarm["labels"]["alertname"] not in ("Watchdog", "Planted")]
    until("every alarm is taken back where it was sent", lambda: not left(), CALM_SECS)


def broken(act):
    """A case that breaks something. What it waits for can only come of that: it begins when nothing is wrong."""
    def case(stack, canaries):
        all_is_well_again(stack, canaries)
        stack.heard_before = len(stack.webhook.alarms())
        act(stack, canaries)
    return case


def every_query_is_answered(stack, _):
    """Also those about what keeps logs and traces. A comparison says 1 or 0 instead of leaving out what it is not true of."""
    rules = stack_rules(stack)
    asked = [re.sub(r" (==|!=|>=|<=|>|<) ", r" \1 bool ", rule["query"]) for rule in rules]
    for path in sorted((ROOT / "operations/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            asked += [target["expr"].replace("$__rate_interval", "1m") for target in panel.get("targets", [])]
    people.load(stack, None)
    for query in asked:
        until(f"an answer to {query}", lambda: stack.query(query))
    print(f"   {len(asked)} queries", flush=True)


def stack_rules(stack):
    groups = json.loads(ask(stack.prometheus, "/api/v1/rules")[1])["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


# ---- What is there to look at.

def paragraph(alarm):
    """What the runbook says of an alarm, in one line."""
    _, found, rest = RUNBOOK.partition(f"\n### {alarm}\n")
    if not found:
        raise Fault(f"the runbook does not know {alarm}")
    return " ".join(re.split(r"\n##", rest)[0].split())


def told(stack, alarm, of="", says=()):
    """Waits until the alarm has arrived where Alertmanager sends it. Its link leads to its paragraph, and that says where to look."""
    def arrived():
        return next((sent for sent in stack.webhook.alarms()[stack.heard_before:] if sent["labels"]["alertname"] == alarm and sent["status"] == "firing"
                     and of in (sent["labels"].get("node"), sent["labels"].get("store"), "")), None)
    started = time.monotonic()
    sent = until(f"{alarm} {of} arrives; there are {firing(stack)}", arrived)
    if sent["annotations"]["runbook"] != f"docs/runbook.md#{alarm.lower()}" or not sent["annotations"]["summary"]:
        raise Fault(f"{alarm} leads nowhere: {sent['annotations']}")
    missing = [word for word in says if word not in paragraph(alarm)]
    if missing:
        raise Fault(f"the runbook does not say of {alarm}: {missing}")
    print(f"   {alarm} {of} after {time.monotonic() - started:.0f} s: {sent['annotations']['summary']}", flush=True)


def log_says(stack, query, what):
    """The log store answers as the runbook promises."""
    return until(f"the log store knows {what}", lambda: stack.lines(query))


def targets_say(stack, node, what):
    """Prometheus's page of targets."""
    targets = json.loads(ask(stack.prometheus, "/api/v1/targets")[1])["data"]["activeTargets"]
    errors = [target["lastError"] for target in targets if target["labels"].get("node") == node]
    if not any(what in error for error in errors):
        raise Fault(f"Prometheus's targets say of {node}: {errors}")


def logs_arrive(stack, _):
    for who in NODES:
        log_says(stack, f'app_name:"cipher-chat" hostname:"{who}" | unpack_json | "fields.event":"node.started" | limit 1', f"that {who} has started")
    nginx = log_says(stack, 'app_name:nginx | unpack_json | limit 1000', "what Nginx has answered")
    if not {"sessions", "websocket"} <= {line.get("route") for line in nginx}:
        raise Fault(f"Nginx's lines are not read: {nginx[:3]}")
    log_says(stack, 'app_name:~"nats" _msg:"Server is ready"', "that a NATS server is ready")


def traces_arrive(stack, _):
    if not stack.has_traces:
        print("   this cipher-chat is built without traces: the collector and Jaeger are tried with a planted span below", flush=True)
        return

    def traces():
        _, body = ask(stack.jaeger, "/api/services")
        names = [name for name in json.loads(body or b"{}").get("data") or [] if name not in ("planted", "jaeger")]
        return [trace for name in names for trace in json.loads(ask(stack.jaeger, f"/api/traces?service={name}&limit=5000&lookback=2h")[1])["data"]]

    def one_with(*spans):
        """A trace with all these spans, from more than one node."""
        return next((trace for trace in traces() if set(spans) <= {span["operationName"] for span in trace["spans"]}
                     and len({json.dumps(process, sort_keys=True) for process in trace["processes"].values()}) > 1), None)
    match = until("a match is one trace, over gateway and pairing", lambda: one_with("match", "pair"))
    until("a resume is a trace", lambda: any(span["operationName"] == "resume" for trace in traces() for span in trace["spans"]))
    print(f"   a match: {len(match['spans'])} spans of {len(match['processes'])} nodes", flush=True)


# ---- Broken.

@broken
def gateway_is_killed(stack, canaries):
    pair = people.couple(stack, canaries, topic=canaries.word("topic"))
    people.talk(canaries, *pair)
    node = stack.running[GATEWAYS[0]]
    node.kill()
    told(stack, "NodeDown", node.name, ["does the process run", "Targets"])
    targets_say(stack, node.name, "connection refused")
    node.start()
    until("it is back", lambda: stack.ops(node.name)[0] == 200)
    for each in pair:
        each.lose()


@broken
def nats_server_is_killed(stack, _):
    server = until("a NATS server that several nodes are connected to", lambda: busiest(stack))
    stack.running[server].kill()
    told(stack, "NatsServerLost", says=["bus.lost", "server list"])
    lost = log_says(stack, '"bus.lost" | unpack_json | "fields.event":"bus.lost"', "who has lost its server")
    if len({line["hostname"] for line in lost}) < 2:
        raise Fault(f"bus.lost is said by {lost}")
    stack.running[server].start()
    until("it is back", lambda: ask(stack.nats_ports[server][2], "/healthz")[0] == 200)


def busiest(stack):
    counts = {name: len(json.loads(ask(stack.nats_ports[name][2], "/connz")[1])["connections"]) for name in NATS}
    name = max(counts, key=counts.get)
    return name if counts[name] > 1 else None


@broken
def nats_is_cut(stack, _):
    for name in NATS:
        stack.running[name].send(signal.SIGSTOP)
    try:
        told(stack, "NodeNotReady", GATEWAYS[1], ["/readyz", "the bus is down", "NATS"])
        status, reasons = stack.ops(GATEWAYS[1])
        if status != 503 or "the bus is down" not in reasons:
            raise Fault(f"/readyz says {status} {reasons}")
    finally:
        for name in NATS:
            stack.running[name].send(signal.SIGCONT)
    for node in NODES:
        until(f"{node} is ready again", lambda: stack.ops(node)[0] == 200)


@broken
def pairing_is_gone(stack, _):
    for name in PAIRING:
        stack.running[name].kill()
    told(stack, "NobodyMatches", says=["do the pairing nodes run", "NodeDown"])
    for name in PAIRING:
        told(stack, "NodeDown", name)
    until("the gateways say which role is missing", lambda: "no pairing node is running" in stack.ops(GATEWAYS[1])[1])
    log_says(stack, '"health.role-missing"', "that a role is missing")
    for name in PAIRING:
        stack.running[name].start()
    until("somebody leads", lambda: stack.query("sum(cipher_chat_pairing_leading) == 1"))


@broken
def certificates(stack, _):
    """A valid one that ends in ten days, and one whose key is another."""
    node, renewed = stack.pki / GATEWAYS[1], stack.home / "renewed"
    kept = {name: (node / name).read_bytes() for name in ["operations.pem", "operations.key", "edge.pem"]}
    # As an operator renews, from the same authorities.
    shutil.copytree(stack.pki, renewed)
    subprocess.run([stack.binary, "pki", renewed, "--renew", "--days", "10"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in ["operations.pem", "operations.key"]:
        (node / name).write_bytes((renewed / GATEWAYS[1] / name).read_bytes())
    # One of the two files was forgotten.
    (node / "edge.pem").write_bytes((renewed / GATEWAYS[1] / "edge.pem").read_bytes())
    stack.running[GATEWAYS[1]].send(signal.SIGHUP)
    told(stack, "CertificateEndsSoon", GATEWAYS[1], ["the label `use`", "operations", "--renew"])
    told(stack, "CertificateIsUnfit", GATEWAYS[1], ["changed certificate files are unfit", "the key does not fit"])
    log_says(stack, f'hostname:"{GATEWAYS[1]}" "changed certificate files are unfit"', "which file is unfit")
    if len(stack.query(f'up{{node="{GATEWAYS[1]}"}} == 1')) != 1:
        raise Fault("the short certificate is not believed")
    for name, was in kept.items():
        (node / name).write_bytes(was)
    stack.running[GATEWAYS[1]].send(signal.SIGHUP)
    until("the old ones are taken", lambda: not any(alarm == "CertificateEndsSoon" for alarm, _ in firing(stack)))


@broken
def flood(stack, canaries):
    with people.flood(stack, canaries.address()) as refused:
        told(stack, "Flood", says=["--trusted-proxy", "order admission"])
        until("the dashboard shows the cause", lambda: stack.query('sum by (cause) (rate(cipher_chat_gateway_http_refusals_total{cause="rate"}[1m])) > 1'))
        log_says(stack, '"clients.refused" | unpack_json | "fields.cause":rate', "why clients are refused")
        print(f"   {len(refused)} requests were refused", flush=True)


@broken
def logs_are_full(stack, _):
    store = stack.running["victorialogs"]
    filler = store.home / "data" / "filler"
    if os.geteuid() == 0:
        disk = os.statvfs(store.home / "data")
        # Less is left than it keeps free.
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - 500_000)
    else:
        store.stop()
        stack.start_logs("1EiB")
    told(stack, "LogsAreFull", "logs", ["LOGS_FREE", "df", "LOGS_SIZE"])
    free = stack.query("vl_free_disk_space_bytes")
    if os.geteuid() == 0 and (not free or float(free[0]["value"][1]) > 1_000_000):
        raise Fault(f"the dashboard shows no full disk: {free}")
    filler.unlink(missing_ok=True)
    if os.geteuid() != 0:
        stack.running["victorialogs"].stop()
        stack.start_logs("1MiB")
    # Only what comes from now on: the store said nothing to anybody meanwhile, and nobody waited.
    until("it takes lines again", lambda: stack.query("vl_storage_is_read_only == 0"))
    before = len(stack.lines("hostname:janitor-1 | unpack_json"))
    stack.running["janitor-1"].send(signal.SIGHUP)
    until("a new line arrives", lambda: len(stack.lines("hostname:janitor-1 | unpack_json")) > before)


@broken
def traces_are_gone(stack, _):
    stack.running["jaeger"].kill()
    told(stack, "StoreDown", "traces", ["docker compose", "jaeger"])
    stack.running["jaeger"].start()
    until("it is back", lambda: stack.query('up{store="traces"} == 1'))
