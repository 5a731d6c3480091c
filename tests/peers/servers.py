"""The systems that are compared: how each is started, with its best settings for this job, and why these.

All listen on loopback, in plain, without compression: TLS costs all of them alike, and real messages are encrypted already.
Nothing is kept on disk, and nothing is logged but errors.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/lib")]

import builds
from waiting import Fault, until

CACHE = ROOT / "tests/.cache"
WS = ROOT / "tests/browser/node_modules/ws/package.json"
# The server runs on the last processor, the load generator on the first: each system sizes itself for one.
SERVER_CPU = (os.cpu_count() or 1) - 1
START_SECONDS = 20
STOP_SECONDS = 5
# What nats-server accepts by default, with room for none of its own.
NATS_CONNECTIONS = 65536
# With which adapters.mjs signs: there they stand too.
PUSHER_APP = {"id": "peers", "key": "peers", "secret": "not-a-secret"}


def cipher_chat_path():
    return Path(os.environ.get("CIPHER_CHAT", ROOT / "target/dist/cipher-chat"))


def nats_path():
    return os.environ.get("NATS_SERVER") or shutil.which("nats-server", path=f"{CACHE}/venv/bin:{os.environ['PATH']}")


def cipher_chat(port, folder):
    """Every limit off, as one address brings all people; all else is as it ships: tokens, keep-alive, metrics, wiping."""
    off = {f"CIPHER_CHAT_{kind}_RATE": "0" for kind in ("SESSION", "CONNECT", "FIND", "FRAME", "BYTE")}
    off["CIPHER_CHAT_CONNECTIONS_PER_ADDRESS"] = "0"
    operations = f"unix:{folder}/operations"
    command = [cipher_chat_path(), "serve", "--listen", f"127.0.0.1:{port}", "--ops-listen", operations]
    return command, {**off, "RUST_LOG": "warn"}


def nats(port, folder):
    """Core NATS: no JetStream, no accounts; who connects may publish and subscribe."""
    file = folder / "nats.conf"
    file.write_text(
        f"listen: 127.0.0.1:{free_port()}\nmax_connections: {NATS_CONNECTIONS}\n"
        f"websocket {{ listen: 127.0.0.1:{port}, no_tls: true, compression: false }}\n"
    )
    return [nats_path(), "-c", file], {}


def ws(port, folder):
    """A relay of thirty lines: no check of UTF-8, no state but its rooms."""
    return ["node", ROOT / "tests/peers/ws-relay.mjs", port], {"NODE_ENV": "production"}


def uwebsockets(port, folder):
    """The same relay in C++, compiled for this processor: no pings, and each message is sent at once."""
    return [builds.uwebsockets_path(), port], {}


def centrifugo(port, folder):
    """No tokens and no history; small buffers and a shared pool of them, as its documentation says to save memory.

    Compression is off by default, and so is keeping who is there. Go sizes itself for the one processor."""
    file = folder / "centrifugo.json"
    file.write_text(
        json.dumps(
            {
                "http_server": {"address": "127.0.0.1", "port": str(port)},
                "client": {"insecure": True},
                "websocket": {"read_buffer_size": 512, "use_write_buffer_pool": True},
                "log": {"level": "error"},
            }
        )
    )
    return [builds.centrifugo_path(), "--config", file], {}


def sockudo(port, folder):
    """Client events allowed, and no limit of them: 0 is none, and no limiter is made for a connection.

    No queue, as it would be for webhooks only: with one each message would start a task that finds none to send. No metrics, no
    search for other nodes, and none for repeated requests. A connection begins with a small buffer to write, which grows if it has to.
    Compression is off by default, and so are presence, history and recovery. Tokio sizes itself for the one processor."""
    file = folder / "sockudo.json"
    app = {**PUSHER_APP, "enabled": True, "enable_client_messages": True, "max_connections": 0, "max_client_events_per_second": 0}
    file.write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "port": port,
                "adapter": {"driver": "local", "cluster_health": {"enabled": False}},
                "app_manager": {"driver": "memory", "array": {"apps": [app]}},
                "cache": {"driver": "memory"},
                "idempotency": {"enabled": False},
                "metrics": {"enabled": False},
                "queue": {"driver": "none"},
                "rate_limiter": {"enabled": False},
                "websocket": {"write_buffer_size": 1024},
            }
        )
    )
    return [builds.sockudo_path(), "--config", file], {"RUST_LOG": "error"}


# In the order of the table. Beside each, what has to be there.
SYSTEMS = {
    "cipher-chat": (cipher_chat, lambda: cipher_chat_path().exists()),
    "nats": (nats, lambda: nats_path() is not None),
    "ws": (ws, WS.exists),
    "uwebsockets": (uwebsockets, partial(builds.is_there, "uwebsockets")),
    "centrifugo": (centrifugo, partial(builds.is_there, "centrifugo")),
    "sockudo": (sockudo, partial(builds.is_there, "sockudo")),
}


def installed():
    # The load generator itself uses `ws` as its client.
    return [name for name, (_, there) in SYSTEMS.items() if there()] if WS.exists() else []


def version(name):
    if name == "ws":
        return json.loads(WS.read_text())["version"]
    if name == "centrifugo":
        # Built from its module it does not know its own version; the name of its file has that of go.mod.
        return builds.centrifugo_path().name.rpartition("-v")[2]
    if name in ("uwebsockets", "sockudo"):
        return {"uwebsockets": builds.UWEBSOCKETS, "sockudo": builds.SOCKUDO}[name]
    program = {"cipher-chat": cipher_chat_path, "nats": nats_path}[name]()
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    numbers = [word.removeprefix("v") for word in told.split() if word.removeprefix("v")[:1].isdigit()]
    return numbers[0].rstrip(",")


class Server:
    """A system that runs, for as long as the context lasts."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="peers-"))
        self.port = free_port()
        command, environment = SYSTEMS[self.name][0](self.port, self.folder)
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "--cpu-list", str(SERVER_CPU), *map(str, command)],
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )
        try:
            until(f"{self.name} listens", self.listens, START_SECONDS)
        except Fault:
            self.__exit__()
            raise
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise Fault(f"{self.name} has ended: {self.log.read_text()[-800:]}")
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
