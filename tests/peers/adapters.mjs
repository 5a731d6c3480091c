// How one side of a pair joins each system. An adapter opens a connection, and resolves once what
// the other side sends would arrive, with `send(payload)`. What arrives goes to `received(payload)`.
// Payloads are Buffers of ASCII text, so that systems whose protocol is JSON need not encode them.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

const WebSocket = createRequire(new URL("../browser/package.json", import.meta.url))("ws");

// As servers.py has it.
const PUSHER_APP = { key: "peers", secret: "not-a-secret" };

export const adapters = { "cipher-chat": cipherChat, nats, ws: relay, uwebsockets: relay, centrifugo, sockudo: pusher };

// A session, a connection, and a find with an invite code that only the two of this pair know.
async function cipherChat({ port, room }, received) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/sessions`, { method: "POST" });
    if (!answer.ok) throw new Error(`no session: ${answer.status} ${await answer.text()}`);
    const { token } = await answer.json();
    const socket = open(`ws://127.0.0.1:${port}/v1/ws`, "cipher-chat.v1", { Authorization: `Bearer ${token}` });
    const paired = first(socket, (data, binary) => {
        if (binary) return received(data);
        const { type, ...rest } = JSON.parse(data);
        if (type === "error") throw new Error(JSON.stringify(rest));
        return type === "paired";
    });
    await opened(socket);
    // 22 characters of base64url, as docs/protocol.md has it.
    socket.send(JSON.stringify({ type: "find", invite: `${String(room).padStart(21, "0")}A` }));
    await paired;
    return (payload) => socket.send(payload);
}

// NATS's own protocol over its own WebSocket: each side subscribes to a subject, the other publishes to it.
async function nats({ port, room, side }, received) {
    const socket = open(`ws://127.0.0.1:${port}/`);
    let rest = Buffer.alloc(0);
    const subscribed = first(socket, (data) => {
        rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
        let ponged = false;
        for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
            const line = rest.toString("latin1", 0, end);
            let taken = end + 2;
            if (line.startsWith("MSG ")) {
                const size = Number(line.slice(line.lastIndexOf(" ") + 1));
                if (rest.length < taken + size + 2) break;
                received(rest.subarray(taken, taken + size));
                taken += size + 2;
            } else if (line.startsWith("-ERR")) throw new Error(line);
            else if (line === "PING") socket.send("PONG\r\n", { binary: true });
            else if (line === "PONG") ponged = true;
            rest = rest.subarray(taken);
        }
        return ponged;
    });
    await opened(socket);
    const hello = { verbose: false, pedantic: false, lang: "peers", version: "1", protocol: 1, echo: false };
    const join = `CONNECT ${JSON.stringify(hello)}\r\nSUB room.${room}.${side} 1\r\nPING\r\n`;
    socket.send(Buffer.from(join));
    await subscribed;
    const end = Buffer.from("\r\n");
    return (payload) => {
        const head = Buffer.from(`PUB room.${room}.${other(side)} ${payload.length}\r\n`);
        socket.send(Buffer.concat([head, payload, end]));
    };
}

async function relay({ port, room, side }, received) {
    const socket = open(`ws://127.0.0.1:${port}/r/${room}/${side}`);
    socket.on("message", received);
    await opened(socket);
    return (payload) => socket.send(payload);
}

// Centrifugo's bidirectional protocol as JSON, the one of its JavaScript client: several replies
// come as lines of one message; an empty one is a ping, and is answered likewise.
async function centrifugo({ port, room, side }, received) {
    const socket = open(`ws://127.0.0.1:${port}/connection/websocket`);
    let id = 2;
    const subscribed = first(socket, (data) => {
        let ready = false;
        for (const line of data.toString().split("\n")) {
            if (line === "") continue;
            const reply = JSON.parse(line);
            if (reply.error || reply.push?.disconnect) throw new Error(line);
            if (reply.push?.pub) received(Buffer.from(reply.push.pub.data));
            else if (reply.subscribe) ready = true;
            else if (line === "{}") socket.send("{}");
        }
        return ready;
    });
    await opened(socket);
    socket.send(`{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"${room}${side}"}}`);
    await subscribed;
    return (payload) => {
        id += 1;
        socket.send(`{"id":${id},"publish":{"channel":"${room}${other(side)}","data":"${payload}"}}`);
    };
}

// The Pusher protocol, version 7. Clients may send each other events on a private channel only, for which
// the adapter signs itself, in place of the server of an application. Who sends does not get it back.
async function pusher({ port, room }, received) {
    const socket = open(`ws://127.0.0.1:${port}/app/${PUSHER_APP.key}?protocol=7&client=peers&version=1`);
    const channel = `private-room-${room}`;
    const subscribed = first(socket, (message) => {
        const { event, data } = JSON.parse(message);
        if (event === "client-m") return received(Buffer.from(data));
        if (event === "pusher:error" || event === "pusher:subscription_error") throw new Error(message.toString());
        if (event === "pusher:connection_established") {
            const { socket_id } = JSON.parse(data);
            const signature = createHmac("sha256", PUSHER_APP.secret).update(`${socket_id}:${channel}`).digest("hex");
            const auth = `${PUSHER_APP.key}:${signature}`;
            socket.send(JSON.stringify({ event: "pusher:subscribe", data: { channel, auth } }));
        } else if (event === "pusher:ping") socket.send(`{"event":"pusher:pong","data":{}}`);
        return event === "pusher_internal:subscription_succeeded";
    });
    await opened(socket);
    await subscribed;
    return (payload) => socket.send(`{"event":"client-m","channel":"${channel}","data":"${payload}"}`);
}

function other(side) {
    return side === "a" ? "b" : "a";
}

function open(url, protocol = [], headers = {}) {
    // No compression: the same for all, and none would gain from it, as real payloads are encrypted.
    return new WebSocket(url, protocol, { headers, perMessageDeflate: false });
}

function opened(socket) {
    return new Promise((resolve, reject) => {
        socket.once("open", resolve);
        socket.once("error", reject);
    });
}

// Hands every message to `take`, for as long as the connection lasts, and resolves when it has
// returned true once. What it throws ends the attempt, or, later, the connection.
function first(socket, take) {
    return new Promise((resolve, reject) => {
        socket.on("message", (data, binary) => {
            try {
                if (take(data, binary) === true) resolve();
            } catch (fault) {
                reject(fault);
                socket.terminate();
            }
        });
        socket.once("close", (code, reason) => reject(new Error(`closed: ${code} ${reason}`)));
    });
}
