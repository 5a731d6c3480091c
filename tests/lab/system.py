"""The cluster of the lab: the real binary, nats-server and Nginx with the files that are shipped, each in a network of its own."""

import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from signal import SIGTERM

from ops import ask_socket, is_ready
from space import MOUNT_BIND, Network, inside, mount
from waiting import ROOT, Fault, until

SUBNET = "10.77.0"
NATS = ["nats-1", "nats-2", "nats-3"]
GATEWAYS = ["gateway-1", "gateway-2", "gateway-3"]
PAIRING = ["pairing-1", "pairing-2"]
JANITORS = ["janitor-1", "janitor-2"]
NODES = [*JANITORS, *PAIRING, *GATEWAYS]
NUMBERS = {name: number for names, first in ((NATS, 11), (GATEWAYS, 21), (PAIRING, 31), (JANITORS, 41)) for number, name in enumerate(names, first)}
# What Nginx speaks to gateways from, and its two addresses for people. The names are in its certificate.
NGINX_NUMBERS, DOORS = (51, 52, 53), ["door-1", "door-2"]
PEOPLE_NUMBER = 61
# A gateway drains for 8 s, and says its goodbyes.
STOP_SECS = 30
READY_SECS = 60
CONNECTIONS = re.compile(r"^cipher_chat_gateway_connections (\d+)$", re.MULTILINE)
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


class Process:
    """One program of the cluster, which may be started again and again."""

    def __init__(self, name, command, environment, log, cwd=None):
        self.name, self.command, self.environment, self.log, self.cwd = name, command, environment, log, cwd
        self.process, self.more = None, {}
        self.starts = 0

    def start(self, **more):
        """Starts it, unless it runs, with more in its environment than it always has."""
        if self.process is not None and self.process.poll() is None:
            return
        self.starts += 1
        self.more = more
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                inside(self.name, *self.command), env=os.environ | self.environment | more, cwd=self.cwd, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def ended(self):
        try:
            self.process.wait(STOP_SECS)
        except subprocess.TimeoutExpired:
            raise Fault(f"{self.name} does not end within {STOP_SECS} s of SIGTERM") from None

    def again(self, end=SIGTERM, **more):
        """Ends it, in an orderly way unless another is named, and starts it."""
        self.signal(signal.SIGCONT)
        self.signal(end)
        self.ended()
        self.start(**more)

    def peers(self, port):
        """The addresses that it has a connection to at a port; none if it does not run."""
        found = []
        try:
            table = Path(f"/proc/{self.pid}/net/tcp").read_text(encoding="ascii")
        except OSError:
            return []
        for line in table.splitlines()[1:]:
            _, _, remote, state = line.split()[:4]
            address, remote_port = remote.split(":")
            if state == "01" and int(remote_port, 16) == port:
                found.append(socket.inet_ntoa(struct.pack("<I", int(address, 16))))
        return found


class System:
    """All of it, up and ready."""

    def __init__(self, binary, home, logs, seed):
        self.binary, self.home, self.logs = binary, home, logs
        self.random = random.Random(seed)
        self.network = Network(SUBNET)
        for name, number in NUMBERS.items():
            self.network.join(name, number)
        self.network.join("nginx", *NGINX_NUMBERS)
        self.network.join("people", PEOPLE_NUMBER)
        self._name_everybody()
        self._make_keys()
        self.processes = {name: self._nats(name) for name in NATS}
        self.processes |= {name: self._node(name) for name in NODES}
        self.processes["nginx"] = self._nginx()

    def _name_everybody(self):
        lines = ["127.0.0.1 localhost"]
        lines += [f"{self.network.address(name)} {name} {name}.routes" for name in NUMBERS]
        lines += [f"{self.network.address('nginx', 1 + place)} {door}" for place, door in enumerate(DOORS)]
        (self.home / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")
        mount(self.home / "hosts", "/etc/hosts", flags=MOUNT_BIND)

    def _make_keys(self):
        self.pki = self.home / "pki"
        done = subprocess.run(
            [self.binary, "pki", self.pki, "--host", ",".join(["localhost", *DOORS]),
             "--nats", ",".join(f"{name}={name}.routes" for name in NATS)],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise Fault(f"cipher-chat pki: {done.stdout}")
        self.authority = self.pki / "authorities" / "public.pem"

    def _shipped(self, folder, name):
        """A copy of what is shipped, with the keys of one member beside it."""
        copy = self.home / name
        shutil.copytree(ROOT / folder, copy, ignore=shutil.ignore_patterns("node"))
        (copy / "node").symlink_to(self.pki / name)
        return copy

    def _log(self, name):
        return self.logs / f"{name}.log"

    def _nats(self, name):
        server = os.environ.get("NATS_SERVER") or ROOT / "tests/.cache/venv/bin/nats-server"
        address = self.network.address(name)
        environment = {
            "NATS_NAME": name, "NATS_LISTEN": f"{address}:4222", "NATS_ROUTE_LISTEN": f"{address}:6222",
            "NATS_ROUTE_NAME": f"{name}.routes:6222", "NATS_MONITOR": "127.0.0.1:8222",
            "NATS_ROUTES": "[" + ", ".join(f"tls://{other}.routes:6222" for other in NATS) + "]",
        }
        return Process(name, [server, "-c", "nats.conf"], environment, self._log(name), cwd=self._shipped("nats", name))

    def _node(self, name):
        role, keys = name.split("-")[0], self.pki / name
        environment = {
            "RUST_LOG": "info", "CIPHER_CHAT_LOG_FORMAT": "json", "CIPHER_CHAT_NODE_ID": name,
            "CIPHER_CHAT_NATS": ",".join(f"tls://{server}:4222" for server in NATS), "CIPHER_CHAT_NATS_CA": str(keys / "bus-ca.pem"),
            "CIPHER_CHAT_NATS_CERT": str(keys / "bus.pem"), "CIPHER_CHAT_NATS_KEY": str(keys / "bus.key"),
            # The networks are apart, and the files are not: so the lab can ask each node.
            "CIPHER_CHAT_OPS_LISTEN": f"unix:{self.home}/{name}.ops",
        }
        if role == "gateway":
            environment |= {
                "CIPHER_CHAT_LISTEN": f"{self.network.address(name)}:8443",
                "CIPHER_CHAT_TLS_CERT": str(keys / "edge.pem"), "CIPHER_CHAT_TLS_KEY": str(keys / "edge.key"),
                "CIPHER_CHAT_TLS_CLIENT_CA": str(keys / "edge-ca.pem"), "CIPHER_CHAT_TLS_CLIENT_NAMES": str(keys / "edge-names.txt"),
                "CIPHER_CHAT_TRUSTED_PROXY": f"{self.network.address('nginx')}/32", "CIPHER_CHAT_MATCHING": "random,invite",
                # Everybody comes from one address here.
                "CIPHER_CHAT_SESSION_RATE": "0", "CIPHER_CHAT_CONNECT_RATE": "0", "CIPHER_CHAT_CONNECTIONS_PER_ADDRESS": "0",
            }
        return Process(name, [self.binary, role], environment, self._log(name))

    def _nginx(self):
        program = os.environ.get("NGINX") or shutil.which("nginx") or "/usr/sbin/nginx"
        run = self.home / "nginx-run"
        run.mkdir()
        conf = self._shipped("nginx", "nginx")
        # Everybody comes from one address here, too: as many as Nginx can count.
        limits = conf / "limits.conf"
        limits.write_text(re.sub(r"(limit_conn addresses) \d+;", r"\1 65535;", limits.read_text(encoding="utf-8")), encoding="utf-8")
        return Process("nginx", [program, "-p", run, "-c", conf / "nginx.conf", "-g", "daemon off;"], {}, self._log("nginx"))

    def up(self):
        for name in [*NATS, *NODES, "nginx"]:
            self.processes[name].start()
        self.all_ready()

    def ready(self, name):
        return is_ready(f"{self.home}/{name}.ops")

    def all_ready(self):
        for name in NODES:
            until(f"{name} is ready", lambda name=name: self.ready(name), READY_SECS)

    def connections(self):
        """How many people the gateways have a connection to, as they say themselves."""
        pages = [ask_socket(f"{self.home}/{gateway}.ops", "/metrics")[1].decode() for gateway in GATEWAYS]
        return sum(int(count) for page in pages for count in CONNECTIONS.findall(page))

    def mend(self):
        """Has everything run again, with the binary that it had at first."""
        for name, process in self.processes.items():
            process.signal(signal.SIGCONT)
            if name in NODES and process.command[0] != self.binary:
                process.command[0] = self.binary
                process.signal(signal.SIGKILL)
                process.ended()
            process.start()
        self.nginx_workers_go_on()

    def nginx_workers(self):
        master = self.processes["nginx"].pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
        return [int(child) for child in children]

    def nginx_workers_go_on(self):
        for worker in self.nginx_workers():
            try:
                os.kill(worker, signal.SIGCONT)
            except ProcessLookupError:
                # It has just ended, as after a reload.
                continue


def versions(binary):
    """What was run, for the report."""
    first = lambda *command: subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout.split("\n")[0]
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    server = os.environ.get("NATS_SERVER") or str(ROOT / "tests/.cache/venv/bin/nats-server")
    return {"cipher-chat": first(str(binary), "--version"), "nats-server": first(server, "--version"), "nginx": first(nginx, "-v"), "kernel": os.uname().release}
