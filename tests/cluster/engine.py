"""A Docker engine, and the cluster of compose.yaml on it."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from waiting import ROOT, Fault, until

PROJECT = "cipher-chat-test"
PORT = "18443"
URL = f"https://localhost:{PORT}"
NETWORK = "172.31"
NODES = ["janitor-1", "janitor-2", "pairing-1", "pairing-2", "gateway-1", "gateway-2", "gateway-3"]
NATS = ["nats-1", "nats-2", "nats-3"]
SERVICES = [*NATS, *NODES, "nginx"]
# Of the profile `operations`.
WATCHERS = ["console", "prometheus", "alertmanager", "victorialogs", "collector", "jaeger"]
NETWORKS = ["front", "edge", "bus", "routes", "operations"]
# An engine may give no container more open files than it has itself.
OPEN_FILES = str(min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

ENVIRONMENT = os.environ | {
    "COMPOSE_PROJECT_NAME": PROJECT,
    "CHAT_IMAGE": f"{PROJECT}/node:today",
    "NATS_IMAGE": f"{PROJECT}/nats",
    "NGINX_IMAGE": f"{PROJECT}/nginx",
    "PROMETHEUS_IMAGE": f"{PROJECT}/prometheus",
    "ALERTMANAGER_IMAGE": f"{PROJECT}/alertmanager",
    "VICTORIALOGS_IMAGE": f"{PROJECT}/victorialogs",
    # Built from the same parts, and reads the same file.
    "COLLECTOR_IMAGE": f"{PROJECT}/jaeger",
    "JAEGER_IMAGE": f"{PROJECT}/jaeger",
    "CONSOLE_PORT": "19091",
    "PROMETHEUS_PORT": "19090",
    "ALERTMANAGER_PORT": "19093",
    "VICTORIALOGS_PORT": "19428",
    "JAEGER_PORT": "26686",
    "CHAT_PORT": PORT,
    # All people of a load generator come from one address.
    "CHAT_SESSION_RATE": "0",
    "CHAT_CONNECT_RATE": "0",
    "CHAT_CONNECTIONS_PER_ADDRESS": "0",
    "NETWORK": NETWORK,
    "OPEN_FILES": OPEN_FILES,
    "NGINX_OPEN_FILES": OPEN_FILES,
    # No word of a broken update needs a minute here.
    "DEPLOY_WAIT": "30",
}


def call(*command, check=True, quiet=True, timeout=300):
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=ROOT, env=ENVIRONMENT, text=True, timeout=timeout,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        raise Fault(f"{' '.join(map(str, command))} takes longer than {timeout} s") from None
    if not quiet:
        print(done.stdout, flush=True)
    if check and done.returncode != 0:
        raise Fault(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout[-3000:]}")
    return done


def compose_command():
    """Compose v2: what COMPOSE names, the plugin of docker, or the one from PyPI."""
    if "COMPOSE" in os.environ:
        return os.environ["COMPOSE"].split()
    if call("docker", "compose", "version", check=False).returncode == 0:
        return ["docker", "compose"]
    # The program itself: the package's own wrapper ends with 0 whatever has happened.
    found = sorted(ROOT.glob("tests/.cache/venv/lib/python3*/site-packages/compose/docker-compose"))
    if not found:
        raise Fault("no Compose v2: neither `docker compose` nor the one that tests/setup installs")
    return [str(found[0])]


def compose(*words, **how):
    return call(*ENVIRONMENT["DEPLOY_COMPOSE"].split(), *words, **how)


def container(service):
    return compose("ps", "--all", "--quiet", service).stdout.strip()


def inspect(service):
    return json.loads(call("docker", "inspect", container(service)).stdout)[0]


def is_healthy(service):
    state = inspect(service)["State"]
    return state["Status"] == "running" and state.get("Health", {}).get("Status") == "healthy"


def all_healthy():
    for service in SERVICES:
        until(f"{service} is healthy", lambda: is_healthy(service))


class NoEngine(Exception):
    """There is no Docker engine, and none can be started."""


class Engine:
    """Docker's engine: the one that DOCKER_HOST names or that is there, or one that ends with this test."""

    def __enter__(self):
        self.process = None
        try:
            if call("docker", "info", check=False).returncode == 0:
                return self
        except FileNotFoundError:
            raise NoEngine("docker is not installed") from None
        if os.geteuid() != 0 or shutil.which("dockerd") is None:
            raise NoEngine("no Docker engine answers, and only root can start one")
        self.home = tempfile.mkdtemp(prefix="cluster-engine-")
        socket = f"unix://{self.home}/socket"
        with open(f"{self.home}/log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--data-root", f"{self.home}/data", "--exec-root", f"{self.home}/exec",
                 "--pidfile", f"{self.home}/pid", "--host", socket], stdout=log, stderr=log)
        ENVIRONMENT["DOCKER_HOST"] = socket
        try:
            until("the engine answers", self.answers)
        except Fault:
            why = Path(f"{self.home}/log").read_text(encoding="utf-8")[-1500:]
            self.__exit__()
            raise NoEngine(f"dockerd does not start: {why}") from None
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Fault("it has ended")
        return call("docker", "info", check=False).returncode == 0

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            # The engine mounts its own directory over itself, and leaves that behind.
            subprocess.run(["umount", f"{self.home}/data"], stderr=subprocess.DEVNULL, check=False)
            shutil.rmtree(self.home, ignore_errors=True)


class Cluster:
    """The cluster, up and healthy; gone with its volumes and images at the end."""

    def __init__(self, binary, before=None, watched=False):
        self.binary, self.before, self.watched = binary, before, watched
        # What `cipher-chat pki` has made for the cluster.
        self.pki = None
        self.images = ["node:today", "node:next", "node:broken", "nats", "nginx", "busybox", "certificates"]
        self.images += ["node:before"] if before else []
        self.images += ["prometheus", "alertmanager", "victorialogs", "jaeger"] if watched else []
        # What deploy/update writes down belongs to whoever runs a cluster from this folder.
        self.kept = [ROOT / ".env", ROOT / ".deploy" / "previous"]

    def __enter__(self):
        ENVIRONMENT["DEPLOY_COMPOSE"] = " ".join(compose_command())
        call("tests/cluster/images", self.binary, *([self.before] if self.before else []), timeout=600)
        if self.watched:
            # Jaeger takes Go some minutes, the first time.
            call("tests/cluster/images", "--watchers", timeout=1800)
        self.down()
        self.texts = {path: path.read_text() if path.exists() else None for path in self.kept}
        (ROOT / ".env").unlink(missing_ok=True)
        return self

    def up(self):
        started = time.monotonic()
        compose("up", "--detach", "--wait", "--no-build")
        for service in SERVICES:
            if not is_healthy(service):
                raise Fault(f"{service} is not healthy when `up --wait` returns")
        print(f"Up after {time.monotonic() - started:.0f} s", flush=True)
        self.forget_keys()
        self.pki = Path(tempfile.mkdtemp(prefix="cluster-pki-")) / "pki"
        call("docker", "cp", f"{container('setup')}:/pki", self.pki.parent)
        self.authority = self.pki / "authorities" / "public.pem"

    def forget_keys(self):
        if self.pki:
            shutil.rmtree(self.pki.parent, ignore_errors=True)

    def down(self):
        # With the networks of who watches.
        compose("--profile", "operations", "down", "--volumes", "--timeout", "1", check=False)

    def __exit__(self, *_):
        self.down()
        call("docker", "rmi", "--force", *(f"{PROJECT}/{image}" for image in self.images), check=False)
        shutil.rmtree(ROOT / "dist" / "image", ignore_errors=True)
        self.forget_keys()
        for path, text in self.texts.items():
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(text)
