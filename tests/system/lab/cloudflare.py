#!/usr/bin/env python3
"""cloudflare.py - a stand-in for the API of Cloudflare (version 4), as far as DNS records go, and for its name
servers.

    cloudflare.py --api 127.0.0.1:8080 --dns 127.0.0.1:5300 --dns 127.0.0.2:5300 --token TOKEN
        --zone example.test --zone second.test:secondary --zone later.test:full:pending

The API is under /client/v4.  It knows zones, dns_records (list, create, change, delete) and their batch, which is
done as a whole or not at all.  Lists have at most --page-size entries a page.  Name servers have no cache and no
signatures.  Each request to the API is one line on stdout.  Says "ready" on stderr when it listens.

What is not in the real API, and needs no token:
    GET  /control?too-many=N&retry-after=S  the next N requests are answered with 429
    GET  /control?broken=N                  the next N requests are answered with 502 and no JSON
    GET  /control?stale=ADDRESS             the name server at this address keeps what it has now; none if empty
    GET  /control?page-size=N               as the option
    GET  /control?mute=ADDRESS              it gives no answer; none if empty
    GET  /records?zone=NAME                 all records of a zone

Touches: its sockets.
"""

import argparse
import copy
import http.server
import json
import re
import socket
import struct
import sys
import threading
import urllib.parse

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "TLSA": 52}
BATCH_MAX = 200
LOCK = threading.Lock()


class Refused(Exception):
    def __init__(self, status, code, message, chain=()):
        super().__init__(message)
        self.status, self.headers = status, {}
        self.errors = [{"code": code, "message": message}]
        if chain:
            self.errors[0]["error_chain"] = [{"code": c, "message": m} for c, m in chain]


class Zone:
    def __init__(self, text, servers):
        self.name, self.type, self.status = (text.split(":") + ["full", "active"][text.count(":"):])[:3]
        self.id = format(abs(hash(self.name)) % 16 ** 32, "032x")
        self.servers, self.serial, self.records, self.number = servers, 1, [], 0

    def shown(self):
        return {"id": self.id, "name": self.name, "type": self.type, "status": self.status, "paused": False,
                "name_servers": self.servers}

    def find(self, record_id):
        for record in self.records:
            if record["id"] == record_id:
                return record
        raise Refused(404, 81044, "Record does not exist.")

    def check(self, record):
        """What the API would not take; completes the rest."""
        if record.get("type") not in TYPES:
            raise Refused(400, 9005, "DNS record type is invalid.")
        name = record.get("name", "").lower()
        if name != self.name and not name.endswith("." + self.name):
            raise Refused(400, 9000, "DNS name is invalid.")
        record["name"] = name
        if record["ttl"] != 1 and not 60 <= record["ttl"] <= 86400:
            raise Refused(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
        if record["type"] == "TLSA":
            data = record["data"]
            if not re.fullmatch("[0-9a-f]{64}|[0-9a-f]{128}", data["certificate"]):
                raise Refused(400, 9101, "certificate is a required data field.")
            record["content"] = "{usage} {selector} {matching_type} {certificate}".format(**data)
        elif record["type"] == "TXT" and not record["content"].startswith('"'):
            record["content"] = '"%s"' % record["content"]
        for other in self.records:
            if other["name"] != name or other["id"] == record.get("id"):
                continue
            if (other["type"], other["content"]) == (record["type"], record["content"]):
                raise Refused(400, 81058, "An identical record already exists.")
            if "CNAME" in (other["type"], record["type"]):
                raise Refused(400, 81054, "A CNAME record with that host already exists.")

    def create(self, record):
        self.number += 1
        record = dict(record)
        record.setdefault("ttl", 1)
        self.check(record)
        record["id"] = format(self.number, "032x")
        self.records.append(record)
        return record

    def change(self, record_id, with_):
        record = self.find(record_id)
        changed = {**record, **with_}
        self.check(changed)
        record.update(changed)
        return record

    def delete(self, record_id):
        self.records.remove(self.find(record_id))
        return {"id": record_id}

    def batch(self, request):
        if sum(len(part) for part in request.values()) > BATCH_MAX:
            raise Refused(400, 81045, "Too many changes in one batch.")
        before = copy.deepcopy(self.records)
        try:
            return {"deletes": [self.delete(r["id"]) for r in request.get("deletes", [])],
                    "patches": [self.change(r["id"], r) for r in request.get("patches", [])],
                    "posts": [self.create(r) for r in request.get("posts", [])]}
        except Refused:
            self.records = before
            raise


# --- the API ------------------------------------------------------------------------------------------------

class Api(http.server.BaseHTTPRequestHandler):
    world = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in dict(headers).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[-1] for name, values in urllib.parse.parse_qs(url.query, True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK:
            if url.path == "/control":
                self.world.control(query)
                return self.reply(200, {})
            if url.path == "/records":
                return self.reply(200, self.world.zones[query["zone"]].records)
            try:
                if self.world.broken:
                    self.world.broken -= 1
                    return self.reply(502, b"<html>bad gateway</html>")
                print(self.command, self.path, len(body), flush=True)
                result = self.world.api(self.command, url.path, query, self.headers.get("Authorization", ""),
                                        json.loads(body) if body else {})
            except Refused as refused:
                return self.reply(refused.status, {"success": False, "errors": refused.errors, "messages": [],
                                                   "result": None}, refused.headers)
            self.reply(200, {"success": True, "errors": [], "messages": [], **result})

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any


class World:
    def __init__(self, args):
        self.token, self.page_size = args.token, args.page_size
        servers = [text.rsplit(":", 1)[0] for text in args.dns]
        self.zones = {zone.name: zone for zone in (Zone(text, servers) for text in args.zone)}
        self.too_many, self.retry_after, self.broken = 0, None, 0
        self.stale, self.kept, self.mute = None, {}, None

    def control(self, query):
        self.too_many = int(query.get("too-many", self.too_many))
        self.retry_after = query.get("retry-after", self.retry_after)
        self.broken = int(query.get("broken", self.broken))
        self.mute = query.get("mute", self.mute)
        self.page_size = int(query.get("page-size", self.page_size))
        if "stale" in query:
            self.stale, self.kept = query["stale"], copy.deepcopy(self.zones)

    def page(self, entries, query):
        size = min(int(query.get("per_page", 20)), self.page_size)
        page = int(query.get("page", 1))
        part = entries[(page - 1) * size:page * size]
        return {"result": part, "result_info": {"page": page, "per_page": size, "count": len(part), "total_count":
                                                len(entries), "total_pages": -(-len(entries) // size)}}

    def api(self, method, path, query, authorization, body):
        if self.too_many:
            self.too_many -= 1
            refused = Refused(429, 971, "Please wait and consider throttling your request speed")
            if self.retry_after:
                refused.headers["Retry-After"] = self.retry_after
            raise refused
        if not re.fullmatch("Bearer [A-Za-z0-9_-]+", authorization):
            raise Refused(400, 6003, "Invalid request headers", [(6111, "Invalid format for Authorization header")])
        if authorization != "Bearer " + self.token:
            raise Refused(403, 9109, "Invalid access token")
        parts = path.removeprefix("/client/v4/").split("/")
        if parts == ["zones"]:
            return self.page([z.shown() for z in self.zones.values() if query.get("name", z.name) == z.name], query)
        zone = next((z for z in self.zones.values() if parts[:1] == ["zones"] and z.id == parts[1]), None)
        if not zone or parts[2:3] != ["dns_records"]:
            raise Refused(404, 7003, "Could not route to %s, perhaps your object identifier is invalid?" % path)
        if method == "GET":
            name = query.get("name.exact", query.get("name"))
            return self.page([r for r in zone.records if name in (None, r["name"]) and
                              query.get("type", r["type"]) == r["type"]], query)
        zone.serial += 1
        if method == "POST":
            return {"result": zone.batch(body) if parts[3:] == ["batch"] else zone.create(body)}
        return {"result": zone.delete(parts[3]) if method == "DELETE" else zone.change(parts[3], body)}


# --- the name servers -----------------------------------------------------------------------------------------

def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def wire_data(record):
    kind, content = record["type"], record["content"]
    if kind == "TLSA":
        data = record["data"]
        return bytes([data["usage"], data["selector"], data["matching_type"]]) + bytes.fromhex(data["certificate"])
    if kind == "TXT":
        text = content.strip('"').encode()
        return bytes([len(text)]) + text
    return socket.inet_aton(content) if kind == "A" else wire_name(content)


def wire_record(name, kind, ttl, data):
    return wire_name(name) + struct.pack("!HHIH", TYPES[kind], 1, 300 if ttl == 1 else ttl, len(data)) + data


def answer(zones, question):
    """The reply to a question in wire format, or nothing."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    name, kind = ".".join(labels), struct.unpack("!H", question[at + 1:at + 3])[0]
    inside = [z for z in zones.values() if z.status == "active" and ("." + name).endswith("." + z.name)]
    head = question[:2] + struct.pack("!B", 0x84 | question[2] & 1)
    if not inside:
        return head + struct.pack("!BHHHH", 5, 1, 0, 0, 0) + question[12:at + 5]
    zone = max(inside, key=lambda z: len(z.name))
    soa = wire_record(zone.name, "SOA", 60, wire_name("ns." + zone.name) + wire_name("h." + zone.name) +
                      struct.pack("!IIIII", zone.serial, 3600, 600, 864000, 60))
    cuts = [r for r in zone.records if r["type"] == "NS" and ("." + name).endswith("." + r["name"])]
    found = [wire_record(name, r["type"], r["ttl"], wire_data(r)) for r in zone.records
             if r["name"] == name and TYPES[r["type"]] == kind]
    if kind == TYPES["SOA"] and name == zone.name:
        found = [soa]
    if cuts:
        found, authority = [], [wire_record(r["name"], "NS", 60, wire_data(r)) for r in cuts]
    else:
        authority = [] if found else [soa]
    return head + struct.pack("!BHHHH", 0, 1, len(found), len(authority), 0) + question[12:at + 5] + \
        b"".join(found + authority)


def serve_dns(world, address, sock):
    while True:
        question, client = sock.recvfrom(4096)
        with LOCK:
            if world.mute == address:
                continue
            reply = answer(world.kept if world.stale == address else world.zones, question)
        sock.sendto(reply, client)


def main():
    parser = argparse.ArgumentParser(description="a stand-in for the API of Cloudflare and its name servers")
    parser.add_argument("--api", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--dns", action="append", default=[], metavar="ADDRESS:PORT")
    parser.add_argument("--token", required=True)
    parser.add_argument("--zone", action="append", default=[], metavar="NAME[:TYPE[:STATUS]]")
    parser.add_argument("--page-size", type=int, default=100)
    args = parser.parse_args()
    world = Api.world = World(args)
    for text in args.dns:
        address, port = text.rsplit(":", 1)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, int(port)))
        threading.Thread(target=serve_dns, args=(world, address, sock), daemon=True).start()
    address, port = args.api.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((address, int(port)), Api)
    print("ready", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
