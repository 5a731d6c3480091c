"""A small cluster on loopback whose gateways end TLS themselves: no proxy is before them. Certificates are those of `cipher-chat pki`."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ops import ask_socket, is_ready
from processes import ROOT, Fault, Running, free_ports, program, until

GATEWAYS = ["gateway-1", "gateway-2", "gateway-3"]
SERVICES = ["pairing-1", "janitor-1"]
NATS = "nats-1"
# All people come from one address; what one connection may send stays limited, as it ships.
UNLIMITED = {"SESSION_RATE": "0", "CONNECT_RATE": "0", "FIND_RATE": "0", "CONNECTIONS_PER_ADDRESS": "0"}
RESUMED = 'cipher_chat_gateway_rooms_entered_total{how="resumed"}'
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Cluster:
    """All of it, up and ready."""

    def __init__(self, binary):
        self.home = Path(tempfile.mkdtemp(prefix="storm-"))
        self.binary, self.pki, self.running = binary, self.home / "pki", {}
        self.authority = self.pki / "authorities" / "public.pem"
        self.nats_ports = free_ports(3)
        self.ports = dict(zip(GATEWAYS, free_ports(len(GATEWAYS))))

    def __enter__(self):
        try:
            self._make_keys()
            self._start_nats()
            for name in [*SERVICES, *GATEWAYS]:
                self._start_node(name)
            for name in [*SERVICES, *GATEWAYS]:
                until(f"{name} is ready", lambda name=name: is_ready(self._ops(name)))
        except BaseException:
            for each in self.running.values():
                print(f"{each.name}, which {'runs' if each.runs() else 'has ended'}: {each.said()[-500:]}")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def stop(self):
        """Ends all processes; the certificates stay."""
        for each in reversed(list(self.running.values())):
            # Thousands of people are not said goodbye to: there is nothing to be seen in that here.
            each.kill()

    def url(self, name):
        return f"https://127.0.0.1:{self.ports[name]}"

    def resumed(self, name):
        """How many people have come back into their rooms at this gateway."""
        status, page = ask_socket(self._ops(name), "/metrics")
        if status != 200:
            raise Fault(f"{name} tells no metrics: {status}")
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in page.decode().splitlines() if line.startswith(RESUMED))

    def processor_seconds(self, name):
        return processor_seconds(self.running[name].process.pid)

    def _ops(self, name):
        return f"{self.home}/{name}.ops"

    def _make_keys(self):
        def here(names):
            return ",".join(f"{name}=127.0.0.1+localhost" for name in names)
        done = subprocess.run(
            [self.binary, "pki", self.pki, "--gateways", here(GATEWAYS), "--pairing", here(["pairing-1"]), "--janitors", here(["janitor-1"]),
             "--nats", here([NATS]), "--host", "localhost,127.0.0.1"], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Fault(f"cipher-chat pki: {done.stdout}")

    def _start_nats(self):
        home, (clients, route, monitor) = self.home / "run" / NATS, self.nats_ports
        home.mkdir(parents=True)
        shutil.copy(ROOT / "nats/nats.conf", home)
        (home / "node").symlink_to(self.pki / NATS)
        server = os.environ.get("NATS_SERVER") or program("nats-server")
        self._run(NATS, [server, "-c", "nats.conf"], {
            "NATS_NAME": NATS, "NATS_LISTEN": f"127.0.0.1:{clients}", "NATS_ROUTE_LISTEN": f"127.0.0.1:{route}",
            "NATS_ROUTE_NAME": f"127.0.0.1:{route}", "NATS_ROUTES": f"[tls://127.0.0.1:{route}]", "NATS_MONITOR": f"127.0.0.1:{monitor}"})

    def _start_node(self, name):
        role, files = name.split("-", maxsplit=1)[0], self.pki / name
        options = {
            "NODE_ID": name, "OPS_LISTEN": f"unix:{self._ops(name)}", "NATS": f"tls://127.0.0.1:{self.nats_ports[0]}",
            "NATS_CA": files / "bus-ca.pem", "NATS_CERT": files / "bus.pem", "NATS_KEY": files / "bus.key"}
        if role == "gateway":
            options |= {
                "LISTEN": f"127.0.0.1:{self.ports[name]}", "TLS_CERT": files / "public.pem", "TLS_KEY": files / "public.key",
                "MATCHING": "random,invite", **UNLIMITED}
        self._run(name, [self.binary, role], {"RUST_LOG": "warn"} | {f"CIPHER_CHAT_{option}": str(value) for option, value in options.items()})

    def _run(self, name, words, variables):
        self.running[name] = Running(name, self.home / "run" / name, words, variables)


def processor_seconds(pid):
    """User and system time of a process since it began."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
