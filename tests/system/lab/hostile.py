#!/usr/bin/env python3
"""hostile.py - a name server that does what no real one does: it forwards questions to a real one, over UDP
and TCP, and spoils the answers about one zone.

    hostile.py --listen 127.0.0.77:5300 --zone example.test --mode wrong-id-first --upstream 127.0.0.1:5300

Says "ready" on stderr when it listens, and then, a line each, what it did.  `--help` lists the modes.

Touches: its sockets.
"""

import argparse
import concurrent.futures
import contextlib
import itertools
import random
import socket
import struct
import sys
import threading
import time

NS, CNAME, SOA, MX, DNAME, OPT, RRSIG, TLSA = 2, 5, 6, 15, 39, 41, 46, 52
TYPES = {"A": 1, "NS": NS, "CNAME": CNAME, "SOA": SOA, "AAAA": 28, "DS": 43, "RRSIG": RRSIG, "DNSKEY": 48,
         "TLSA": TLSA, "CAA": 257}
NAMES = {number: name for name, number in TYPES.items()}
NAMES_AT = {NS: (0, 1), CNAME: (0, 1), SOA: (0, 2), MX: (2, 1), DNAME: (0, 1)}  # in data: offset, count
QR, AA, TC = 0x8000, 0x0400, 0x0200
SERVFAIL, REFUSED = 2, 5
CHAIN = 13
MALFORMED = ValueError, IndexError, struct.error

MODES = {
    "wrong-id-first": "before the answer one with another id, and other TLSA data (UDP)",
    "wrong-question-first": "before the answer one to another question, and other TLSA data (UDP)",
    "wrong-port-first": "before the answer one with other TLSA data, from another port (UDP)",
    "wrong-source-first": "before the answer one with other TLSA data, from another address of 127/8 (UDP)",
    "edns-chain": "an EDNS option CHAIN in the OPT record of the answer",
    "garbage": "random bytes for an answer",
    "truncate-udp-always": "over UDP truncated and empty, over TCP as it should be",
    "silent-udp": "no answer over UDP, over TCP as it should be",
    "silent": "no answer",
    "servfail": "SERVFAIL",
    "refused": "REFUSED",
    "not-aa": "the answer without AA",
    "strip-rrsig": "the answer without signatures",
    "flip-rrsig": "the answer with a wrong bit in each signature",
    "other-set": "3 1 1 HEX (--hex) in place of the TLSA records, with the signature of the real ones",
    "old-ttl": "--ttl for the TTL of all records in the answer, with the signature of the real one",
    "endless": "truncated over UDP; over TCP one byte a second",
    "many": "200 TLSA records, truncated over UDP",
    "loop": "CNAMEs that lead back to themselves",
}


# --- messages ---------------------------------------------------------------------------------------

def read_name(message, at):
    """The name at this offset, uncompressed, in wire format, and the offset behind it."""
    name, behind, hops = b"", None, 0
    while message[at]:
        if message[at] >= 0xC0:
            behind = behind or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
            hops += 1
            if hops > 64:
                raise ValueError("compression loop")
        else:
            name += message[at:at + 1 + message[at]]
            at += 1 + message[at]
    return name + b"\0", behind or at + 1


def to_wire(text):
    return b"".join(bytes([len(label)]) + label for label in text.encode().split(b".") if label) + b"\0"


def to_text(name):
    text = ""
    while name[0]:
        text += name[1:1 + name[0]].decode("ascii", "backslashreplace") + "."
        name = name[1 + name[0]:]
    return text or "."


class Record:
    def __init__(self, name, rtype, data, ttl=60, rclass=1):
        self.name, self.rtype, self.rclass, self.ttl, self.data = name, rtype, rclass, ttl, data

    @classmethod
    def read(cls, message, at):
        name, at = read_name(message, at)
        rtype, rclass, ttl, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        data = message[at:at + length]
        if rtype in NAMES_AT:                       # names in it may point into the message
            offset, count = NAMES_AT[rtype]
            inner, data = at + offset, data[:offset]
            for _ in range(count):
                part, inner = read_name(message, inner)
                data += part
            data += message[inner:at + length]
        return cls(name, rtype, data, ttl, rclass), at + length

    def wire(self, qname):
        name = b"\xc0\x0c" if self.name.lower() == qname.lower() else self.name
        return name + struct.pack("!HHIH", self.rtype, self.rclass, self.ttl, len(self.data)) + self.data


class Message:
    """A message with one question."""

    def __init__(self, wire):
        self.id, self.flags, questions, *counts = struct.unpack_from("!6H", wire)
        if questions != 1:
            raise ValueError("%d questions" % questions)
        self.qname, at = read_name(wire, 12)
        self.qtype, self.qclass = struct.unpack_from("!HH", wire, at)
        at += 4
        self.answer, self.authority, self.additional = [], [], []
        for section, count in zip((self.answer, self.authority, self.additional), counts):
            for _ in range(count):
                record, at = Record.read(wire, at)
                section.append(record)

    def wire(self):
        sections = self.answer, self.authority, self.additional
        head = struct.pack("!6H", self.id, self.flags, 1, *map(len, sections))
        question = self.qname + struct.pack("!HH", self.qtype, self.qclass)
        return head + question + b"".join(r.wire(self.qname) for r in itertools.chain(*sections))

    def empty(self, flags=0, rcode=None):
        """Without records but OPT."""
        self.answer, self.authority, self.additional = [], [], [r for r in self.additional if r.rtype == OPT]
        self.flags |= QR | flags
        if rcode is not None:
            self.flags = self.flags & ~0xF | rcode
        return self

    def set_tlsa(self, datas):
        """Other TLSA records, under the name of the real ones; False if there is none."""
        old = [r for r in self.answer if r.rtype == TLSA]
        new = [Record(old[0].name, TLSA, data, old[0].ttl) for data in datas] if old else []
        self.answer = [r for r in self.answer if r.rtype != TLSA] + new
        return bool(old)


# --- what is spoiled --------------------------------------------------------------------------------

class Hostile:
    def __init__(self, args):
        self.mode, self.ttl, self.rng = args.mode, args.ttl, random.Random(1)
        self.zone = to_wire(args.zone.lower())
        self.only = TYPES[args.only] if args.only else None
        self.forged = b"\x03\x01\x01" + bytes.fromhex(args.hex)
        self.upstream = args.upstream

    def meant(self, message):
        """Is the question about our zone, and of the type?"""
        return message.qname.lower().endswith(self.zone) and self.only in (None, message.qtype)

    def ask(self, question, tcp):
        with socket.socket(family(self.upstream), socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(self.upstream)
            s.sendall(framed(question) if tcp else question)
            return read_framed(s) if tcp else s.recv(65535)

    def reply(self, question, asked, tcp):
        """(what is sent first, the answer, what was done); None for what is not sent."""
        if not self.meant(asked):
            return None, self.ask(question, tcp), "forwarded"
        if self.mode == "silent" or (self.mode == "silent-udp" and not tcp):
            return None, None, "not answered"
        if self.mode == "garbage":
            return None, self.rng.randbytes(self.rng.randrange(1, 600)), "random bytes"
        if self.mode in ("servfail", "refused"):
            return None, asked.empty(rcode=SERVFAIL if self.mode == "servfail" else REFUSED).wire(), self.mode
        answer = self.ask(question, tcp)
        m = Message(answer)
        if self.mode.endswith("-first") and not tcp:
            return self.forge(m), answer, self.mode
        if self.mode in ("truncate-udp-always", "endless", "many") and not tcp:
            return None, m.empty(TC).wire(), "truncated"
        if self.mode == "endless":
            return None, answer, "one byte a second"
        what = getattr(self, self.mode.replace("-", "_"), lambda m: "forwarded")(m)
        return None, answer if what == "forwarded" else m.wire(), what

    def forge(self, m):
        """A forged answer: the one with the forged record, but for one thing."""
        if not m.set_tlsa([self.forged]):
            m.empty(AA, rcode=0)
            m.answer = [Record(m.qname, TLSA, self.forged)]
        if self.mode == "wrong-id-first":
            m.id ^= 0x5555
        elif self.mode == "wrong-question-first":
            real = m.qname
            m.qname = b"\x01x" + real
            for record in m.answer:
                record.name = m.qname if record.name == real else record.name
        return m.wire()

    def edns_chain(self, m):
        opt = [r for r in m.additional if r.rtype == OPT]
        for record in opt:
            record.data += struct.pack("!HH", CHAIN, len(self.zone)) + self.zone
        return "an option CHAIN" if opt else "forwarded"

    def not_aa(self, m):
        m.flags &= ~AA
        return "without AA"

    def strip_rrsig(self, m):
        m.answer, m.authority = ([r for r in s if r.rtype != RRSIG] for s in (m.answer, m.authority))
        return "without signatures"

    def flip_rrsig(self, m):
        for record in (r for r in m.answer + m.authority if r.rtype == RRSIG):
            record.data = record.data[:-1] + bytes([record.data[-1] ^ 1])
        return "wrong signatures"

    def other_set(self, m):
        return "another set" if m.set_tlsa([self.forged]) else "forwarded"

    def old_ttl(self, m):
        for record in m.answer:
            record.ttl = self.ttl
        return "TTL %d" % self.ttl if m.answer else "forwarded"

    def many(self, m):
        if m.qtype != TLSA:
            return "forwarded"
        m.empty(AA, rcode=0)
        m.answer = [Record(m.qname, TLSA, b"\x03\x01\x01" + self.rng.randbytes(32)) for _ in range(200)]
        return "200 records"

    def loop(self, m):
        one, two = b"\x06loop-a" + self.zone, b"\x06loop-b" + self.zone
        m.empty(AA, rcode=0)
        links = [] if m.qname.lower() in (one, two) else [(m.qname, one)]
        m.answer = [Record(name, CNAME, target) for name, target in links + [(one, two), (two, one)]]
        return "a loop"


# --- sockets ----------------------------------------------------------------------------------------

def family(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def framed(wire):
    return struct.pack("!H", len(wire)) + wire


def read_framed(s):
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        part = s.recv(65537)
        if not part:
            raise ConnectionError("closed")
        data += part
    return data[2:]


def send_first(mode, sock, wire, client):
    """A forged answer, from where the mode wants it to come.  There is only one ::1."""
    host, port = sock.getsockname()[:2]
    with socket.socket(sock.family, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if mode == "wrong-port-first":
            other.bind((host, 0))
        elif mode == "wrong-source-first" and ":" not in host:
            other.bind(("127.77.77." + host.rpartition(".")[2], port))
        (other if mode in ("wrong-port-first", "wrong-source-first") else sock).sendto(wire, client)


def handle(hostile, wire, client, transport):
    first, answer, question = None, None, "(unreadable)"
    try:
        message = Message(wire)
        question = "%s %s" % (to_text(message.qname), NAMES.get(message.qtype, message.qtype))
        first, answer, what = hostile.reply(wire, message, transport == "tcp")
    except (*MALFORMED, OSError) as e:
        what = "failed: %s" % e
    print("%s %s#%d %s: %s" % (transport, client[0], client[1], question, what), file=sys.stderr, flush=True)
    return first, answer


def serve_udp(hostile, sock):
    def one(wire, client):
        first, answer = handle(hostile, wire, client, "udp")
        if first:
            send_first(hostile.mode, sock, first, client)
        if answer:
            sock.sendto(answer, client)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        while True:
            pool.submit(one, *sock.recvfrom(65535))


def serve_tcp(hostile, listener):
    def one(sock, client):
        with sock, contextlib.suppress(ConnectionError):
            while True:
                _, answer = handle(hostile, read_framed(sock), client, "tcp")
                data = framed(answer) if answer else b""
                while data and hostile.mode == "endless":
                    sock.sendall(data[:1])
                    data = data[1:]
                    time.sleep(1)
                sock.sendall(data)

    while True:
        threading.Thread(target=one, args=listener.accept(), daemon=True).start()


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main():
    p = argparse.ArgumentParser(
        description="forwards questions to a name server, and spoils the answers about one zone", epilog="modes:\n" +
        "\n".join("  %-22s %s" % m for m in MODES.items()), formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--listen", type=endpoint, action="append", required=True, metavar="ADDRESS:PORT")
    p.add_argument("--upstream", type=endpoint, default="127.0.0.1:53", metavar="ADDRESS:PORT")
    p.add_argument("--zone", required=True, help="what is not in it, is only forwarded")
    p.add_argument("--mode", choices=MODES, required=True, metavar="MODE")
    p.add_argument("--only", choices=TYPES, metavar="TYPE", help="spoil only answers to questions of this type")
    p.add_argument("--hex", default="66" * 32, help="the digest in forged TLSA records")
    p.add_argument("--ttl", type=int, default=604800, help="for old-ttl")
    args = p.parse_args()
    hostile = Hostile(args)
    for address in args.listen:
        listener = socket.create_server(address, family=family(address))
        udp = socket.socket(family(address), socket.SOCK_DGRAM)
        udp.bind(address)
        threading.Thread(target=serve_udp, args=(hostile, udp), daemon=True).start()
        threading.Thread(target=serve_tcp, args=(hostile, listener), daemon=True).start()
    print("ready", file=sys.stderr, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
