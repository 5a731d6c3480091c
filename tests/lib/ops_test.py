"""Tests of `ops`, against real listeners: `python3 tests/lib/ops_test.py`."""

import http.server
import socketserver
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ops


class Node(http.server.BaseHTTPRequestHandler):
    """Says what was asked, and is ready if its server is."""

    # A Unix socket has no address to show.
    address_string = lambda self: "somebody"
    log_message = lambda self, *_: None

    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"path": "%s"}' % self.path.encode())

    def do_POST(self):
        self.send_response(201)
        self.end_headers()
        self.wfile.write(self.rfile.read(int(self.headers["Content-Length"])))


class UnixServer(socketserver.ThreadingUnixStreamServer):
    status = 200


def serving(case, server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)
    return server


class Ops(unittest.TestCase):
    def test_a_node_is_asked_on_its_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "node.ops")
            self.assertEqual(ops.ask_socket(path, "/readyz"), (0, b""))
            self.assertFalse(ops.is_ready(path))
            server = serving(self, UnixServer(str(path), Node))
            self.assertEqual(ops.ask_socket(path, "/readyz"), (200, b'{"path": "/readyz"}'))
            self.assertTrue(ops.is_ready(path))
            server.status = 503
            self.assertFalse(ops.is_ready(path))

    def test_a_page_is_asked_at_its_port(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Node)
        server.status, port = 200, server.server_port
        serving(self, server)
        self.assertEqual(ops.ask_json(port, "/a"), {"path": "/a"})
        self.assertEqual(ops.ask(port, "/", "POST", "body"), (201, b"body"))
        server.status = 404
        self.assertIsNone(ops.ask_json(port, "/a"))

    def test_what_does_not_listen_or_speaks_no_http_answers_nothing(self):
        listener = socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        port = listener.server_address[1]
        serving(self, listener)
        self.assertEqual(ops.ask(port, "/"), (0, b""))
        self.assertIsNone(ops.ask_json(port, "/"))


if __name__ == "__main__":
    unittest.main()
