"""What is built once for the comparison, into tests/.cache: each in the version that the repository names.

Only a measured run builds. What has not been built is left out of a run, and named.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/operations")]

import processes

CACHE = ROOT / "tests/.cache/peers"
# Its licence is MIT; that of its first versions was the AGPL.
SOCKUDO = "5.2.0"
# As its own image is built: without these, Cargo would optimise each of its crates alone.
SOCKUDO_PROFILE = {"CARGO_PROFILE_RELEASE_LTO": "thin", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "8"}
# protoc, which a library of sockudo calls while it is built: here as the project gRPC ships it, under another name.
PROTOC = "grpcio-tools==1.85.1"
PROTOC_PROGRAM = "python-grpc-tools-protoc"
# Which release of uWebSockets the crate carries, file for file; the crate itself has other numbers.
UWEBSOCKETS = "20.58.0"
UWEBSOCKETS_CRATE = ROOT / "tests/tools/uwebsockets/Cargo.toml"
UWEBSOCKETS_RELAY = ROOT / "tests/peers/uws-relay.cpp"
# As its own build does, but without what is not used here: TLS and compression. No warnings: the code is not ours.
UWEBSOCKETS_FLAGS = ("-O3", "-march=native", "-flto=auto", "-w", "-DLIBUS_NO_SSL", "-DUWS_NO_ZLIB")


def centrifugo_path():
    """Where Go builds it; nothing where there is no Go."""
    try:
        return processes.place("centrifugo")
    except (OSError, subprocess.CalledProcessError):
        return None


def sockudo_path():
    return CACHE / f"sockudo-{SOCKUDO}/bin/sockudo"


def uwebsockets_path():
    """Another one as soon as the relay is another."""
    relay = hashlib.sha256(UWEBSOCKETS_RELAY.read_bytes()).hexdigest()[:8]
    return CACHE / f"uws-relay-{UWEBSOCKETS}-{relay}"


def say(what):
    print(f"Building {what}, once", file=sys.stderr, flush=True)


def centrifugo():
    processes.tool("centrifugo")


def sockudo():
    """With nothing but the Pusher protocol on one machine: no protocol of its own, no telemetry, no brokers."""
    folder = sockudo_path().parent.parent
    say(folder.name)
    with tempfile.TemporaryDirectory() as tools:
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        # Without what it needs for gRPC itself.
        subprocess.run([f"{tools}/bin/pip", "install", "--quiet", "--no-deps", PROTOC], check=True)
        subprocess.run(
            ["cargo", "install", "--locked", "--version", SOCKUDO, "--no-default-features", "--features", "local", "--root", folder, "sockudo"],
            env=os.environ | SOCKUDO_PROFILE | {"PROTOC": f"{tools}/bin/{PROTOC_PROGRAM}"},
            check=True,
        )


def uwebsockets():
    """Cargo only brings the source: it keeps to the checksum of the lockfile."""
    say(uwebsockets_path().name)
    told = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", UWEBSOCKETS_CRATE],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    crate = next(package for package in json.loads(told)["packages"] if package["name"] == "libuwebsockets-sys")
    source = Path(crate["manifest_path"]).parent / "uWebSockets"
    sockets = source / "uSockets/src"
    flags = [*UWEBSOCKETS_FLAGS, f"-I{source}/src", f"-I{sockets}"]
    CACHE.mkdir(parents=True, exist_ok=True)
    # In the cache itself: the rename is then at once.
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        files = [*sockets.glob("*.c"), *sockets.glob("eventing/*.c"), *sockets.glob("crypto/*.c")]
        subprocess.run(["cc", "-std=c11", *flags, "-c", *files], cwd=folder, check=True)
        objects = sorted(Path(folder).glob("*.o"))
        subprocess.run(["c++", "-std=c++20", *flags, UWEBSOCKETS_RELAY, *objects, "-o", "relay"], cwd=folder, check=True)
        Path(folder, "relay").rename(uwebsockets_path())


# Beside each, where it is when it has been built.
BUILDS = {
    "uwebsockets": (uwebsockets, uwebsockets_path),
    "centrifugo": (centrifugo, centrifugo_path),
    "sockudo": (sockudo, sockudo_path),
}


def is_there(name):
    path = BUILDS[name][1]()
    return path is not None and path.exists()


def build(names):
    """Those of them that are built here and have not been yet. Which of them cannot be is said, and is no failure."""
    for name in names:
        if name not in BUILDS or is_there(name):
            continue
        try:
            BUILDS[name][0]()
        except (OSError, subprocess.CalledProcessError) as fault:
            print(f"{name} cannot be built: {fault}", file=sys.stderr)
