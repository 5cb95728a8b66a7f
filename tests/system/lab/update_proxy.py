#!/usr/bin/env python3
"""update_proxy.py - stands between a program that sends DNS updates and their server, and misbehaves.

    update_proxy.py --listen 127.0.0.1:5400 --upstream 127.0.0.1:5300 --mode race --run 'COMMAND'

Questions, by UDP or TCP, are passed on.  With an update this is done:

    race   --run is run before the first one is passed on (before each one, with --each)
    flip   it is passed on, and one bit of the signature of the reply is turned around
    rcode  it is passed on, and the reply gets the rcode --rcode
    lie    it is not passed on; the reply is --rcode (NOERROR), not signed
    drop   it is passed on, and the connection is closed instead of a reply
    old    the first is passed on; each later one is not, and gets the reply to the first with its own ids

Says "ready" when it listens, and "update" for each one.

Touches: its sockets; what --run does.
"""

import argparse
import socket
import struct
import subprocess
import sys
import threading

UPDATE = 5
ARGS = None
SEEN = []               # replies to updates


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def read_exactly(sock, length):
    data = b""
    while len(data) < length:
        more = sock.recv(length - len(data))
        if not more:
            raise ConnectionError("ended early")
        data += more
    return data


def read_message(sock):
    return read_exactly(sock, struct.unpack("!H", read_exactly(sock, 2))[0])


def ask_tcp(message):
    with socket.create_connection(ARGS.upstream, 15) as up:
        up.sendall(struct.pack("!H", len(message)) + message)
        return read_message(up)


def ask_udp(message):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
        up.settimeout(5)
        up.sendto(message, ARGS.upstream)
        return up.recv(65535)


def is_update(message):
    return message[2] >> 3 & 15 == UPDATE


def lie(message):
    return message[:2] + bytes([0x80 | UPDATE << 3, ARGS.rcode]) + bytes(8)


def answer_update(message):
    """The reply, or None."""
    first = not SEEN
    SEEN.append(None)
    print("update", flush=True)
    if ARGS.mode == "lie":
        return lie(message)
    if ARGS.mode == "old" and not first:
        return message[:2] + SEEN[0][2:-6] + message[:2] + SEEN[0][-4:]
    if ARGS.mode == "race" and (first or ARGS.each):
        subprocess.run(ARGS.run, shell=True, check=False)
    reply = bytearray(ask_tcp(message))
    if ARGS.mode == "flip":
        reply[-7] ^= 1  # behind the MAC: original id, error, length of other data
    elif ARGS.mode == "rcode":
        reply[3] = reply[3] & 0xF0 | ARGS.rcode
    SEEN[-1] = bytes(reply)
    return None if ARGS.mode == "drop" else bytes(reply)


def serve_one(conn):
    with conn:
        try:
            while True:
                message = read_message(conn)
                reply = answer_update(message) if is_update(message) else ask_tcp(message)
                if reply is None:
                    return
                conn.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            pass


def serve_udp(sock):
    while True:
        message, client = sock.recvfrom(65535)
        try:
            sock.sendto(ask_udp(message), client)
        except OSError:
            pass


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--listen", type=address, required=True)
    parser.add_argument("--upstream", type=address, required=True)
    parser.add_argument("--mode", choices="race flip rcode lie drop old".split(), required=True)
    parser.add_argument("--run", default="true")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--rcode", type=int, default=0)
    ARGS = parser.parse_args()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(ARGS.listen)
    tcp = socket.create_server(ARGS.listen)
    threading.Thread(target=serve_udp, args=(udp,), daemon=True).start()
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve_one, args=(tcp.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
