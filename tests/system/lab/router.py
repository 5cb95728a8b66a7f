#!/usr/bin/env python3
"""router.py - a router that has no way: in a network of its own, everything to a network behind it is answered
with ICMP "destination unreachable".

    router.py --network 198.51.100.0/24 --code 0        0: net unreachable, 1: host unreachable

Says "ready" on stderr when the route stands.  Needs the right to make a tun device (unshare --net).

Touches: a network device of its own, and the routes of its network namespace.
"""

import argparse
import fcntl
import os
import struct
import subprocess
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
NAME, OURS, ROUTER = "certline0", "192.0.2.1", "192.0.2.2"
UNREACHABLE = 3


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def answer(packet, code):
    """What the router says to the sender of an IPv4 packet."""
    head = (packet[0] & 15) * 4
    body = struct.pack("!BBHI", UNREACHABLE, code, 0, 0) + packet[:head + 8]
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0,
                     bytes(map(int, ROUTER.split("."))), packet[12:16])
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + body


def main():
    p = argparse.ArgumentParser(description="answers everything to a network with ICMP unreachable")
    p.add_argument("--network", required=True)
    p.add_argument("--code", type=int, default=0)
    args = p.parse_args()
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH14s", NAME.encode(), IFF_TUN | IFF_NO_PI, b""))
    for words in (["addr", "add", OURS + "/24", "dev", NAME], ["link", "set", NAME, "up"],
                  ["route", "add", args.network, "via", ROUTER]):
        subprocess.run(["ip", *words], check=True)
    print("ready", file=sys.stderr, flush=True)
    while True:
        packet = os.read(device, 65535)
        if packet[0] >> 4 == 4:
            os.write(device, answer(packet, args.code))


if __name__ == "__main__":
    main()
