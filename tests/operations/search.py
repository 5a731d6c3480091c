"""Looks for canaries in everything that was kept, in every form in which something may have been written down."""

import base64
import binascii
import json
import re
import secrets
import socket
import time
from urllib.parse import quote

from ops import ask
from processes import Fault, until
from stack import NATS, NODES

# Every form is longer.
BEGIN = 8
HEX = re.compile(r"[0-9a-fA-F]{16,}")


def forms(text):
    """A text as bytes: as it is, and as base64 or hexadecimal digits of it, both also as UTF-16; and what an id or a token stands for."""
    raws = {text.encode()}
    if HEX.fullmatch(text.replace("-", "")):
        digits = text.replace("-", "").lower()
        raws |= {digits.encode(), digits.upper().encode(), bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "0")}
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if len(decoded) >= 16 and base64.urlsafe_b64encode(decoded).decode().rstrip("=") == text:
            raws.add(decoded)
    except (ValueError, binascii.Error):
        pass
    written = set(raws)
    for raw in raws:
        written |= {raw.hex().encode(), raw.hex().upper().encode(), *base64_forms(raw)}
    texts = {form for form in written if form.isascii()}
    return written | {form.decode().encode(wide) for form in texts for wide in ("utf-16-le", "utf-16-be")}


def base64_forms(raw):
    """What of its base64 does not depend on what stands around it, at each of the three places where it may begin."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        # The first digits depend on what is before, the last ones on what follows.
        first, whole = (0, 2, 3)[before], len(bytes(before) + raw) * 8 // 6
        inner = encoded[first:whole].rstrip(b"=")
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def files(stack):
    """Every file that any of them has written."""
    for path in sorted((stack.home / "run").rglob("*")):
        if path.is_file() and not path.is_symlink() and "chat" not in path.relative_to(stack.home / "run").parts:
            yield f"the file {path.relative_to(stack.home / 'run')}", path.read_bytes()


def answers(stack):
    """What each of them shows of what it has kept: files may be compressed."""
    def got(name, port, path):
        status, body = ask(port, path)
        if status != 200:
            raise Fault(f"{name} answers {status} to {path}: {body[:200]!r}")
        return f"{name} at {path}", body
    every = quote('{__name__=~".+"}')
    start, end = int(time.time()) - 3600, int(time.time()) + 60
    for path in [f"/api/v1/series?match[]={every}&start={start}&end={end}", "/api/v1/targets", "/api/v1/targets/metadata", "/api/v1/rules", "/api/v1/alerts",
                 "/api/v1/metadata", "/api/v1/status/config", "/api/v1/status/tsdb", "/api/v1/labels", f"/federate?match[]={every}"]:
        yield got("Prometheus", stack.prometheus, path)
    labels = json.loads(got("Prometheus", stack.prometheus, "/api/v1/labels")[1])["data"]
    for label in labels:
        yield got("Prometheus", stack.prometheus, f"/api/v1/label/{label}/values")
    for path in ["/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences", "/api/v2/status"]:
        yield got("Alertmanager", stack.alertmanager, path)
    yield "what Alertmanager sent", b"\n".join(stack.webhook.bodies)
    yield got("the log store", stack.logs, "/select/logsql/query?query=*")
    for kind in ["streams", "field_names"]:
        yield got("the log store", stack.logs, f"/select/logsql/{kind}?query=*")
    services = json.loads(got("Jaeger", stack.jaeger, "/api/services")[1])["data"] or []
    for service in services:
        yield got("Jaeger", stack.jaeger, f"/api/traces?service={quote(service)}&limit=20000&lookback=2h")
        yield got("Jaeger", stack.jaeger, f"/api/services/{quote(service)}/operations")
    for path in ["/overview", "/", "/metrics", "/readyz"]:
        yield got("the console", stack.console, path)
    yield "top", stack.top()
    for name in NATS:
        port = stack.nats_ports[name][2]
        for path in ["/varz", "/connz?subs=detail&auth=1&state=all", "/routez?subs=1", "/subsz?subs=1", "/accountz", "/healthz"]:
            yield got(name, port, path)
    for node in NODES:
        for path in ["/metrics", "/readyz"]:
            status, text = stack.ops(node, path)
            if status == 0:
                raise Fault(f"{node} does not answer at {path}")
            yield f"{node} at {path}", text.encode()


def everything(stack):
    """All that was kept, as places and bytes."""
    # What is in memory is searched by its answers; it is there at the latest a second after it came.
    ask(stack.logs, "/internal/force_flush")
    kept = [*answers(stack), *files(stack)]
    sizes = {}
    for place, data in kept:
        who = place.split(" at ", maxsplit=1)[0].split("/", maxsplit=1)[0]
        sizes[who] = sizes.get(who, 0) + len(data)
    print("   searched: " + ", ".join(f"{who} {size} bytes" for who, size in sizes.items()), flush=True)
    return kept


def found(canaries, kept):
    """Where canaries are: (what, text, place, what stands around it)."""
    # There are thousands of forms, so what stands at each place is looked up by its first bytes.
    begin = {}
    for what, text in canaries.all:
        for form in forms(text):
            begin.setdefault(form[:BEGIN], []).append((form, what, text))
    hits = set()
    for place, data in kept:
        for at in range(len(data) - BEGIN + 1):
            if data[at:at + BEGIN] in begin:
                hits |= {(what, text, place, shown(data, at)) for form, what, text in begin[data[at:at + BEGIN]] if data.startswith(form, at)}
    return hits


def shown(data, at):
    return data[max(at - 80, 0):at + 120].decode("utf-8", "replace")


def nothing_is_found(stack, canaries):
    kinds = sorted({what for what, _ in canaries.all})
    print(f"   {len(canaries.all)} canaries of {len(kinds)} kinds: {', '.join(kinds)}", flush=True)
    hits = found(canaries, everything(stack))
    if hits:
        raise Fault("; ".join(sorted(f"{what} {text} in {place}: …{around}…" for what, text, place, around in hits)[:12]))


def planted(stack, canaries):
    """One canary in each place, each in another form: all are found. So the search would find what it does not find."""
    words = {}

    def plant(where, act):
        words[where] = f"planted{secrets.token_hex(9)}"
        act(words[where].encode())
    send = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    log = b'<30>1 2026-01-01T00:00:00Z planted cipher-chat 1 - - {"x":"%s"}'.replace(b"2026-01-01T00:00:00Z", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode())
    plant("the log store", lambda word: send.sendto(log.replace(b"%s", base64.b64encode(b"?" + word + b"!")), ("127.0.0.1", stack.syslog)))
    plant("Prometheus", lambda word: setattr(stack.webhook, "page", b'planted{word="' + word.hex().encode() + b'"} 1\n'))
    plant("Alertmanager", lambda word: ask(stack.alertmanager, "/api/v2/alerts", "POST", json.dumps([
        {"labels": {"alertname": "Planted"}, "annotations": {"summary": word.decode()}}]), {"Content-Type": "application/json"}))
    plant("Jaeger", lambda word: send_span(stack, word.decode()))
    plant("the file nginx", lambda word: (stack.home / "run/nginx/planted").write_bytes(word.decode().encode("utf-16-le")))
    plant("the file gateway-1", lambda word: (stack.home / "run/gateway-1/planted").write_bytes(b"\0\1" + base64.urlsafe_b64encode(b"??" + word)))
    hidden = type(canaries)()
    for where, word in words.items():
        hidden.keep(where, word)
    until("Prometheus has the planted series", lambda: stack.query("planted"))
    until("the log store has the planted line", lambda: stack.lines("hostname:planted"))
    until("Jaeger has the planted span", lambda: ask(stack.jaeger, "/api/traces?service=planted")[1].count(b"spanID"))
    until("Alertmanager has sent the planted alarm", lambda: any(alarm["labels"]["alertname"] == "Planted" for alarm in stack.webhook.alarms()))
    hits = {(what, place) for what, _, place, _ in found(hidden, everything(stack))}
    missed = [where for where in words if not any(what == where and place.startswith(where) for what, place in hits)]
    if missed:
        raise Fault(f"not found where it was planted: {missed}; found: {sorted(hits)}")
    stack.webhook.page = b""


def send_span(stack, word):
    """To the collector, as a careless program would send it: with an address that may not get past it."""
    now = time.time_ns()
    span = {"traceId": secrets.token_hex(16), "spanId": secrets.token_hex(8), "name": word, "kind": 2, "startTimeUnixNano": str(now - 1000),
            "endTimeUnixNano": str(now), "attributes": [
                {"key": key, "value": {"stringValue": value}} for key, value in
                [("client.address", "203.0.113.77"), ("http.request.header.cookie", "203.0.113.78"), ("http.route", "/v1/ws")]]}
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "planted"}}]}, "scopeSpans": [{"spans": [span]}]}]}
    status, told = ask(stack.otlp_http, "/v1/traces", "POST", json.dumps(body), {"Content-Type": "application/json"})
    if status != 200:
        raise Fault(f"the collector answers {status}: {told!r}")


def the_collector_lets_no_address_pass(stack, _):
    """The planted span has arrived at Jaeger without the attributes that name somebody, and with the others."""
    _, traces = ask(stack.jaeger, "/api/traces?service=planted")
    if b"/v1/ws" not in traces or b"203.0.113.7" in traces:
        raise Fault(traces.decode())
