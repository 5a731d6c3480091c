"""Somebody who uses the API through Nginx, from an address of their own, with nothing but Python."""

import base64
import http.client
import json
import os
import socket
import ssl
import struct

from processes import Fault

CHANNEL = 2
PATIENCE_SECS = 20
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Person:
    """A session, and its socket if it has one."""

    def __init__(self, stack, address, extra=None):
        self.port, self.address, self.stream = stack.people, address, None
        self.tls = ssl.create_default_context(cafile=stack.pki / "authorities" / "public.pem")
        status, told = self.call("POST", "/v1/sessions", headers=extra)
        if status != 201:
            raise Fault(f"no session: {status} {told}")
        self.token, self.session, self.ticket, self.room = told["token"], told["session"], "", ""

    def call(self, method, path, headers=None, body=None):
        """A request of its own connection: status, and what the answer says."""
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=PATIENCE_SECS, context=self.tls, source_address=(self.address, 0))
        connection.sock = self.open()
        known = {"Authorization": f"Bearer {self.token}"} if getattr(self, "token", None) else {}
        connection.request(method, path, body=body, headers=known | (headers or {}))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text[:1] == b"{" else text

    def open(self):
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECS, source_address=(self.address, 0))
        return self.tls.wrap_socket(plain, server_hostname="localhost")

    def connect(self, token=None):
        """Opens the WebSocket; the status of what came instead of it."""
        self.stream, self.heard = self.open(), b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall((
            f"GET /v1/ws HTTP/1.1\r\nHost: localhost:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: cipher-chat.v1\r\n"
            f"Authorization: Bearer {token or self.token}\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.heard:
            self.more()
        head, _, self.heard = self.heard.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status == 101:
            self.hear("ready")
        return status

    def more(self):
        got = self.stream.recv(65536)
        if not got:
            raise Fault("the connection is closed")
        self.heard += got

    def take(self, count):
        while len(self.heard) < count:
            self.more()
        taken, self.heard = self.heard[:count], self.heard[count:]
        return taken

    def send(self, payload, kind=BINARY):
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack(">H", size)
        mask = os.urandom(4)
        self.stream.sendall(bytes([0x80 | kind]) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    def ask(self, **message):
        if message["type"] in ("find", "next"):
            message.setdefault("channel", CHANNEL)
        self.send(json.dumps(message).encode(), TEXT)

    def next(self):
        """The next control message as a dictionary, or frame as bytes."""
        while True:
            first, second = self.take(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.take(2))[0]
            payload, kind = self.take(size), first & 0x0F
            if kind == PING:
                self.send(payload, PONG)
            elif kind == BINARY:
                return payload
            elif kind == TEXT:
                message = json.loads(payload)
                for field in ("token", "ticket", "room"):
                    if field in message:
                        setattr(self, field, message[field])
                return message
            elif kind == CLOSE:
                raise Fault(f"closed with {struct.unpack('>H', payload[:2])[0] if payload else None}")

    def hear(self, kind):
        """Reads up to this control message."""
        while True:
            message = self.next()
            if isinstance(message, dict) and message["type"] == kind:
                return message

    def hear_frame(self):
        while True:
            message = self.next()
            if isinstance(message, bytes):
                return message

    def lose(self):
        """The connection breaks, without a word."""
        if self.stream:
            self.stream.close()
        self.stream = None

    def come_back(self):
        self.connect()
        self.ask(type="resume", ticket=self.ticket)
        self.hear("resumed")
