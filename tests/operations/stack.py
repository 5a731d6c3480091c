"""The whole stack of the profile `operations` on loopback, with the files that are deployed: the cluster with mutual
TLS behind Nginx, and who watches it. Only addresses, and the times in which something is noticed, are others."""

import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from ops import ask, ask_json, ask_tls
from processes import ROOT, Fault, Running, free_ports, program, tool, until

GATEWAYS = ["gateway-1", "gateway-2", "gateway-3"]
PAIRING = ["pairing-1", "pairing-2"]
JANITORS = ["janitor-1", "janitor-2"]
NATS = ["nats-1", "nats-2", "nats-3"]
NODES = [*GATEWAYS, *PAIRING, *JANITORS]
# An alarm waits for minutes so that nobody is woken up for nothing. Here it waits for this, and looks back so far.
SOON, LOOK_BACK = "1s", "20s"


def deployed(name, changes):
    """A file as it is deployed, with other addresses."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for what, by in changes:
        if what not in text:
            raise Fault(f"{what} is not in {name}")
        text = text.replace(what, by)
    return text


class Webhook(http.server.ThreadingHTTPServer):
    """Receives what Alertmanager sends; shows one page of metrics, for the planted canary."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.bodies, self.page = [], b""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def alarms(self):
        """All that has ever arrived."""
        return [alarm for body in list(self.bodies) for alarm in json.loads(body)["alerts"]]


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *_):
        pass


class Stack:
    def __init__(self, binary):
        # Everybody may pass, nobody may list: one gateway runs as somebody else.
        self.home = Path(tempfile.mkdtemp(prefix="operations-"))
        self.home.chmod(0o711)
        self.binary = self.home / "cipher-chat"
        shutil.copy(binary, self.binary)
        self.binary.chmod(0o755)
        self.pki, self.running, self.mounted = self.home / "pki", {}, []
        # Only what is built with the feature `traces` has them.
        self.has_traces = subprocess.run(
            [self.binary, "check", "janitor", "--nats", "nats://127.0.0.1:4222", "--otlp-endpoint", "http://127.0.0.1:4317"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
        self.webhook = Webhook()
        [self.people, self.health, self.prometheus, self.alertmanager, self.logs, self.jaeger, self.jaeger_otlp, self.jaeger_grpc,
         self.jaeger_metrics, self.otlp, self.otlp_http, self.collector_metrics, self.console] = free_ports(13)
        self.nats_ports = {name: free_ports(3) for name in NATS}
        self.node_ports = {name: free_ports(2) for name in NODES}
        [self.syslog] = free_ports(1, socket.SOCK_DGRAM)

    def __enter__(self):
        try:
            self.make_certificates()
            self.start_stores()
            self.start_nats()
            for node in NODES:
                self.start_node(node)
            self.start_nginx()
            self.start_watchers()
            self.is_up()
        except BaseException:
            for each in self.running.values():
                print(f"{each.name}, which {'runs' if each.runs() else 'has ended'}: {each.said()[-500:]}")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for each in reversed(list(self.running.values())):
            each.stop()
        self.webhook.shutdown()
        for place in self.mounted:
            subprocess.run(["umount", place], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, name, words, variables=None, **how):
        self.running[name] = Running(name, self.home / "run" / name, words, variables, **how)
        return self.running[name]

    def make_certificates(self):
        def here(names):
            return ",".join(f"{name}=127.0.0.1+localhost" for name in names)
        subprocess.run(
            [self.binary, "pki", self.pki, "--gateways", here(GATEWAYS), "--pairing", here(PAIRING), "--janitors", here(JANITORS),
             "--nats", here(NATS), "--host", "localhost,127.0.0.1"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    # ---- What keeps logs and traces.

    def start_stores(self, least_free="1MiB"):
        data = self.home / "run" / "victorialogs" / "data"
        data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0 and not os.path.ismount(data):
            # A small disk of its own, so that it can be filled.
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", data], check=True)
            self.mounted.append(data)
        self.start_logs(least_free)
        def moved(name, port):
            path = self.home / f"{name}.yml"
            path.write_text(deployed(f"operations/{name}.yml", [("port: 8888", f"port: {port}")]), encoding="utf-8")
            return path
        jaeger = tool("jaeger")
        self.run("jaeger", [jaeger, "--config", moved("jaeger", self.jaeger_metrics)], {
            "OTLP_LISTEN": f"127.0.0.1:{self.jaeger_otlp}", "PAGE_LISTEN": f"127.0.0.1:{self.jaeger}", "METRICS_HOST": "127.0.0.1",
            "GRPC_LISTEN": f"127.0.0.1:{self.jaeger_grpc}"})
        # The collector's own image cannot be had everywhere. Jaeger's program is built from the same parts
        # (go.opentelemetry.io/collector) and reads the same file. A door over HTTP is added for this test.
        door = self.home / "door.yml"
        door.write_text(f"receivers: {{ otlp: {{ protocols: {{ http: {{ endpoint: '127.0.0.1:{self.otlp_http}' }} }} }} }}\n", encoding="utf-8")
        self.run("collector", [jaeger, "--config", moved("collector", self.collector_metrics), "--config", door], {
            "OTLP_LISTEN": f"127.0.0.1:{self.otlp}", "TRACES_TO": f"127.0.0.1:{self.jaeger_otlp}", "METRICS_HOST": "127.0.0.1"})

    def start_logs(self, least_free):
        self.run("victorialogs", [
            tool("victoria-logs"), "-storageDataPath=data", f"-storage.minFreeDiskSpaceBytes={least_free}", "-memory.allowedBytes=64MiB",
            f"-syslog.listenAddr.udp=127.0.0.1:{self.syslog}", f"-httpListenAddr=127.0.0.1:{self.logs}"])

    # ---- The cluster.

    def start_nats(self):
        routes = ", ".join(f"tls://127.0.0.1:{ports[1]}" for ports in self.nats_ports.values())
        for name, (clients, route, monitor) in self.nats_ports.items():
            home = self.home / "run" / name
            home.mkdir(parents=True)
            shutil.copy(ROOT / "nats/nats.conf", home)
            (home / "node").symlink_to(self.pki / name)
            # As in a container, each has a host's name of its own.
            self.run(name, [
                program("nats-server"), "-c", "nats.conf", "--remote_syslog", f"udp://127.0.0.1:{self.syslog}"], {
                    "NATS_NAME": name, "NATS_LISTEN": f"127.0.0.1:{clients}", "NATS_ROUTE_LISTEN": f"127.0.0.1:{route}",
                    "NATS_ROUTE_NAME": f"127.0.0.1:{route}", "NATS_ROUTES": f"[{routes}]", "NATS_MONITOR": f"127.0.0.1:{monitor}"})
        for name, ports in self.nats_ports.items():
            until(f"{name} has routes to the others", lambda: len({
                route["remote_name"] for route in (ask_json(ports[2], "/routez") or {"routes": []})["routes"] or []}) == len(NATS) - 1)

    def start_node(self, name):
        role = name.split("-", maxsplit=1)[0]
        files, (clients, ops) = self.pki / name, self.node_ports[name]
        options = {
            # On loopback it would be plain; here it is as it is on a network.
            "node-id": name, "ops-listen": f"0.0.0.0:{ops}", "log-format": "json", "syslog": f"127.0.0.1:{self.syslog}",
            "nats": self.servers(),
            "nats-ca": files / "bus-ca.pem", "nats-cert": files / "bus.pem", "nats-key": files / "bus.key",
            "ops-tls-cert": files / "operations.pem", "ops-tls-key": files / "operations.key",
            "ops-tls-client-ca": files / "operations-ca.pem", "ops-tls-client-names": files / "operations-names.txt"}
        if role == "gateway":
            options |= {
                "listen": f"127.0.0.1:{clients}", "tls-cert": files / "edge.pem", "tls-key": files / "edge.key",
                "tls-client-ca": files / "edge-ca.pem", "tls-client-names": files / "edge-names.txt", "trusted-proxy": "127.0.0.1/32",
                "grace": "5s"}
        if self.has_traces:
            options |= {"otlp-endpoint": f"http://127.0.0.1:{self.otlp}", "trace-sample": "1"}
        # Everything that a node can say, more than an operator sees.
        variables = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full"}
        variables |= {f"CIPHER_CHAT_{option.upper().replace('-', '_')}": str(value) for option, value in options.items()}
        how = {}
        if name == GATEWAYS[-1] and os.geteuid() == 0:
            # Somebody of its own, whose threads can be counted (people.py, `crash`).
            how = {"user": 65531, "group": 65531, "extra_groups": []}
            for path in [files, *files.iterdir()]:
                os.chown(path, 65531, 65531)
            self.pki.chmod(0o711)
        self.run(name, [self.binary, role], variables, **how)

    def ops(self, node, path="/readyz"):
        """What a node's ops listener answers to Prometheus's certificate."""
        return ask_tls(self.node_ports[node][1], path, watcher(self.pki / "prometheus"))

    def start_nginx(self):
        home, conf = self.home / "run" / "nginx", self.home / "run" / "nginx" / "chat"
        shutil.copytree(ROOT / "nginx", conf)
        shutil.rmtree(conf / "node")
        (conf / "node").symlink_to(self.pki / "nginx")
        (home / "operations").mkdir()
        (home / "run").mkdir()
        servers = [(f"server {name}:8443", f"server 127.0.0.1:{self.node_ports[name][0]}") for name in GATEWAYS]
        (conf / "upstream.conf").write_text(deployed("nginx/upstream.conf", servers), encoding="utf-8")
        listen = deployed("nginx/listen.conf", [("listen 8443", f"listen 127.0.0.1:{self.people}")])
        (conf / "listen.conf").write_text("\n".join(line for line in listen.splitlines() if "[::]" not in line) + "\n", encoding="utf-8")
        (conf / "health.conf").write_text(deployed("nginx/health.conf", [("8081", str(self.health))]), encoding="utf-8")
        (home / "operations" / "logs.conf").write_text(
            deployed("operations/nginx/logs.conf", [("logs:5140", f"127.0.0.1:{self.syslog}")]), encoding="utf-8")
        self.run("nginx", [program("nginx"), "-p", home / "run", "-c", conf / "nginx.conf", "-g", "daemon off;"])

    # ---- Who watches.

    def servers(self):
        return ",".join(f"tls://127.0.0.1:{ports[0]}" for ports in self.nats_ports.values())

    def start_console(self):
        files = self.pki / "console"
        # On loopback, without TLS: what it shows is the same.
        options = {
            "node-id": "ops", "ops-listen": f"127.0.0.1:{self.console}", "log-format": "json", "syslog": f"127.0.0.1:{self.syslog}", "nats": self.servers(),
            "nats-ca": files / "bus-ca.pem", "nats-cert": files / "bus.pem", "nats-key": files / "bus.key"}
        variables = {f"CIPHER_CHAT_{option.upper().replace('-', '_')}": str(value) for option, value in options.items()}
        self.run("console", [self.binary, "console"], {"RUST_LOG": "trace"} | variables)

    def top(self):
        """One look of `cipher-chat top`, as JSON."""
        context = self.pki / "ops" / "nats" / "context" / "ops.json"
        words = [self.binary, "top", "--once", "--json", "--context", context, "--nats", self.servers()]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise Fault(f"top ends with {done.returncode}: {done.stdout[-500:]!r}")
        return done.stdout

    def start_watchers(self):
        self.start_console()
        home = self.home / "run" / "alertmanager"
        home.mkdir(parents=True)
        hook = f"webhook_configs: [{{ url: 'http://127.0.0.1:{self.webhook.server_port}/' }}]"
        (home / "alertmanager.yml").write_text(deployed("operations/alertmanager.yml", [
            ("group_wait: 10s", "group_wait: 1s"), ("group_interval: 1m", "group_interval: 1s"),
            *((f"\n  - name: {name}\n", f"\n  - name: {name}\n    {hook}\n") for name in ["page", "ticket"]),
            ("\n  - name: watchdog\n", f"\n  - name: watchdog\n    {hook}\n")]), encoding="utf-8")
        self.run("alertmanager", [
            program("alertmanager", "prometheus-alertmanager"), "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{self.alertmanager}"])
        home = self.home / "run" / "prometheus"
        for place in ["targets", "stores"]:
            (home / place).mkdir(parents=True)
        (home / "node").symlink_to(self.pki / "prometheus")
        planted = f"\n  - job_name: planted\n    static_configs: [{{ targets: ['127.0.0.1:{self.webhook.server_port}'] }}]\n"
        (home / "prometheus.yml").write_text(deployed("operations/prometheus.yml", [
            ("scrape_interval: 15s", "scrape_interval: 1s"), ("scrape_timeout: 5s", "scrape_timeout: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"), ("alertmanager:9093", f"127.0.0.1:{self.alertmanager}")]) + planted, encoding="utf-8")
        rules = deployed("operations/alerts.yml", [])
        rules = re.sub(r"for: \d+[smh]", f"for: {SOON}", re.sub(r"\[\d+[smh]\]", f"[{LOOK_BACK}]", rules))
        (home / "alerts.yml").write_text(rules, encoding="utf-8")
        (home / "targets" / "nodes.yml").write_text(deployed("operations/targets/nodes.yml", [
            (f"{name}:9090", f"127.0.0.1:{self.node_ports[name][1]}") for name in NODES]), encoding="utf-8")
        (home / "stores" / "stores.yml").write_text(deployed("operations/stores/stores.yml", [
            ("victorialogs:9428", f"127.0.0.1:{self.logs}"), ("collector:8888", f"127.0.0.1:{self.collector_metrics}"),
            ("jaeger:8888", f"127.0.0.1:{self.jaeger_metrics}")]), encoding="utf-8")
        self.run("prometheus", [
            program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn", "--rules.alert.resend-delay=1s",
            f"--web.listen-address=127.0.0.1:{self.prometheus}"])

    def is_up(self):
        for node in NODES:
            until(f"{node} is ready", lambda: self.ops(node)[0] == 200)
        until("Nginx reaches a gateway", lambda: ask(self.health, "/healthz")[0] in (200, 204))
        until("the console shows every node", lambda: set(NODES) <= {
            node["node"] for node in (ask_json(self.console, "/overview") or {"nodes": []})["nodes"]})
        until("every node is scraped", lambda: len(self.query('up{job="cipher-chat"} == 1')) == len(NODES))
        until("every store is scraped", lambda: len(self.query('up{job="stores"} == 1')) == 3)

    def query(self, query):
        """What Prometheus answers."""
        answer = ask_json(self.prometheus, f"/api/v1/query?query={quote(query)}")
        return answer["data"]["result"] if answer else []

    def lines(self, query):
        """What the log store answers, a dictionary each."""
        status, body = ask(self.logs, f"/select/logsql/query?limit=100000&query={quote(query)}")
        if status != 200:
            raise Fault(f"the log store answers {status}: {body[:300]!r}")
        return [json.loads(line) for line in body.splitlines()]


def watcher(identity):
    """Who asks with a watcher's certificate."""
    tls = ssl.create_default_context(cafile=identity / "operations-ca.pem")
    tls.load_cert_chain(identity / "operations.pem", identity / "operations.key")
    return tls
