#!/usr/bin/env python3
"""resolver.py - a resolver that lies: it forwards questions to a real one, over UDP and TCP, and gives answers of
its own to some of them.

    resolver.py --listen 127.0.0.132:5300 --upstream 127.0.0.131:5300 --rule 'NS example.test answer ns1.example.test'

A rule is TYPE NAME ACTION, and the first that fits a question holds:

    answer DATA...  these records, unsigned: host names for NS and CNAME, addresses for A and AAAA, for DNSKEY the
                    hex digits of a P-256 key; for SOA an apex, which is in the authority section when it is
                    not the name that was asked for
    nothing         no record
    servfail        SERVFAIL
    silent          no answer

A rule that begins with "cd" is for questions with CD alone: those of a program that looks, not of one that
validates.  Says "ready" on stderr when it listens, and then, a line each, what it did.

Touches: its sockets.
"""

import argparse
import socket
import struct
import sys
import threading

sys.dont_write_bytecode = True
import hostile  # noqa: E402

CD, RA = 0x0010, 0x0080
ACTIONS = "answer", "nothing", "servfail", "silent"
KEY_P256 = b"\x01\x01\x03\x0d"         # flags, protocol, algorithm
TTL = 60


class Rule:
    def __init__(self, text):
        words = text.split()
        self.text, self.cd = text, words[0] == "cd"
        qtype, name, self.action, *data = words[self.cd:]
        if self.action not in ACTIONS or (self.action == "answer") != bool(data):
            raise ValueError(text)
        self.qtype, self.qname = hostile.TYPES[qtype], hostile.to_wire(name.lower())
        self.records = [getattr(self, qtype.lower(), self.host)(word) for word in data]

    def record(self, data):
        return hostile.Record(self.qname, self.qtype, data, TTL)

    def host(self, text):
        return self.record(hostile.to_wire(text))

    def a(self, text):
        return self.record(socket.inet_pton(hostile.family((text,)), text))

    aaaa = a

    def dnskey(self, text):
        return self.record(KEY_P256 + bytes.fromhex(text))

    def soa(self, text):
        apex = hostile.to_wire(text)
        return hostile.Record(apex, self.qtype, apex + apex + struct.pack("!5I", 1, 3600, 600, 864000, 30), TTL)

    def fits(self, message):
        return message.qtype == self.qtype and message.qname.lower() == self.qname and \
            (message.flags & CD or not self.cd)

    def reply(self, message):
        if self.action == "silent":
            return None
        message.empty(RA, rcode=hostile.SERVFAIL if self.action == "servfail" else 0)
        for record in self.records:
            (message.answer if record.name == self.qname else message.authority).append(record)
        return message.wire()


class Resolver(hostile.Hostile):
    """What the server loops want of a stand-in."""

    def __init__(self, args):
        self.mode, self.upstream, self.rules = "resolver", args.upstream, args.rule

    def reply(self, question, asked, tcp):
        for rule in self.rules:
            if rule.fits(asked):
                return None, rule.reply(asked), "by rule: %s" % rule.text
        return None, self.ask(question, tcp), "forwarded%s" % (" (CD)" if asked.flags & CD else "")


def main():
    p = argparse.ArgumentParser(description="forwards questions to a resolver, and answers some of them with lies")
    p.add_argument("--listen", type=hostile.endpoint, required=True, metavar="ADDRESS:PORT")
    p.add_argument("--upstream", type=hostile.endpoint, required=True, metavar="ADDRESS:PORT")
    p.add_argument("--rule", type=Rule, action="append", default=[], metavar="'TYPE NAME ACTION'")
    args = p.parse_args()
    resolver = Resolver(args)
    listener = socket.create_server(args.listen, family=hostile.family(args.listen))
    udp = socket.socket(hostile.family(args.listen), socket.SOCK_DGRAM)
    udp.bind(args.listen)
    for serve, sock in ((hostile.serve_udp, udp), (hostile.serve_tcp, listener)):
        threading.Thread(target=serve, args=(resolver, sock), daemon=True).start()
    print("ready", file=sys.stderr, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
