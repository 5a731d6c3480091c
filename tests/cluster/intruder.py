"""Somebody on one network of the cluster, with stolen certificates: tries every door that the network shows.

    intruder.py PKI ADDRESS:PORT=DOOR…

PKI is what `cipher-chat pki` has made. A door is `bus`, `edge`, `operations`, `public` or `other`. Prints a JSON object: for each
address `closed` if nobody listens, or the names of the certificates that opened it. It runs inside the network
(tests/cluster/doors.py), with nothing but Python.
"""

import json
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATIENCE = 3.0
# At once: most of the time goes into waiting for answers that never come.
TRIES = 16


def context(pki, authority, leaf):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.load_verify_locations(pki / "authorities" / f"{authority}.pem")
    if leaf:
        tls.load_cert_chain(f"{leaf}.pem", f"{leaf}.key")
    return tls


def ask(stream, request, answered):
    stream.sendall(request)
    heard = b""
    while chunk := stream.recv(4096):
        heard += chunk
        if answered(heard):
            return True
    return False


def opens_http(tls, address, path=b"/"):
    with socket.create_connection(address, PATIENCE) as plain, tls.wrap_socket(plain) as stream:
        request = b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return ask(stream, request, lambda heard: heard.startswith(b"HTTP/1.1 200 "))


def opens_operations(tls, address):
    return opens_http(tls, address, b"/metrics")


def opens_bus(tls, address):
    with socket.create_connection(address, PATIENCE) as plain:
        # The server says who it is before TLS begins.
        heard = b""
        while not heard.endswith(b"\n"):
            heard += plain.recv(4096)
        with tls.wrap_socket(plain) as stream:
            hello = b'CONNECT {"verbose":false,"pedantic":false,"tls_required":true}\r\nPING\r\n'
            return ask(stream, hello, lambda heard: b"PONG" in heard)


def opens_without_tls(address, request):
    with socket.create_connection(address, PATIENCE) as stream:
        return ask(stream, request, lambda heard: b"200 OK" in heard or b"PONG" in heard)


def tried(act):
    try:
        return act()
    except (OSError, ssl.SSLError):
        return False


def is_there(address):
    try:
        socket.create_connection(address, PATIENCE).close()
        return True
    except OSError:
        return False


def opened(pki, leaves, address, door):
    if not is_there(address):
        return "closed"
    keys = []
    for leaf in [None, *leaves]:
        authority = {"bus": "bus", "public": "public", "operations": "operations"}.get(door, "edge")
        try:
            tls = context(pki, authority, leaf)
        except ssl.SSLError:
            keys.append(f"UNREADABLE {leaf}")
            continue
        act = {"bus": opens_bus, "operations": opens_operations}.get(door, opens_http)
        if tried(lambda: act(tls, address)):
            keys.append(leaf.relative_to(pki).as_posix() if leaf else "none")
    plain = b"CONNECT {}\r\nPING\r\n" if door == "bus" else b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    if tried(lambda: opens_without_tls(address, plain)):
        keys.append("without TLS")
    return sorted(keys)


def main():
    pki = Path(sys.argv[1])
    leaves = sorted(key.with_suffix("") for key in pki.glob("*/*.key") if key.parent.name != "authorities" and key.with_suffix(".pem").exists())
    leaves += sorted(key.with_suffix("") for key in pki.glob("foreign/*/*.key") if key.with_suffix(".pem").exists() and "authorities" not in key.parts)

    def try_door(given):
        place, door = given.split("=")
        host, port = place.rsplit(":", 1)
        return place, opened(pki, leaves, (host, int(port)), door)

    with ThreadPoolExecutor(TRIES) as tries:
        json.dump(dict(tries.map(try_door, sys.argv[2:])), sys.stdout)


main()
