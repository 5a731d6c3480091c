"""A day of people: all that they do, each time with canaries: words that nobody may find again anywhere."""

import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import threading
import time
import uuid

from processes import Fault, until
from stack import GATEWAYS
from person import Person

# More than a blocking thread of a node waits for work before it ends.
IDLE_SECS = 12


class Canaries:
    """What must be nowhere: (what it is, the text)."""

    def __init__(self):
        self.all, self.numbers = [], 0

    def keep(self, what, text):
        if len(text) < 9:
            raise Fault(f"{what} that would be found anywhere: {text}")
        if (what, text) not in self.all:
            self.all.append((what, text))
        return text

    def word(self, what):
        """A new one."""
        return self.keep(what, f"{what}{secrets.token_hex(9)}")

    def address(self):
        """An address of this machine from which somebody comes. Nobody else uses it."""
        self.numbers += 1
        return self.keep("address", f"127.{100 + self.numbers}.{secrets.randbelow(156) + 100}.{secrets.randbelow(156) + 100}")

    def keep_all_of(self, person):
        self.keep("token", person.token)
        # The signature alone would be enough.
        self.keep("signature", person.token.rsplit(".", 1)[1])
        self.keep("session", person.session)
        if person.room:
            self.keep("room", person.room)
            self.keep("ticket", person.ticket)
            self.keep("signature of a ticket", person.ticket.rsplit(".", 1)[1])


def person(stack, canaries, **how):
    somebody = Person(stack, canaries.address(), **how)
    somebody.connect()
    canaries.keep_all_of(somebody)
    return somebody


def couple(stack, canaries, **criteria):
    both = person(stack, canaries), person(stack, canaries)
    for each, role in zip(both, criteria.pop("roles", [None, None])):
        each.ask(type="find", **criteria, **({"role": role} if role else {}))
    for each in both:
        each.hear("paired")
        canaries.keep_all_of(each)
    return both


def talk(canaries, one, other):
    for sender, receiver in [(one, other), (other, one)]:
        content = canaries.word("content")
        sender.send(content.encode())
        if receiver.hear_frame() != content.encode():
            raise Fault("another frame than was sent")


def whole_life(stack, canaries):
    """Sessions, matches by topic, invite and chance, chats, resumes, reports, renewals, ends."""
    one, other = couple(stack, canaries, topic=canaries.word("topic"))
    talk(canaries, one, other)
    one.lose()
    while other.hear("peer")["state"] != "away":
        pass
    one.come_back()
    talk(canaries, other, one)
    canaries.keep_all_of(one)
    # Another connection of the same session takes the place of the first.
    old, one.stream = one.stream, None
    one.come_back()
    old.close()
    talk(canaries, one, other)
    status, renewed = one.call("POST", "/v1/sessions/me/token")
    if status != 200:
        raise Fault(f"no renewed token: {status} {renewed}")
    canaries.keep("token", renewed["token"])
    one.ask(type="report", category="spam")
    one.hear("ended")
    other.hear("ended")
    for each in [one, other]:
        canaries.keep_all_of(each)
    status, _ = one.call("DELETE", "/v1/sessions/me")
    if status != 204:
        raise Fault(f"a session is not deleted: {status}")
    invite = canaries.keep("invite", base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("="))
    one, other = couple(stack, canaries, invite=invite)
    talk(canaries, one, other)
    one.ask(type="next", topic=canaries.word("topic"))
    other.hear("ended")
    one.hear("waiting")
    one.lose()
    one, other = couple(stack, canaries, topic=canaries.word("topic"), roles=["seek", "offer"], lang="ko")
    talk(canaries, one, other)
    # One does not come back: the chat expires.
    one.lose()
    if other.hear("ended")["reason"] != "expired":
        raise Fault("another reason than that somebody did not come back")


def whole_misuse(stack, canaries):
    """All that is refused."""
    one, other = couple(stack, canaries, topic=canaries.word("topic"))
    wrong = canaries.word("nonsense")
    for message in [{"type": wrong}, {"type": "find", "topic": wrong * 9}, {"type": "find", "invite": wrong}, {"type": "find", "lang": wrong},
                    {"type": "find", "role": wrong}, {"type": "resume", "ticket": wrong}, {"type": "resume", "ticket": other.ticket},
                    {"type": "report", "category": wrong}]:
        one.ask(**message)
        one.hear("error")
    for message in [{"text": wrong}, wrong]:
        one.send(json.dumps(message).encode(), 1)
        one.hear("error")
    forged = canaries.keep("forged token", f"{one.token.rsplit('.', 1)[0]}.{base64.urlsafe_b64encode(os.urandom(64)).decode().rstrip('=')}")
    stranger = Person(stack, canaries.address())
    canaries.keep_all_of(stranger)
    if stranger.connect(forged) != 401:
        raise Fault("a forged token opens a connection")
    told = {
        "User-Agent": canaries.word("agent"), "Referer": f"https://{canaries.word('referer')}.example/", "Cookie": canaries.word("cookie"),
        "X-Forwarded-For": canaries.keep("address", "198.51.100.177"), "Forwarded": f"for={canaries.word('forwarded')}",
        "traceparent": f"00-{canaries.keep('trace of a client', secrets.token_hex(16))}-{secrets.token_hex(8)}-01"}
    for method, path in [("GET", f"/v1/{wrong}"), ("GET", f"/{wrong}.js?{wrong}"), ("POST", f"/v1/sessions?{wrong}"), ("PUT", f"/v1/sessions/{stranger.session}"),
                         ("GET", f"/v1/sessions/{stranger.session}")]:
        stranger.call(method, path, headers=told)
    body = json.dumps({"pass": canaries.word("pass"), "passes": [canaries.word("pass")], "proof": canaries.word("proof")})
    stranger.call("POST", "/v1/sessions", headers={"Content-Type": "application/json"}, body=body)
    other_page = {"Origin": f"https://{canaries.word('origin')}.example"}
    if stranger.call("POST", "/v1/sessions", headers=other_page)[0] != 403:
        raise Fault("a page of another origin is served")
    # No frame of the protocol, and one that is far too long.
    with contextlib.suppress(Fault, OSError):
        one.stream.sendall(b"\xff" + wrong.encode())
        while True:
            one.next()
    other.lose()


def terminals(stack, canaries):
    """Two people with the terminal client, who meet by a topic and by an invite link."""
    topic = canaries.word("topic")
    say_and_hear(stack, canaries, [["--topic", topic], ["--topic", topic]])
    link = []
    say_and_hear(stack, canaries, [["--new-invite"], None], link)
    code = canaries.keep("invite link", link[0].partition("#")[2])
    for part in code.split("."):
        if len(part) > 9:
            canaries.keep("part of an invite link", part)


def say_and_hear(stack, canaries, whats, link=None):
    people = []
    try:
        for what in whats:
            if what is None:
                # Whoever waits has said the link.
                link.append(until("the link is shown", lambda: shown_link(people[0])))
                what = ["--invite", link[0]]
            people.append(Terminal(stack, what))
        texts = [canaries.word("content") for _ in people]
        for each, text in zip(people, texts):
            each.write(text)
        for each, text in zip(people, reversed(texts)):
            until("the other terminal has the text", lambda: text in each.output().splitlines())
    finally:
        for each in people:
            each.end()


def shown_link(terminal):
    words = terminal.output().split()
    return next((word for word in words if word.startswith("https://") and "#" in word), None)


class Terminal:
    def __init__(self, stack, words):
        self.path = stack.home / f"terminal-{uuid.uuid4().hex}"
        self.file = open(self.path, "wb")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CIPHER_CHAT_")}
        self.process = subprocess.Popen(
            [stack.binary, "chat", "--plain", "--url", f"https://localhost:{stack.people}", "--ca", stack.pki / "authorities" / "public.pem", *words],
            env=clean, stdin=subprocess.PIPE, stdout=self.file, stderr=subprocess.STDOUT)

    def write(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def output(self):
        return self.path.read_text(encoding="utf-8")

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.file.close()
        # What people have on their own screens is theirs.
        self.path.unlink()


def load(stack, _):
    """Many who come and go."""
    done = subprocess.run(
        [stack.binary, "bench", "churn", "--url", f"https://localhost:{stack.people}", "--ca", stack.pki / "authorities" / "public.pem",
         "--pairs", "6", "--secs", "3"], text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("CIPHER_CHAT_")})
    # All come from one address. On a fast machine the limit of sessions, which is the one that ships, ends it sooner.
    if done.returncode != 0 and "(429)" not in done.stdout:
        raise Fault(done.stdout[-2000:])


@contextlib.contextmanager
def flood(stack, address):
    """Somebody asks for sessions as fast as they are answered, until the block is over. Yields how many were refused so far."""
    over, refused = threading.Event(), []

    def ask(somebody):
        while not over.is_set():
            with contextlib.suppress(OSError):
                refused.extend([1] * (somebody.call("POST", "/v1/sessions")[0] == 429))
    threads = [threading.Thread(target=ask, args=[Person(stack, address)], daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield refused
    finally:
        over.set()
        for thread in threads:
            thread.join()


def crash(stack, canaries):
    """A node panics, with a backtrace, while people chat; then it is ended by a signal that leaves a core, if it may."""
    node = stack.running[GATEWAYS[-1]]
    pairs = [couple(stack, canaries, topic=canaries.word("topic")) for _ in range(3)]
    for one, other in pairs:
        talk(canaries, one, other)
    if os.geteuid() == 0:
        # It is told to read its certificates again, which a thread of its own does, and may have no new thread.
        time.sleep(IDLE_SECS)
        # Only somebody with more rights than root may have here, or the same user, may limit it.
        subprocess.run(["prlimit", "--pid", str(node.process.pid), "--nproc=1:1"], check=True, user=65531, group=65531, extra_groups=[])
        node.send(signal.SIGHUP)
        until("a panic is told with its backtrace", lambda: "panicked at" in node.said() and "stack backtrace" in node.said())
    else:
        print("   not as root: no node is made to panic", flush=True)
    node.kill(signal.SIGABRT)
    for one, other in pairs:
        one.lose()
        other.lose()
    cores = [path for path in node.home.rglob("*") if path.is_file() and "core" in path.name]
    if cores:
        raise Fault(f"a core: {cores}")
    node.start()
    until("it is back", lambda: stack.ops(node.name)[0] == 200)
