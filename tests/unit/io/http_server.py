#!/usr/bin/env python3
"""http_server.py - a web server that answers as badly as it is told.   usage: http_server.py PEM

PEM holds key and certificate.  Prints its ports on 127.0.0.1: "TLS PLAIN OLD", OLD speaking TLS 1.1 and
nothing newer.  Ends with the process that started it.

  POST /say           the bytes of the request's body, as they are; /say?close hangs up behind them
  any  /echo          the request as it came
  GET  /hello         "hello"
  GET  /count         how many connections the TLS port has had
  GET  /drip          a byte every 50 ms, for ever
  GET  /flood         a body without an end
  GET  /headers       headers without an end
  GET  /continue      "100 Continue" without an end
  GET  /hang          nothing
  GET  /to?URL        redirects there
  GET  /round         redirects to itself
"""
import http.server
import ssl
import sys
import threading
import time

accepted = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, more=()):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def endless(self, begin, more, pause=0.0):
        self.wfile.write(begin)
        while True:
            self.wfile.write(more)
            self.wfile.flush()
            time.sleep(pause)

    def any_method(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/say":
            self.wfile.write(body)
            self.close_connection = query == "close"
        elif path == "/echo":
            head = "%s %s\n%s" % (self.command, self.path, self.headers)
            self.answer(head.encode() + body)
        elif path == "/hello":
            self.answer(b"hello")
        elif path == "/count":
            self.answer(b"%d" % accepted)
        elif path == "/drip":
            self.endless(b"HTTP/1.1 200 OK\r\n\r\n", b".", 0.05)
        elif path == "/flood":
            self.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"." * 10000)
        elif path == "/headers":
            self.endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"." * 1000 + b"\r\n")
        elif path == "/continue":
            self.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n")
        elif path == "/hang":
            time.sleep(3600)
        elif path in ("/to", "/round"):
            self.answer(b"not here", 302, [("Location", query or path), ("Replay-Nonce", "early")])
        else:
            self.answer(b"nothing here", 404)

    do_GET = do_HEAD = do_POST = any_method


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 200
    tls = None

    def get_request(self):
        global accepted
        sock, peer = super().get_request()
        if self.tls:
            accepted += 1
            sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return sock, peer

    def handle_error(self, request, client_address):
        pass


def serve(tls):
    server = Server(("127.0.0.1", 0), Handler)
    server.tls = tls
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def context(pem):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made


new, old = context(sys.argv[1]), context(sys.argv[1])
old.set_ciphers("DEFAULT:@SECLEVEL=0")
old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
print(serve(new), serve(None), serve(old), flush=True)
sys.stdin.read()
