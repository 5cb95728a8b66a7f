#!/usr/bin/env python3
"""telling.py - a web server that is told things: POSTs are written down, one JSON object a row.

usage: telling.py PORT LOG MODE-FILE
MODE-FILE holds what it answers: ok, fail (500), hang (nothing), garbage, redirect.
"""
import http.server
import json
import socketserver
import sys
import time

PORT, LOG, MODE = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open(MODE, encoding="ascii") as f:
            mode = f.read().strip()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        row = {"mode": mode, "path": self.path, "type": self.headers.get("Content-Type"),
               "authorization": self.headers.get("Authorization"), "body": body}
        with open(LOG, "a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")
        if mode == "hang":
            time.sleep(120)
        elif mode == "garbage":
            self.wfile.write(b"\x00\xff" * 1000)
        else:
            self.send_response({"ok": 200, "redirect": 307}.get(mode, 500))
            if mode == "redirect":
                self.send_header("Location", f"http://127.0.0.1:{PORT}/elsewhere{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


Server(("127.0.0.1", PORT), Handler).serve_forever()
