#!/usr/bin/env python3
"""wire.py ONE OTHER SECONDS ADDRESS…: passes frames between two interfaces, late if they are from or to one of the addresses.

Stands in for the kernel's own delays, which not every kernel has. Connections go on when it is put in and taken out: it changes nothing.
"""

import heapq
import select
import socket
import sys
import time

EVERY_PROTOCOL, IPV4 = 3, b"\x08\x00"
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
# What the kernel puts before each frame: which sums are still to be made, and how a large one is cut.
HEAD = 10
SOURCE, TARGET = slice(HEAD + 26, HEAD + 30), slice(HEAD + 30, HEAD + 34)
LARGEST = 1 << 17


def end_of(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    end.bind((interface, 0))
    end.setblocking(False)
    return end


def is_delayed(frame, addresses):
    return frame[HEAD + 12:HEAD + 14] == IPV4 and (frame[SOURCE] in addresses or frame[TARGET] in addresses)


def main():
    one, other = end_of(sys.argv[1]), end_of(sys.argv[2])
    delay, addresses = float(sys.argv[3]), {socket.inet_aton(address) for address in sys.argv[4:]}
    to, waiting, count = {one: other, other: one}, [], 0
    print("ready", flush=True)
    while True:
        patience = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for end in select.select([one, other], [], [], patience)[0]:
            frame = end.recv(LARGEST)
            due = time.monotonic() + (delay if is_delayed(frame, addresses) else 0.0)
            count += 1
            heapq.heappush(waiting, (due, count, to[end], frame))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, end, frame = heapq.heappop(waiting)
            try:
                end.send(frame)
            except OSError:
                # A full queue drops frames, like any wire's.
                pass


main()
