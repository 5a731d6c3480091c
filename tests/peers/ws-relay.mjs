// The smallest relay on npm's `ws`: /r/ROOM/SIDE, and the two connections of a room forward to each
// other. Nothing is checked and nothing limited: what is left is the price of the library.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(new URL("../browser/package.json", import.meta.url))("ws");
const rooms = new Map();
// Without compression, as all others here, and without a check of UTF-8, as messages are binary.
const server = new WebSocketServer({
    host: "127.0.0.1",
    port: Number(process.argv[2]),
    perMessageDeflate: false,
    skipUTF8Validation: true,
});

server.on("connection", (socket, request) => {
    const name = request.url.split("/")[2];
    const room = rooms.get(name) ?? rooms.set(name, new Set()).get(name);
    room.add(socket);
    socket.on("message", (message, binary) => {
        for (const other of room) if (other !== socket) other.send(message, { binary });
    });
    socket.on("close", () => {
        room.delete(socket);
        if (room.size === 0) rooms.delete(name);
    });
});
