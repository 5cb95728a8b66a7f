#!/usr/bin/env python3
"""bad_tls.py - servers that do not behave, or that are right but for one thing; many of them in one process.

    bad_tls.py [--for SECONDS] SERVER...        SERVER: "ADDRESS:PORT MODE [NAME=VALUE]..."
    bad_tls.py [--for SECONDS] --table FILE     one SERVER a line

Modes:
    tls           TLS from the first byte
    smtp          SMTP with STARTTLS
    no-starttls   SMTP that does not offer it
    refused       SMTP that offers it, and then says 454
    busy          SMTP that says 421 to everybody
    silent        takes the connection, and says nothing
    hang          silent once the handshake has begun (with talk=smtp after its STARTTLS)
    garbage       sends bytes that mean nothing
    close         ends the connection at once
    flood         sends a banner without end
    alert         answers the first message of the handshake with a fatal alert (talk=smtp: after STARTTLS)

Names, of those that make a handshake:
    chain=FILE    key and certificates in one file; several times for several types of key
    then=FILE     every second connection gets this one in place of chain
    version=V     1.0, 1.2 or 1.3, and no other
    client=must   clients that have no certificate are turned away
    talk=smtp     what is said before

Says "ready" on stderr when all listen; ends itself after the time (300 seconds).

Touches: loopback addresses only, and the files that it is given.
"""

import argparse
import ipaddress
import os
import socket
import ssl
import sys
import threading
import time

PATIENCE = 60                   # for a client that says nothing


VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(files, version, asks):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = VERSIONS[version or "1.2"]
    if version:
        made.maximum_version = VERSIONS[version]
    if asks:
        made.verify_mode = ssl.CERT_REQUIRED
    made.set_ciphers("DEFAULT@SECLEVEL=0")      # small keys, too
    for file in files:
        made.load_cert_chain(file)
    return made


class Line:
    """A connection, read a line at a time and never beyond."""

    def __init__(self, conn):
        self.conn = conn

    def read(self):
        got = b""
        while not got.endswith(b"\n") and len(got) < 1000:
            byte = self.conn.recv(1)
            if not byte:
                raise ConnectionError
            got += byte
        return got.strip().upper()

    def say(self, text):
        self.conn.sendall(text.encode() + b"\r\n")


def smtp(conn, mode):
    """The talk up to STARTTLS; true: TLS begins now."""
    line = Line(conn)
    line.say("220 bad.example ESMTP")
    while True:
        said = line.read()
        if said.startswith(b"EHLO") and mode == "no-starttls":
            line.say("250-bad.example\r\n250 8BITMIME")
        elif said.startswith(b"EHLO"):
            line.say("250-bad.example\r\n250-STARTTLS\r\n250 8BITMIME")
        elif said == b"STARTTLS" and mode == "refused":
            line.say("454 4.7.0 TLS not available due to local problem")
        elif said == b"STARTTLS" and mode != "no-starttls":
            line.say("220 2.0.0 Ready to start TLS")
            return True
        elif said == b"QUIT":
            line.say("221 2.0.0 Bye")
            return False
        elif said.startswith(b"HELO") or said in (b"RSET", b"NOOP"):
            line.say("250 bad.example")
        else:
            line.say("502 5.5.2 Not known here")


class Server:
    def __init__(self, text):
        where, self.mode, *options = text.split()
        address, _, port = where.rpartition(":")
        address = address.strip("[]")
        if not ipaddress.ip_address(address).is_loopback:
            sys.exit("bad_tls.py: %s is not a loopback address" % address)
        if self.mode not in MODES:
            sys.exit("bad_tls.py: no such mode: %s" % self.mode)
        version, asks = None, False
        chain, then, self.talk = [], [], "smtp" if self.mode == "smtp" else "none"
        for option in options:
            name, _, value = option.partition("=")
            if name == "chain":
                chain.append(value)
            elif name == "then":
                then.append(value)
            elif name == "talk":
                self.talk = value
            elif name == "version":
                version = value
            elif name == "client":
                asks = value == "must"
            else:
                sys.exit("bad_tls.py: no such option: %s" % name)
        self.contexts = [context(files, version, asks) for files in (chain, then) if files]
        self.turn = 0
        self.socket = socket.create_server((address, int(port)), family=socket.AF_INET6 if ":" in address
                                           else socket.AF_INET, backlog=64)

    def run(self):
        while True:
            conn, _ = self.socket.accept()
            conn.settimeout(PATIENCE)
            threading.Thread(target=self.serve, args=(conn, self.turn), daemon=True).start()
            self.turn += 1

    def serve(self, conn, turn):
        try:
            with conn:
                MODES[self.mode](self, conn, turn)
        except OSError:         # ssl.SSLError is one; the client has gone, or does not want us
            pass

    def handshake(self, conn, turn):
        if self.talk == "smtp" and not smtp(conn, self.mode):
            return
        with self.contexts[turn % len(self.contexts)].wrap_socket(conn, server_side=True) as tls:
            if self.talk == "smtp":
                smtp(tls, "no-starttls")
            elif tls.recv(1000):
                tls.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            tls.unwrap()

    def talk_only(self, conn, turn):
        smtp(conn, self.mode)

    def busy(self, conn, turn):
        Line(conn).say("421 4.7.0 bad.example too many connections")

    def silent(self, conn, turn):
        while conn.recv(1000):
            pass

    def hang(self, conn, turn):
        if self.talk != "smtp" or smtp(conn, self.mode):
            self.silent(conn, turn)

    def garbage(self, conn, turn):
        conn.sendall(bytes(range(128, 256)) * 2 + b"\r\n\0\0%n%s\x1b[2J\r\n")
        self.silent(conn, turn)

    def close(self, conn, turn):
        pass

    def flood(self, conn, turn):
        while True:
            conn.sendall(b"220-" + b"x" * 60000 + b"\r\n")

    def alert(self, conn, turn):
        if self.talk != "smtp" or smtp(conn, self.mode):
            conn.recv(16384)
            conn.sendall(b"\x15\x03\x03\x00\x02\x02\x50")       # fatal, internal_error
            self.silent(conn, turn)


MODES = {"tls": Server.handshake, "smtp": Server.handshake, "no-starttls": Server.talk_only,
         "refused": Server.talk_only, "busy": Server.busy,
         "silent": Server.silent, "hang": Server.hang, "garbage": Server.garbage,
         "close": Server.close, "flood": Server.flood, "alert": Server.alert}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=300)
    parser.add_argument("--table")
    parser.add_argument("servers", nargs="*")
    args = parser.parse_args()
    texts = list(args.servers)
    if args.table:
        with open(args.table, encoding="ascii") as file:
            texts += [line for line in file if line.strip()]
    for server in [Server(text) for text in texts]:
        threading.Thread(target=server.run, daemon=True).start()
    print("ready", file=sys.stderr, flush=True)
    time.sleep(args.seconds)
    os._exit(0)


main()
