"""What a lean server takes for as many connections: one that only shakes hands, for TLS and for the WebSocket."""

import shlex
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from cluster import processor_seconds
from processes import Fault, free_ports, until

# So many connect at the same time.
CONNECTING = 64
PATIENCE_SECS = 60
REQUEST = (
    "GET /r/{number}/{side} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def measure(command, certificate, key, people):
    """Starts the server, opens so many connections, keeps them all, and tells what they took."""
    [port] = free_ports(1)
    words = [word.format(listen=f"127.0.0.1:{port}", port=port, cert=certificate, key=key) for word in shlex.split(command)]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    streams = []
    try:
        until("the reference listens", lambda: listens(process, port))
        before, began = processor_seconds(process.pid), time.monotonic()
        with ThreadPoolExecutor(CONNECTING) as pool:
            streams = list(pool.map(lambda number: connect(port, number), range(people)))
        return {"processor_seconds": processor_seconds(process.pid) - before, "seconds": time.monotonic() - began, "people": people}
    finally:
        for stream in streams:
            stream.close()
        process.kill()
        process.wait()


def listens(process, port):
    if process.poll() is not None:
        raise Fault("the reference has ended")
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def connect(port, number):
    """A whole handshake each time, as that of somebody who comes to a gateway for the first time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The time of the server is measured: who it is does not matter here.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    stream = context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE_SECS))
    stream.sendall(REQUEST.format(number=number // 2, side="ab"[number % 2]).encode())
    answer = stream.recv(1024)
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise Fault(f"the reference answers {answer[:80]}")
    return stream
