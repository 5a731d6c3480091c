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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/lib"), str(ROOT / "tests/operations")]

import processes
from waiting import Fault, until

CACHE = ROOT / "tests/.cache"
WS = ROOT / "tests/browser/node_modules/ws/package.json"
# The server runs on the last processor, the load generator on the first: each system sizes itself for one.
SERVER_CPU = (os.cpu_count() or 1) - 1
START_SECONDS = 20
STOP_SECONDS = 5
# What nats-server accepts by default, with room for none of its own.
NATS_CONNECTIONS = 65536


def cipher_chat_path():
    return Path(os.environ.get("CIPHER_CHAT", ROOT / "target/dist/cipher-chat"))


def nats_path():
    return os.environ.get("NATS_SERVER") or shutil.which("nats-server", path=f"{CACHE}/venv/bin:{os.environ['PATH']}")


def centrifugo_path():
    """Where Go builds it; nothing where there is no Go."""
    try:
        return processes.place("centrifugo")
    except (OSError, subprocess.CalledProcessError):
        return None


def centrifugo_is_there():
    path = centrifugo_path()
    return path is not None and path.exists()


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
    return [centrifugo_path(), "--config", file], {}


# In the order of the table. Beside each, what has to be there.
SYSTEMS = {
    "cipher-chat": (cipher_chat, lambda: cipher_chat_path().exists()),
    "nats": (nats, lambda: nats_path() is not None),
    "ws": (ws, WS.exists),
    "centrifugo": (centrifugo, centrifugo_is_there),
}


def installed():
    # The load generator itself uses `ws` as its client.
    return [name for name, (_, there) in SYSTEMS.items() if there()] if WS.exists() else []


def version(name):
    if name == "ws":
        return json.loads(WS.read_text())["version"]
    if name == "centrifugo":
        # Built from its module it does not know its own version; the name of its file has that of go.mod.
        return centrifugo_path().name.rpartition("-v")[2]
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
