// The smallest relay on uWebSockets, as ws-relay.mjs is on `ws`: /r/ROOM/SIDE, and the two connections
// of a room forward to each other. Nothing is checked and nothing limited: what is left is the price
// of the library.
#include <App.h>

#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

struct Side;
using Socket = uWS::WebSocket<false, true, Side>;
using Room = std::vector<Socket *>;

struct Side {
    std::string name;
    Room *room;
};

int main(int, char **words) {
    std::unordered_map<std::string, Room> rooms;
    uWS::App server;
    // Sent at once, not published to a topic: that would wait for the end of a round of the loop.
    server.ws<Side>("/r/:room/:side", {
        .compression = uWS::DISABLED,
        // As `ws` has it: messages of up to 100 MiB, no pings, and nothing thrown away for who reads slowly.
        .maxPayloadLength = 100 << 20,
        .idleTimeout = 0,
        .maxBackpressure = 0,
        .upgrade = [](auto *response, auto *request, auto *context) {
            response->template upgrade<Side>(
                {std::string(request->getParameter(0)), nullptr}, request->getHeader("sec-websocket-key"),
                request->getHeader("sec-websocket-protocol"), request->getHeader("sec-websocket-extensions"), context);
        },
        .open = [&rooms](Socket *socket) {
            Side *side = socket->getUserData();
            side->room = &rooms[side->name];
            side->room->push_back(socket);
        },
        .message = [](Socket *socket, std::string_view message, uWS::OpCode code) {
            for (Socket *other : *socket->getUserData()->room) {
                if (other != socket) other->send(message, code);
            }
        },
        .close = [&rooms](Socket *socket, int, std::string_view) {
            Side *side = socket->getUserData();
            std::erase(*side->room, socket);
            if (side->room->empty()) rooms.erase(side->name);
        },
    });
    server.listen("127.0.0.1", std::atoi(words[1]), [](auto *listening) {
        if (!listening) std::exit(1);
    });
    server.run();
}
