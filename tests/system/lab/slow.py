#!/usr/bin/env python3
"""slow.py - name servers that are far away: forwards DNS over UDP and TCP, delays the answers, and loses some of
the questions.

    slow.py --map 127.0.0.201:5300=127.0.0.1:5300 [--map ...] --delay-ms 20 --loss 0.01 --seed 1

Each --map is a server, as it is seen and as it is.  The delay is that of a round trip, and lies on the way back;
over TCP the first answer is two of them late, one for the handshake.  Only UDP loses.  Says "ready" on stderr
when it listens, and when it is ended (TERM, INT) a line for each server: questions by UDP, by TCP, lost ones.

Touches: its sockets.
"""

import argparse
import heapq
import random
import selectors
import signal
import socket
import sys
import time

BURST = 64              # datagrams taken from one socket before the others have their turn
BUFFER = 4 << 20
ENDED = []


class Later:
    """What is to be done at some time."""

    def __init__(self):
        self.heap = []
        self.number = 0                             # keeps the order of what is due at the same time

    def add(self, due, action, *args):
        self.number += 1
        heapq.heappush(self.heap, (due, self.number, action, args))

    def run(self):
        """Does what is due, and returns the time until there is more."""
        while self.heap:
            wait = self.heap[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, action, args = heapq.heappop(self.heap)
            action(*args)
        return None


class Mapping:
    """One server.  All its questions go through one socket, under ids of our own."""

    def __init__(self, loop, text):
        self.loop, self.text = loop, text
        shown, real = (endpoint(part) for part in text.split("="))
        self.real, self.family = real, socket.AF_INET6 if ":" in real[0] else socket.AF_INET
        self.udp, self.tcp, self.lost = 0, 0, 0
        self.next_id, self.asked = 0, [None] * 65536
        family = socket.AF_INET6 if ":" in shown[0] else socket.AF_INET
        self.front = self.datagrams(family)
        self.front.bind(shown)
        self.back = self.datagrams(self.family)
        self.back.connect(real)
        listener = socket.create_server(shown, family=family, backlog=512)
        listener.setblocking(False)
        loop.selector.register(self.front, selectors.EVENT_READ, self.question)
        loop.selector.register(self.back, selectors.EVENT_READ, self.answer)
        loop.selector.register(listener, selectors.EVENT_READ, lambda _: self.accept(listener))

    @staticmethod
    def datagrams(family):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        s.setblocking(False)
        return s

    def question(self, _mask):
        recvfrom, send, loop = self.front.recvfrom, self.back.send, self.loop
        try:
            for _ in range(BURST):
                wire, client = recvfrom(65535)
                if len(wire) < 12:
                    continue
                self.udp += 1
                if loop.loss and loop.rng.random() < loop.loss:
                    self.lost += 1
                    continue
                number = self.next_id = (self.next_id + 1) & 0xFFFF
                self.asked[number] = client, wire[:2]
                send(number.to_bytes(2, "big") + wire[2:])
        except (BlockingIOError, ConnectionError):
            pass                                    # no more; or the server is gone: silence

    def answer(self, _mask):
        recv, later, due = self.back.recv, self.loop.later.add, time.monotonic() + self.loop.delay
        try:
            for _ in range(BURST):
                wire = recv(65535)
                number = int.from_bytes(wire[:2], "big")
                if self.asked[number]:
                    client, real_id = self.asked[number]
                    self.asked[number] = None
                    later(due, self.send, real_id + wire[2:], client)
        except (BlockingIOError, ConnectionError):
            pass

    def send(self, wire, client):
        try:
            self.front.sendto(wire, client)
        except OSError:
            pass                                    # the client is gone, or its buffer is full

    def accept(self, listener):
        try:
            client, _ = listener.accept()
        except OSError:
            return
        back = socket.socket(self.family)
        back.setblocking(False)
        back.connect_ex(self.real)
        Stream(self, client, back)


class Stream:
    """A TCP connection, and the one to the server that belongs to it."""

    def __init__(self, mapping, client, back):
        self.mapping, self.loop = mapping, mapping.loop
        self.other = {client: back, back: client}
        self.out = {client: bytearray(), back: bytearray()}
        self.ended = {client: False, back: False}   # no more will be written to it
        self.client, self.skip, self.head = client, 0, b""
        self.due = time.monotonic() + 2 * self.loop.delay   # of the first answer
        client.setblocking(False)
        for s in self.out:
            self.loop.selector.register(s, selectors.EVENT_READ, lambda mask, s=s: self.ready(s, mask))

    def ready(self, s, mask):
        if mask & selectors.EVENT_WRITE:
            self.flush(s)
        if not mask & selectors.EVENT_READ or s not in self.out:
            return
        try:
            data = s.recv(65535)
        except BlockingIOError:
            return
        except OSError:
            data = None
        if data is None:
            self.close()
        elif s is self.client:
            self.count(data)
            self.put(self.other[s], data)
        else:
            self.due = max(self.due, time.monotonic() + self.loop.delay)
            self.loop.later.add(self.due, self.put, self.client, data)
        if data == b"" and s in self.out:
            self.loop.selector.unregister(s)        # it still may be written to

    def count(self, data):
        """Messages have two bytes of length before them."""
        while data:
            if self.skip:
                taken = min(self.skip, len(data))
                self.skip, data = self.skip - taken, data[taken:]
                continue
            self.head, data = self.head + data[:1], data[1:]
            if len(self.head) == 2:
                self.skip, self.head = int.from_bytes(self.head, "big"), b""
                self.mapping.tcp += 1

    def put(self, s, data):
        """Writes, or with no data closes that direction."""
        if s not in self.out:
            return
        self.out[s] += data
        self.ended[s] = self.ended[s] or not data
        self.flush(s)

    def flush(self, s):
        out = self.out[s]
        try:
            while out:
                del out[:s.send(out)]
            if self.ended[s]:
                s.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            if out or not self.ended[s]:
                self.close()
                return
        if all(self.ended.values()) and not any(self.out.values()):
            self.close()
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if out else 0)
        try:
            self.loop.selector.modify(s, events, self.loop.selector.get_key(s).data)
        except KeyError:
            if out:                                 # was unregistered as its reading side has ended
                self.loop.selector.register(s, selectors.EVENT_WRITE, lambda mask: self.ready(s, mask))

    def close(self):
        for s in self.out:
            try:
                self.loop.selector.unregister(s)
            except (KeyError, ValueError):
                pass
            s.close()
        self.out = {}


class Loop:
    def __init__(self, args):
        self.selector = selectors.DefaultSelector()
        self.later, self.delay = Later(), args.delay_ms / 1000
        self.loss, self.rng = args.loss, random.Random(args.seed)
        self.mappings = [Mapping(self, text) for text in args.map]

    def run(self):
        while not ENDED:
            wait = self.later.run()
            for key, mask in self.selector.select(1 if wait is None else min(wait, 1)):
                key.data(mask)


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main():
    p = argparse.ArgumentParser(description="forwards DNS, late, and not always")
    p.add_argument("--map", action="append", required=True, metavar="SEEN:PORT=REAL:PORT")
    p.add_argument("--delay-ms", type=float, default=0)
    p.add_argument("--loss", type=float, default=0, help="share of the questions, 0 to 1")
    p.add_argument("--seed", type=int, default=1)
    loop = Loop(p.parse_args())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: ENDED.append(number))
    print("ready", file=sys.stderr, flush=True)
    loop.run()
    for m in loop.mappings:
        print("%s: %d by UDP, %d by TCP, %d lost" % (m.text, m.udp, m.tcp, m.lost), file=sys.stderr)


if __name__ == "__main__":
    main()
