"""What tests in Python ask a node, or any page of this machine: health, metrics, and the like."""

import http.client
import json
import socket

# A node that answers at all answers in this time, in seconds, also on a busy machine.
NODE_SECS, PAGE_SECS = 5, 20


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, seconds=NODE_SECS):
        super().__init__("localhost", timeout=seconds)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def answer(connection, path, method="GET", body=None, headers=None):
    """Status and bytes; 0 and nothing while nobody listens or answers."""
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def ask_socket(socket_path, path):
    """What a node answers on the Unix socket of its ops listener."""
    return answer(UnixConnection(socket_path), path)


def is_ready(socket_path):
    """Whether the node of an ops socket says that it is ready."""
    return ask_socket(socket_path, "/readyz")[0] == 200


def ask(port, path, method="GET", body=None, headers=None, host="127.0.0.1"):
    """What a page of this machine answers."""
    return answer(http.client.HTTPConnection(host, port, timeout=PAGE_SECS), path, method, body, headers)


def ask_json(port, path):
    """The same as JSON; nothing if it is no success."""
    status, body = ask(port, path)
    return json.loads(body) if status == 200 else None


def ask_tls(port, path, context):
    """What the ops listener of a node answers over TLS, as text."""
    status, body = answer(http.client.HTTPSConnection("localhost", port, timeout=PAGE_SECS, context=context), path)
    return status, body.decode()
