"""A small cluster as it is deployed, on loopback: nodes with mutual TLS over a real NATS server, behind Nginx; and a
`serve`. Each of our processes is watched by strace."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from ops import is_ready
from person import PATIENCE_SECS, Person
from processes import ROOT, Fault, Running, free_ports, program, until
from stack import deployed

GATEWAYS = ["gateway-1", "gateway-2"]
NODES = [*GATEWAYS, "pairing-1", "janitor-1"]
# What a process does with files; `close` and the like tell nothing.
FILE_CALLS = "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,truncate,memfd_create"


class Patient(Person):
    """Somebody who answers the server's pings while nothing is expected."""

    def __init__(self, *told):
        super().__init__(*told)
        self.came = []

    def next(self):
        return self.came.pop(0) if self.came else super().next()

    def tend(self):
        if self.stream is None:
            return
        self.stream.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            while True:
                self.came.append(super().next())
        self.stream.settimeout(PATIENCE_SECS)


class PlainPerson(Patient):
    """Somebody who talks to a `serve` without TLS."""

    def open(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECS, source_address=(self.address, 0))


def clean():
    return {name: value for name, value in os.environ.items() if not name.startswith("CIPHER_CHAT_")}


class Cluster:
    """All of it, up and ready. `people` is the port that people come to."""

    def __init__(self, binary):
        self.home = Path(tempfile.mkdtemp(prefix="forgetting-"))
        self.binary, self.pki, self.running = binary, self.home / "pki", {}
        self.people, self.health, self.serve = free_ports(3)
        self.nats, self.node_ports = free_ports(3), dict(zip(NODES, free_ports(len(NODES))))

    def __enter__(self):
        try:
            self.make_certificates()
            self.start_nats()
            for name in NODES:
                self.start_node(name)
            self.start("serve", ["serve"], {"LISTEN": f"127.0.0.1:{self.serve}"})
            self.start_nginx()
            for name in [*NODES, "serve"]:
                until(f"{name} is ready", lambda name=name: is_ready(f"{self.home}/{name}.ops"))
        except BaseException:
            for each in self.running.values():
                print(f"{each.name}, which {'runs' if each.runs() else 'has ended'}: {each.said()[-500:]}")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for each in reversed(list(self.running.values())):
            each.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, name, words, variables=None):
        self.running[name] = Running(name, self.home / "run" / name, words, variables)

    def traced(self, name):
        """How a process of ours is started: its parent is this one, and strace is somewhere else."""
        return ["strace", "-D", "-f", "-qq", "-y", "--seccomp-bpf", "-e", f"trace={FILE_CALLS}", "-o", self.home / f"{name}.strace"]

    def start(self, name, words, options):
        # All that a node can say, more than an operator sees.
        variables = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full", "CIPHER_CHAT_LOG_FORMAT": "json"}
        options = {"OPS_LISTEN": f"unix:{self.home}/{name}.ops", "SESSION_RATE": "0", "CONNECT_RATE": "0"} | options
        if words[0] not in ("gateway", "serve"):
            options = {name: value for name, value in options.items() if not name.endswith("_RATE")}
        variables |= {f"CIPHER_CHAT_{option}": str(value) for option, value in options.items()}
        self.run(name, [*self.traced(name), self.binary, *words], variables)

    def make_certificates(self):
        def here(names):
            return ",".join(f"{name}=127.0.0.1+localhost" for name in names)
        done = subprocess.run(
            [self.binary, "pki", self.pki, "--gateways", here(GATEWAYS), "--pairing", here(["pairing-1"]), "--janitors", here(["janitor-1"]),
             "--nats", here(["nats-1"]), "--host", "localhost,127.0.0.1"], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Fault(f"cipher-chat pki: {done.stdout}")

    def start_nats(self):
        home, (clients, route, monitor) = self.home / "run" / "nats-1", self.nats
        home.mkdir(parents=True)
        shutil.copy(ROOT / "nats/nats.conf", home)
        (home / "node").symlink_to(self.pki / "nats-1")
        server = os.environ.get("NATS_SERVER") or program("nats-server")
        self.run("nats-1", [server, "-c", "nats.conf"], {
            "NATS_NAME": "nats-1", "NATS_LISTEN": f"127.0.0.1:{clients}", "NATS_ROUTE_LISTEN": f"127.0.0.1:{route}",
            "NATS_ROUTE_NAME": f"127.0.0.1:{route}", "NATS_ROUTES": f"[tls://127.0.0.1:{route}]", "NATS_MONITOR": f"127.0.0.1:{monitor}"})

    def start_node(self, name):
        role, files = name.split("-", maxsplit=1)[0], self.pki / name
        options = {
            "NODE_ID": name, "NATS": f"tls://127.0.0.1:{self.nats[0]}", "NATS_CA": files / "bus-ca.pem",
            "NATS_CERT": files / "bus.pem", "NATS_KEY": files / "bus.key"}
        if role == "gateway":
            options |= {
                "LISTEN": f"127.0.0.1:{self.node_ports[name]}", "TLS_CERT": files / "edge.pem", "TLS_KEY": files / "edge.key",
                "TLS_CLIENT_CA": files / "edge-ca.pem", "TLS_CLIENT_NAMES": files / "edge-names.txt", "TRUSTED_PROXY": "127.0.0.1/32",
                "MATCHING": "random,invite"}
        self.start(name, [role], options)

    def start_nginx(self):
        home, conf = self.home / "run" / "nginx", self.home / "run" / "nginx" / "chat"
        shutil.copytree(ROOT / "nginx", conf, ignore=shutil.ignore_patterns("node"))
        (conf / "node").symlink_to(self.pki / "nginx")
        (home / "run").mkdir()
        servers = [(f"server {name}:8443", f"server 127.0.0.1:{self.node_ports[name]}") for name in GATEWAYS]
        upstream = deployed("nginx/upstream.conf", servers)
        (conf / "upstream.conf").write_text("\n".join(line for line in upstream.splitlines() if "server gateway-" not in line) + "\n", encoding="utf-8")
        listen = deployed("nginx/listen.conf", [("listen 8443", f"listen 127.0.0.1:{self.people}")])
        (conf / "listen.conf").write_text("\n".join(line for line in listen.splitlines() if "[::]" not in line) + "\n", encoding="utf-8")
        (conf / "health.conf").write_text(deployed("nginx/health.conf", [("8081", str(self.health))]), encoding="utf-8")
        nginx = os.environ.get("NGINX") or program("nginx")
        self.run("nginx", [nginx, "-p", home / "run", "-c", conf / "nginx.conf", "-g", "daemon off;"])

    def processes(self, name):
        """A process, and those that it has started."""
        first = self.running[name].process.pid
        if name != "nginx":
            return [first]
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
        return [first, *map(int, children)]
