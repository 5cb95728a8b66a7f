"""mock_modes.py - what mock_ca.py can do wrong, what is right in another way ("good:": a client has to manage), and
what is wrong, but a client may do without noticing ("odd:").

Touches: nothing.
"""

import datetime
import json
import re
import secrets
import ssl
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ERROR = "urn:ietf:params:acme:error:"
DAY = 86400

# what a request can be for; "nonce" is newNonce, "renewal" the renewalInfo of a certificate
PATHS = {"directory": "/dir", "nonce": "/nonce", "newAccount": "/new-account", "newOrder": "/new-order",
         "keyChange": "/key-change", "revoke": "/revoke-cert"}
PREFIXES = {"account": "/account/", "orders": "/orders/", "order": "/order/", "finalize": "/finalize/",
            "authz": "/authz/", "challenge": "/challenge/", "certificate": "/certificate/",
            "renewal": "/renewal-info/"}
ALL = (*PATHS, *PREFIXES)
POSTS = tuple(kind for kind in ALL if kind not in ("directory", "nonce", "renewal"))
ORDERS = "newOrder", "order", "finalize"
JSON = "directory", "newAccount", "account", *ORDERS, "authz", "challenge", "keyChange"


# --- replies ----------------------------------------------------------------------------------------

def http_date(when):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(when))


class Reply:
    def __init__(self, status=200, obj=None, body=b"", kind=None, headers=(), wire="whole"):
        self.status, self.obj, self.body, self.wire = status, obj, body, wire
        self.headers = list(headers)
        if kind or obj is not None:
            self.headers.append(("Content-Type", kind or "application/json"))

    def without(self, name):
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()]
        return self

    def update(self, **members):
        self.obj.update(members)
        return self

    def get(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def set(self, name, value):
        self.without(name).headers.append((name, value))

    def become(self, other):
        self.status, self.obj, self.body, self.headers = other.status, other.obj, other.body, other.headers
        return self


class Problem(Exception):
    def __init__(self, status, kind, detail, headers=(), **more):
        super().__init__(kind)
        self.status, self.kind, self.headers = status, kind, headers
        self.obj = {"type": ERROR + kind, "detail": detail, "status": status, **more}

    def reply(self):
        return Reply(self.status, self.obj, kind="application/problem+json", headers=self.headers)


def rfc3339(when, form="%Y-%m-%dT%H:%M:%SZ"):
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime(form)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def flipped(text):
    der = bytearray(ssl.PEM_cert_to_DER_cert(text.decode()))
    der[-1] ^= 1
    return ssl.DER_cert_to_PEM_cert(bytes(der)).encode()


# --- modes ------------------------------------------------------------------------------------------

class Mode:
    """STAGE says what DO does: "instead" replies without anything being processed, "state" only is looked at by the
    CA, "json" changes the object in a good reply, "reply" any reply that is ready, "wire" is a way to send it."""

    def __init__(self, name, stage, kinds, says, do=None):
        self.name, self.stage, self.says, self.do = name, stage, says, do
        self.kinds = (kinds,) if isinstance(kinds, str) else kinds


MODES = {}


def add(name, stage, kinds, says, do=None):
    assert name not in MODES, name
    MODES[name] = Mode(name, stage, kinds, says, do)


def mode(name, stage, kinds, says):
    def register(do):
        add(name, stage, kinds, says, do)
        return do
    return register


# replies that get lost: everything has been done
add("lost", "wire", POSTS, "processed, and the connection closed without a reply")
for _kind, _name in (("nonce", "nonce"), ("newAccount", "new-account"), ("newOrder", "new-order"), ("authz", "authz"),
                     ("challenge", "challenge"), ("finalize", "finalize"), ("order", "order"), ("account", "account"),
                     ("certificate", "certificate"), ("keyChange", "key-change"), ("revoke", "revoke"),
                     ("directory", "directory"), ("renewal", "renewal")):
    add("lost-" + _name, "wire", _kind, "processed, and the connection closed without a reply")
add("cut", "wire", ("certificate", "order"), "half of the body, and the connection closed")
add("slow", "wire", ("newOrder",), "a byte a second")
add("slow-body", "wire", ("newOrder",), "the head at once, the body a byte a second")
add("never", "wire", ("newOrder",), "processed, and no reply; the connection stays")
add("stall", "wire", ("newOrder",), "half of the body, and no more; the connection stays")
add("chunked", "wire", ALL, "good: in chunks of 7 bytes")
add("close", "wire", ALL, "good: the connection closed after each reply")
add("until-close", "wire", ALL, "good: without a length, until the connection is closed (HTTP/1.0)")
add("early-hints", "wire", ALL, "good: a 103 before the reply")
add("reset", "instead", ("newOrder",), "not processed, and the connection closed", lambda ca, req: Reply(wire="lost"))
add("hang", "instead", ("newOrder",), "not processed, no reply; the connection stays",
    lambda ca, req: Reply(wire="never"))

# what proxies in front of a CA say
HTML = b"<html>\n<head><title>Sorry</title></head>\n<body><h1>\x1b[31mSorry</h1>we will be back</body>\n</html>\n"


def html(status, *headers):
    return lambda ca, req: Reply(status, body=HTML, kind="text/html", headers=[h() for h in headers])


def retry(value):
    return lambda: ("Retry-After", value)


def retry_date():
    return "Retry-After", http_date(time.time() + 2)


for _status in (400, 403, 404, 500, 502, 503, 504):
    add("html-%d" % _status, "instead", ALL, "HTML with %d, nothing is processed" % _status, html(_status))
add("html-200", "instead", JSON, "HTML with 200, nothing is processed", html(200))
add("html-503-seconds", "instead", ALL, "the same with Retry-After: 2", html(503, retry("2")))
add("html-503-date", "instead", ALL, "the same with Retry-After as a date, 2 s from now", html(503, retry_date))
add("html-503-past", "instead", ALL, "the same with Retry-After as a date in the past",
    html(503, retry("Sun, 06 Nov 1994 08:49:37 GMT")))
add("html-503-garbage", "instead", ALL, "the same with Retry-After: soon \\x1b[1m; -1",
    html(503, retry("soon \x1b[1m; -1")))
add("html-503-negative", "instead", ALL, "the same with Retry-After: -5", html(503, retry("-5")))
add("html-503-huge", "instead", ALL, "the same with Retry-After: 99999999999999999999", html(503, retry("9" * 20)))
add("html-503-year", "instead", ALL, "the same with Retry-After: 31536000", html(503, retry("31536000")))
add("empty-200", "instead", POSTS, "200 without a body, nothing is processed", lambda ca, req: Reply(200))
add("empty-204", "instead", POSTS, "204, nothing is processed", lambda ca, req: Reply(204))
add("empty-500", "instead", POSTS, "500 without a body, nothing is processed", lambda ca, req: Reply(500))
add("not-found", "instead", POSTS, "404 malformed, nothing is processed",
    lambda ca, req: Problem(404, "malformed", "No such thing").reply())
add("teapot", "instead", POSTS, "418 without a body, nothing is processed", lambda ca, req: Reply(418))
add("not-modified", "instead", ALL, "304, nothing is processed", lambda ca, req: Reply(304))

for _status in (301, 302, 303, 307, 308):
    add("redirect-%d" % _status, "instead", ALL, "%d to the same path with /moved before it, which works" % _status,
        lambda ca, req, status=_status: Reply(status, headers=[("Location", ca.base + "/moved" + req.path)]))
add("redirect-other-host", "instead", ALL, "307 to the same path of https://127.0.0.2",
    lambda ca, req: Reply(307, headers=[("Location", ca.elsewhere + req.path)]))
add("redirect-http", "instead", ALL, "307 to the same path over http",
    lambda ca, req: Reply(307, headers=[("Location", ca.base.replace("https:", "http:") + req.path)]))
add("redirect-file", "instead", ALL, "302 to file:///etc/passwd",
    lambda ca, req: Reply(302, headers=[("Location", "file:///etc/passwd")]))
add("redirect-loop", "instead", ALL, "307 to where it came from",
    lambda ca, req: Reply(307, headers=[("Location", ca.base + req.path)]))

# nonces
add("bad-nonce", "instead", POSTS, "badNonce with a new nonce, nothing is processed (N times: --times)",
    lambda ca, req: Problem(400, "badNonce", "JWS has an invalid anti-replay nonce").reply())
add("bad-nonce-without", "reply", POSTS, "badNonce without a new nonce",
    lambda ca, req, reply: reply.become(Problem(400, "badNonce", "No").reply()).without("Replay-Nonce"))
add("nonce-missing", "reply", "nonce", "no Replay-Nonce in the reply to newNonce",
    lambda ca, req, reply: reply.without("Replay-Nonce"))
add("nonce-only-new", "reply", POSTS, "good: no Replay-Nonce but in replies to newNonce",
    lambda ca, req, reply: reply.without("Replay-Nonce"))
for _name, _value, _says in (
        ("crlf", "AAAA\r\nX-Injected: yes", "a nonce, CR LF, and another header"),
        ("lf", "AAAA\nX", "a nonce with LF in it"),
        ("junk", "a b\"\\\x1b[31m\xff", "a nonce of quotes, ESC and bytes over 127"), ("empty", "", "an empty nonce"),
        ("padded", "AAAA==", "a nonce with padding"), ("huge", "A" * 100000, "a nonce of 100,000 characters"),
        ("long", "A" * 5000, "a nonce of 5,000 characters")):
    add("nonce-" + _name, "reply", ("nonce", *POSTS), _says,
        lambda ca, req, reply, value=_value: reply.without("Replay-Nonce").headers.append(("Replay-Nonce", value)))
add("nonce-two", "reply", ("nonce", *POSTS), "two headers Replay-Nonce, the second good",
    lambda ca, req, reply: reply.headers.insert(0, ("Replay-Nonce", "AAAA")))

# problems
ESCAPES = "\x1b[2J\x1b]0;title\x07 \x08\x7f \x9b31m \u202e evil\r\nok 1 - forged\n\tline"


def problem(name, kinds, status, kind, detail, says, *headers, **more):
    def do(ca, _req):
        fill = {"base": ca.base}
        return Problem(status, kind, detail.format(**fill), headers=[(k, v.format(**fill)) for k, v in headers],
                       **more).reply()
    add(name, "instead", kinds, says, do)


problem("rate-limited", "newOrder", 429, "rateLimited",
        "too many certificates (50) already issued for \"example.test\" in the last 168h0m0s: see {base}/limits",
        "rateLimited with Retry-After: 3600", ("Retry-After", "3600"), ("Link", '<{base}/limits>;rel="help"'))
problem("rate-limited-short", "newOrder", 429, "rateLimited", "Slow down", "rateLimited with Retry-After: 1",
        ("Retry-After", "1"))
problem("rate-limited-without", "newOrder", 429, "rateLimited", "Slow down", "rateLimited without Retry-After")
problem("paused", "newOrder", 429, "rateLimited", "Your account is temporarily prevented from requesting certificates "
        "for mx.example.test and possibly others. Please visit: "
        "{base}/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "rateLimited with a URL in the text where a person ends the pause; no Retry-After")
problem("user-action-required", "newOrder", 403, "userActionRequired", "Terms of service have changed",
        "userActionRequired with Link terms-of-service, and instance",
        ("Link", '<{base}/terms-2>;rel="terms-of-service"'),
        instance="https://127.0.0.1/please-agree")
problem("account-does-not-exist", ("newOrder",), 400, "accountDoesNotExist", "Account \"{base}/account/1\" not found",
        "accountDoesNotExist")
problem("account-deactivated", ("newOrder",), 403, "unauthorized", "Account is not valid, has status \"deactivated\"",
        "unauthorized, as for an account that was deactivated")
problem("external-account-required", "newAccount", 403, "externalAccountRequired", "No external account binding",
        "externalAccountRequired")
problem("unauthorized", POSTS, 403, "unauthorized", "No", "unauthorized")
problem("malformed", POSTS, 400, "malformed", "No", "malformed")
problem("server-internal", POSTS, 500, "serverInternal", "Oops", "serverInternal, 500")
problem("service-busy", POSTS, 503, "rateLimited", "Service busy; retry later.", "503 rateLimited with Retry-After: 1",
        ("Retry-After", "1"))
problem("rejected-identifier", "newOrder", 400, "rejectedIdentifier", "Cannot issue for these",
        "rejectedIdentifier with two subproblems", subproblems=[
            {"type": ERROR + "rejectedIdentifier", "detail": "Policy forbids it",
             "identifier": {"type": "dns", "value": "mx.example.test"}},
            {"type": ERROR + "caa", "detail": "CAA forbids it",
             "identifier": {"type": "dns", "value": "www.example.test"}}])
problem("unsupported-identifier", "newOrder", 400, "unsupportedIdentifier", "No", "unsupportedIdentifier")
problem("invalid-profile", "newOrder", 400, "invalidProfile", "No such profile", "invalidProfile")
problem("invalid-contact", "newAccount", 400, "invalidContact", "Bad domain in contact", "invalidContact")
problem("bad-csr", "finalize", 400, "badCSR", "Weak key", "badCSR")
problem("order-not-ready", "finalize", 403, "orderNotReady", "Order's status (\"pending\") is not acceptable",
        "orderNotReady")
problem("bad-signature-algorithm", POSTS, 400, "badSignatureAlgorithm", "No",
        "badSignatureAlgorithm; knows only RS512", algorithms=["RS512"])
problem("bad-public-key", "newAccount", 400, "badPublicKey", "No", "badPublicKey")
problem("escapes", POSTS, 400, "malformed", "bad" + ESCAPES, "control characters in type, detail and subproblems",
        subproblems=[{"type": "x" + ESCAPES, "detail": "sub" + ESCAPES,
                      "identifier": {"type": "dns", "value": "a" + ESCAPES}}])
problem("detail-huge", POSTS, 400, "malformed", "x" * 5000000, "a detail of 5 MB")
problem("subproblems-many", POSTS, 400, "compound", "many", "10,000 subproblems", subproblems=[{"detail": "d"}] * 10000)
problem("subproblems-long", "newOrder", 400, "compound", "many", "200 subproblems of 2,000 characters each",
        subproblems=[{"detail": "\\" * 2000}] * 200)
problem("subproblems-wrong", POSTS, 400, "malformed", "d", "subproblems that are no objects",
        subproblems=[1, None, "x", [], {"identifier": 3}])
problem("type-unknown", POSTS, 400, "noSuchType", "d", "a type of ACME that nobody knows")
for _name, _body, _says in (
        ("type-missing", {"detail": "d", "status": 400}, "a problem without type"),
        ("type-blank", {"type": "about:blank", "title": "Bad Request"}, "a problem about:blank, without detail"),
        ("type-number", {"type": 7, "detail": [], "status": "x"}, "a problem of the wrong JSON types"),
        ("problem-empty", {}, "a problem that is {}"), ("problem-array", [], "a problem that is []")):
    add(_name, "instead", POSTS, _says,
        lambda ca, req, body=_body: Reply(400, obj=body, kind="application/problem+json"))


@mode("problem-full", "instead", "newOrder", "caa with all that there can be, and more; its status is another than that of "
      "the reply, which is 403")
def problem_full(ca, _req):
    return Problem(403, "caa", "forbidden" + ESCAPES, title="CAA" + ESCAPES, instance=ca.base + "/problems/7" + ESCAPES,
                   more={"detail": "x"}, subproblems=[
                       {"type": ERROR + "caa", "title": "T", "detail": "%d is forbidden%s" % (i, ESCAPES), "status": 400 + i,
                        "instance": ca.base + "/%d" % i, "more": "x", "subproblems": [{"detail": "x"}],
                        "identifier": {"type": "dns", "value": "n%d.example.test%s" % (i, ESCAPES)}}
                       for i in range(5)]).reply().update(status=499)


add("problem-200", "instead", POSTS, "a problem malformed, with status 200",
    lambda ca, req: Reply(200, obj={"type": ERROR + "malformed", "detail": "d"}, kind="application/problem+json"))
add("problem-plain", "instead", POSTS, "a problem serverInternal as text/plain",
    lambda ca, req: Reply(500, obj={"type": ERROR + "serverInternal", "detail": "d"}, kind="text/plain"))
problem("replaces-already", "newOrder", 409, "alreadyReplaced", "Certificate already replaced",
        "to orders with replaces: 409 alreadyReplaced")
problem("replaces-malformed", "newOrder", 404, "malformed", "Could not parse replaces",
        "to orders with replaces: 404 malformed")
problem("replaces-server", "newOrder", 500, "serverInternal", "Oops", "to orders with replaces: 500 serverInternal")
problem("replaces-unauthorized", "newOrder", 403, "unauthorized", "Not yours",
        "to orders with replaces: 403 unauthorized")

# the directory
DIRECTORY = "newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"
for _key in DIRECTORY:
    add("directory-without-" + _key, "json", "directory", "no %s" % _key, lambda ca, req, obj, key=_key: obj.pop(key))
add("directory-empty", "json", "directory", "{}", lambda ca, req, obj: obj.clear())
add("directory-no-meta", "json", "directory", "good: no meta", lambda ca, req, obj: obj.pop("meta"))
add("directory-no-ari", "json", "directory", "good: no renewalInfo", lambda ca, req, obj: obj.pop("renewalInfo"))
add("directory-random", "json", "directory", "good: a random key with a URL as its value, as Let's Encrypt has it",
    lambda ca, req, obj: obj.update({secrets.token_urlsafe(8): "https://127.0.0.1/random"}))
add("directory-relative", "json", "directory", "URLs without scheme and host",
    lambda ca, req, obj: obj.update({k: v[len(ca.base):] for k, v in obj.items() if k != "meta"}))
add("directory-http", "json", "directory", "http: URLs",
    lambda ca, req, obj: obj.update({k: v.replace("https:", "http:") for k, v in obj.items() if k != "meta"}))
add("directory-other-host", "json", "directory", "URLs of https://127.0.0.2",
    lambda ca, req, obj: obj.update({k: v.replace(ca.base, ca.elsewhere) for k, v in obj.items() if k != "meta"}))
add("directory-numbers", "json", "directory", "numbers for URLs",
    lambda ca, req, obj: obj.update({k: 7 for k in obj if k != "meta"}))
add("meta-wrong", "json", "directory", "meta of the wrong JSON types", lambda ca, req, obj: obj.update(meta={
    "termsOfService": 7, "website": [], "caaIdentities": "ca.test", "externalAccountRequired": "yes",
    "profiles": ["a"]}))
add("meta-escapes", "json", "directory", "control characters in meta", lambda ca, req, obj: obj.update(meta={
    "termsOfService": "https://127.0.0.1/" + ESCAPES, "profiles": {"a" + ESCAPES: "b" + ESCAPES}}))
add("meta-profiles-many", "json", "directory", "10,000 profiles",
    lambda ca, req, obj: obj["meta"].update(profiles={"p%d" % i: "text" for i in range(10000)}))
add("meta-caa", "json", "directory", "good: caaIdentities ca.test and ca.example",
    lambda ca, req, obj: obj["meta"].update(caaIdentities=["ca.test", "ca.example"]))
add("meta-terms-new", "json", "directory", "good: other terms of service than before",
    lambda ca, req, obj: obj["meta"].update(termsOfService=ca.base + "/terms-2"))

# any JSON
def respell(change):
    """For what is no JSON, or bad JSON: changes the text of a good reply."""
    def do(_ca, _req, reply):
        if reply.obj is not None and reply.status < 300:
            reply.body, reply.obj = change(reply.obj, json.dumps(reply.obj).encode()), None
    return do


def to_numbers(value):
    if isinstance(value, dict):
        return {k: to_numbers(v) for k, v in value.items()}
    return [to_numbers(v) for v in value] if isinstance(value, list) else 7


for _name, _says, _change in (
        ("json-deep", "the object, with 10,000 lists inside each other in it",
         lambda obj, text: text[:-1] + b', "deep": ' + b"[" * 10000 + b"]" * 10000 + b"}"),
        ("json-deep-only", "10,000 lists inside each other, never closed", lambda obj, text: b"[" * 10000),
        ("json-big", "the object, with 5 MB of text in it",
         lambda obj, text: text[:-1] + b', "big": "' + b"x" * 5000000 + b'"}'),
        ("json-huge", "the object, with 100 MB of text in it",
         lambda obj, text: text[:-1] + b', "big": "' + b"x" * 100000000 + b'"}'),
        ("json-big-spaces", "the object, after 5 MB of spaces", lambda obj, text: b" " * 5000000 + text),
        ("json-invalid-utf8", "the object, with invalid UTF-8 in it",
         lambda obj, text: text[:-1] + b', "status": "\xff\xfe\xc0\x80\xed\xa0\x80"}'),
        ("json-numbers", "7 for each string", lambda obj, text: json.dumps(to_numbers(obj)).encode()),
        ("json-null", "null for each member", lambda obj, text: json.dumps(dict.fromkeys(obj)).encode()),
        ("json-duplicate", "each member twice, first null",
         lambda obj, text: json.dumps(dict.fromkeys(obj)).encode()[:-1] + b", " + text[1:]),
        ("json-array", "a list with the object in it", lambda obj, text: b"[" + text + b"]"),
        ("json-string", "a string with the object in it", lambda obj, text: json.dumps(text.decode()).encode()),
        ("json-number", "1e999 and nothing else", lambda obj, text: b"1e999"),
        ("json-nul", "the object, with \\u0000 in its status",
         lambda obj, text: text[:-1] + b', "status": "valid\\u0000x"}'),
        ("json-trailing", "the object, and text after it", lambda obj, text: text + b" trailing"),
        ("json-bom", "the object, after a byte order mark", lambda obj, text: b"\xef\xbb\xbf" + text),
        ("json-cut", "half of the object, with a length that fits", lambda obj, text: text[:len(text) // 2]),
        ("json-empty", "{}", lambda obj, text: b"{}"), ("json-null-only", "null", lambda obj, text: b"null"),
        ("json-spaces", "good: the object in many lines, unicode escaped",
         lambda obj, text: json.dumps(obj, indent=8).replace("/", "\\/").encode() + b"\r\n")):
    add(_name, "reply", JSON, _says, respell(_change))
add("content-type-wrong", "reply", JSON, "the object as text/html",
    lambda ca, req, reply: reply.set("Content-Type", "text/html"))
add("content-type-charset", "reply", JSON, "good: application/json; charset=utf-8",
    lambda ca, req, reply: reply.set("Content-Type", "application/json; charset=utf-8"))

# headers
add("header-case", "reply", ALL, "good: names of headers in lower case",
    lambda ca, req, reply: setattr(reply, "headers", [(k.lower(), v) for k, v in reply.headers]))
add("header-huge", "reply", ALL, "a header of 200,000 characters",
    lambda ca, req, reply: reply.headers.insert(0, ("X-Huge", "x" * 200000)))
add("header-many", "reply", ALL, "10,000 headers",
    lambda ca, req, reply: reply.headers.extend(("X-%d" % i, "x" * 30) for i in range(10000)))
add("location-missing", "reply", ("newAccount", "newOrder"), "no Location",
    lambda ca, req, reply: reply.without("Location"))
for _name, _value, _says in (
        ("relative", lambda ca, url: url[len(ca.base):], "a path for Location"),
        ("other-host", lambda ca, url: url.replace(ca.base, ca.elsewhere), "Location at https://127.0.0.2"),
        ("http", lambda ca, url: url.replace("https:", "http:"), "Location with http:"),
        ("empty", lambda ca, url: "", "an empty Location"),
        ("huge", lambda ca, url: url + "?" + "x" * 100000, "a Location of 100,000 characters"),
        ("long", lambda ca, url: url + "?" + "x" * 5000, "a Location of 5,000 characters"),
        ("control", lambda ca, url: url + "\x1b[31m\x7f\xff\"\\", "a Location with ESC, DEL and quotes")):
    add("location-" + _name, "reply", ("newAccount", "newOrder"), _says, lambda ca, req, reply, value=_value:
        reply.set("Location", value(ca, reply.get("Location"))) if reply.get("Location") else None)

# accounts
for _status in ("deactivated", "revoked", "asleep"):
    add("account-status-" + _status, "json", ("newAccount", "account"), "an account with status %s" % _status,
        lambda ca, req, obj, status=_status: obj.update(status=status))
add("account-bare", "json", ("newAccount", "account"), "an account that is {}", lambda ca, req, obj: obj.clear())
add("account-created-again", "reply", "newAccount", "odd: 201 also for an account that was there",
    lambda ca, req, reply: setattr(reply, "status", 201 if reply.status == 200 else reply.status))

# orders
def order_status(obj, status, *without):
    obj["status"] = status
    for key in without:
        obj.pop(key, None)


def finalized(change):
    """For what changes in an order that is finalized."""
    return lambda ca, req, obj: change(obj) if obj["status"] in ("valid", "processing") else None


add("order-endless-processing", "json", ("finalize", "order"), "once finalized, processing for ever",
    finalized(lambda obj: order_status(obj, "processing", "certificate")))


@mode("order-processing", "json", ("finalize", "order"), "good: once finalized, --count replies (3) say processing")
def order_processing(ca, req, obj):
    order = req.object
    if obj["status"] == "valid" and order.polls < req.count("order-processing"):
        order.polls += 1
        order_status(obj, "processing", "certificate")


@mode("order-ready-again", "json", ("finalize",),
      "good: the reply to finalize still says ready; it is valid when polled")
def order_ready_again(ca, req, obj):
    order_status(obj, "ready", "certificate")


for _name, _seconds in (("", "1"), ("-garbage", "soon"), ("-huge", "9" * 20), ("-negative", "-1"), ("-zero", "0"),
                        ("-fraction", "0.5")):
    add("order-retry-after" + _name, "reply", ("finalize", "order", "authz"),
        "%s: Retry-After: %s" % ("odd" if _name else "good", _seconds),
        lambda ca, req, reply, value=_seconds: reply.set("Retry-After", value))
add("order-retry-after-date", "reply", ("finalize", "order", "authz"), "good: Retry-After as a date, 2 s from now",
    lambda ca, req, reply: reply.set(*retry_date()))
add("order-ready-at-once", "state", "newOrder", "good: all authorizations are valid, and the order is ready")
add("authz-valid", "state", "newOrder", "good: all authorizations are valid, the reply yet says pending")
add("order-reused", "state", "newOrder", "good: an order that was there, if one for these names is not finalized")
add("authz-reused", "state", "newOrder", "good: authorizations that were there, pending or valid")
add("authz-valid-one", "state", "newOrder", "good: the first authorization is valid, the others are not")
add("order-valid-at-once", "state", "newOrder", "the order is valid, with a certificate for a key that nobody has")
add("order-processing-at-once", "json", ORDERS, "the order is processing, before it is finalized",
    lambda ca, req, obj: order_status(obj, "processing", "certificate"))
add("order-pending-for-ever", "json", ORDERS, "the order is pending, whatever happens",
    lambda ca, req, obj: order_status(obj, "pending", "certificate"))
add("order-ready-for-ever", "json", ("finalize", "order"), "once finalized, ready for ever",
    finalized(lambda obj: order_status(obj, "ready", "certificate")))
add("order-invalid", "json", ("finalize", "order"), "once finalized, invalid, with an error", lambda ca, req, obj: (
    order_status(obj, "invalid", "certificate"),
    obj.update(error={"type": ERROR + "caa", "detail": "CAA record for mx.example.test prevents issuance"})))
add("order-invalid-limited", "json", ("finalize", "order"), "once finalized, invalid: rateLimited", lambda ca, req, obj: (
    order_status(obj, "invalid", "certificate"),
    obj.update(error={"type": ERROR + "rateLimited", "detail": "too many certificates"})))
add("order-invalid-bare", "json", ("finalize", "order"), "once finalized, invalid, without an error",
    lambda ca, req, obj: order_status(obj, "invalid", "certificate"))
add("order-invalid-at-once", "json", ORDERS, "invalid from the beginning",
    lambda ca, req, obj: order_status(obj, "invalid", "certificate"))
add("order-unknown-status", "json", ORDERS, "the status \"asleep\"", lambda ca, req, obj: obj.update(status="asleep"))
add("order-no-status", "json", ORDERS, "no status", lambda ca, req, obj: obj.pop("status"))
add("order-no-finalize", "json", ORDERS, "no finalize", lambda ca, req, obj: obj.pop("finalize"))
add("order-no-certificate", "json", ORDERS, "valid without certificate", lambda ca, req, obj: obj.pop("certificate", 0))
add("order-no-authorizations", "json", ORDERS, "no authorizations", lambda ca, req, obj: obj.pop("authorizations"))
add("order-empty-authorizations", "json", ORDERS, "an empty list of authorizations",
    lambda ca, req, obj: obj.update(authorizations=[]))
add("order-many-authorizations", "json", ORDERS, "1,000 times the same authorization",
    lambda ca, req, obj: obj.update(authorizations=obj["authorizations"][:1] * 1000))
add("order-wrong-authorizations", "json", ORDERS, "authorizations that are no strings",
    lambda ca, req, obj: obj.update(authorizations=[7, None, {}, []]))
add("order-missing-identifier", "json", ORDERS, "the last identifier and its authorization are missing",
    lambda ca, req, obj: (obj["identifiers"].pop(), obj["authorizations"].pop()))
add("order-extra-identifier", "json", ORDERS, "an identifier extra.example.test more",
    lambda ca, req, obj: obj["identifiers"].append({"type": "dns", "value": "extra.example.test"}))
add("order-other-identifier", "json", ORDERS, "the first identifier is other.example.test",
    lambda ca, req, obj: obj["identifiers"][0].update(value="other.example.test"))
add("order-no-identifiers", "json", ORDERS, "no identifiers", lambda ca, req, obj: obj.pop("identifiers"))
add("order-upper-case", "json", (*ORDERS, "authz"), "good: identifiers in capitals",
    lambda ca, req, obj: [i.update(value=i["value"].upper())
                          for i in obj.get("identifiers", [obj.get("identifier", {"value": ""})])])
add("order-reversed", "json", ORDERS, "good: identifiers and authorizations backwards",
    lambda ca, req, obj: (obj["identifiers"].reverse(), obj["authorizations"].reverse()))
add("order-other-profile", "json", ORDERS, "a profile that nobody asked for",
    lambda ca, req, obj: obj.update(profile="other"))
add("order-expired", "json", ORDERS, "expires in the past",
    lambda ca, req, obj: obj.update(expires="2020-01-01T00:00:00Z"))

# authorizations
add("authz-no-status", "json", "authz", "no status", lambda ca, req, obj: obj.pop("status"))
add("authz-unknown-status", "json", "authz", "the status \"asleep\"", lambda ca, req, obj: obj.update(status="asleep"))
for _status in ("expired", "deactivated", "revoked"):
    add("authz-" + _status, "json", "authz", "the status " + _status,
        lambda ca, req, obj, status=_status: obj.update(status=status))
add("authz-invalid", "json", "authz", "invalid, with a challenge that has an error", lambda ca, req, obj: (
    obj.update(status="invalid"), [c.update(status="invalid", error={
        "type": ERROR + "connection", "detail": "127.0.0.1: Fetching http://mx.example.test/x: Connection refused",
        "status": 400}) for c in obj["challenges"][:1]]))
add("authz-invalid-bare", "json", "authz", "invalid, and the challenges do not say why",
    lambda ca, req, obj: obj.update(status="invalid"))
add("authz-no-identifier", "json", "authz", "no identifier", lambda ca, req, obj: obj.pop("identifier"))
add("authz-other-identifier", "json", "authz", "the identifier is other.example.test",
    lambda ca, req, obj: obj["identifier"].update(value="other.example.test"))
add("authz-dotdot-identifier", "json", "authz", "the identifier is ../../etc",
    lambda ca, req, obj: obj["identifier"].update(value="../../etc"))
add("authz-wrong-wildcard", "json", "authz", "wildcard is the other way around",
    lambda ca, req, obj: obj.update(wildcard=not obj.get("wildcard")))
add("authz-no-challenges", "json", "authz", "no challenges", lambda ca, req, obj: obj.pop("challenges"))
add("authz-empty-challenges", "json", "authz", "an empty list of challenges",
    lambda ca, req, obj: obj.update(challenges=[]))
add("authz-many-challenges", "json", "authz", "10,000 unknown challenges before the good ones",
    lambda ca, req, obj: obj.update(challenges=[{"type": "x-%d" % i, "url": ca.base + "/x"} for i in range(10000)] +
                                    obj["challenges"]))
add("authz-wrong-challenges", "json", "authz", "odd: challenges that are no objects, before the good ones",
    lambda ca, req, obj: obj.update(challenges=[7, None, "http-01", []] + obj["challenges"]))


def challenges(change):
    """Changes each challenge, in authorizations and alone."""
    def do(ca, _req, obj):
        for c in obj.get("challenges", [obj]):
            change(ca, c)
    return do


CHALLENGES = "authz", "challenge"
add("challenge-endless-pending", "json", (*CHALLENGES, "order"), "pending for ever", lambda ca, req, obj: (
    order_status(obj, "pending", "validated"),
    [order_status(c, "pending", "validated") for c in obj.get("challenges", [])]))
add("challenge-endless-processing", "json", (*CHALLENGES, "order"), "processing for ever, the authorization pending",
    lambda ca, req, obj: (order_status(obj, "processing" if "token" in obj else "pending", "validated"),
                          [order_status(c, "processing", "validated") for c in obj.get("challenges", [])]))
add("challenge-unknown-status", "json", CHALLENGES, "the status \"asleep\"",
    challenges(lambda ca, c: c.update(status="asleep")))
add("challenge-no-status", "json", CHALLENGES, "no status", challenges(lambda ca, c: c.pop("status")))
add("challenge-unknown-types", "json", CHALLENGES, "only types that nobody knows",
    challenges(lambda ca, c: c.update(type="x-" + c["type"])))
add("challenge-more-types", "json", "authz", "good: more types, some without token or url, before the good ones",
    lambda ca, req, obj: obj.update(challenges=[
        {"type": "dns-persist-01", "url": ca.base + "/x", "status": "pending", "issuer-domain-names": ["ca.test"]},
        {"type": "x-none"}, {"type": "tkauth-01", "url": ca.base + "/x", "tkauth-type": "atc", "token": 7}] +
        obj["challenges"]))
for _only in ("http-01", "dns-01"):
    add("only-" + _only, "json", "authz", "good: no other challenge than " + _only, lambda ca, req, obj, only=_only:
        obj.update(challenges=[c for c in obj["challenges"] if c["type"] == only]))
add("challenge-no-url", "json", CHALLENGES, "no url", challenges(lambda ca, c: c.pop("url")))
add("challenge-no-type", "json", CHALLENGES, "no type", challenges(lambda ca, c: c.pop("type")))
add("challenge-no-token", "json", CHALLENGES, "no token", challenges(lambda ca, c: c.pop("token")))
for _name, _token, _says in (
        ("dotdot", "../../../../tmp/certline-token", "a token with ../"), ("slash", "a/b", "a token with /"),
        ("absolute", "/tmp/certline-token", "a token that begins with /"), ("dot", ".", "the token \".\""),
        ("hidden", ".htaccess", "a token that begins with a dot"), ("empty", "", "an empty token"),
        ("huge", "A" * 10240, "a token of 10 KB"), ("long", "A" * 300, "a token longer than file names can be"),
        ("non-ascii", "t\u00f6k\u00e9n\u202e" + "A" * 20, "a token that is not ASCII"),
        ("control", "A" * 20 + "\x1b[31m\r\n", "a token with ESC, CR and LF"),
        ("nul", "A" * 22 + "\0x", "a token with \\u0000"),
        ("space", "A" * 20 + " -rf x", "a token with spaces"), ("percent", "%2e%2e%2fetc", "a token with %2e"),
        ("shell", "$(touch x)`id`;|&", "a token with what shells read"),
        ("dash", "-" * 22, "good: a token of dashes"),
        ("padded", "A" * 22 + "==", "a token with padding"), ("short", "A", "a token of one character"),
        ("number", 7, "a number for a token"), ("null", None, "null for a token")):
    add("token-" + _name, "json", CHALLENGES, _says, challenges(lambda ca, c, token=_token: c.update(token=token)))
add("token-changes", "json", CHALLENGES, "another token in each reply",
    challenges(lambda ca, c: c.update(token=secrets.token_urlsafe(32))))

# URLs in objects
def urls(change):
    """Changes the URLs in objects."""
    def do(ca, _req, obj):
        for key in ("finalize", "certificate", "url", "orders"):
            if key in obj:
                obj[key] = change(ca, obj[key])
        if "authorizations" in obj:
            obj["authorizations"] = [change(ca, url) for url in obj["authorizations"]]
        for c in obj.get("challenges", ()):
            c["url"] = change(ca, c["url"])
    return do


for _name, _says, _change in (
        ("other-host", "URLs at https://127.0.0.2", lambda ca, url: url.replace(ca.base, ca.elsewhere)),
        ("other-port", "URLs at another port of the same host", lambda ca, url: url.replace(ca.base, ca.base[:-1])),
        ("http", "URLs with http:", lambda ca, url: url.replace("https:", "http:")),
        ("file", "file:///etc/passwd for URLs", lambda ca, url: "file:///etc/passwd"),
        ("huge", "URLs of 100 KB", lambda ca, url: url + "?" + "x" * 102400),
        ("long", "URLs of 5,000 characters", lambda ca, url: url + "?" + "x" * 5000),
        ("relative", "URLs without scheme and host", lambda ca, url: url[len(ca.base):]),
        ("user", "URLs with user:password@", lambda ca, url: url.replace("https://", "https://user:password@")),
        ("suffix", "URLs of a host that begins like this one",
         lambda ca, url: url.replace(ca.base, ca.base + ".example.test")),
        ("at", "URLs with this host before an @", lambda ca, url: url.replace(ca.base, ca.base + "@127.0.0.2")),
        ("fragment", "URLs with a #fragment", lambda ca, url: url + "#fragment"),
        ("query", "good: URLs with ?a=b&c=%20", lambda ca, url: url + "?a=b&c=%20"),
        ("crlf", "URLs with CR LF in it", lambda ca, url: url + "\r\nX-Injected: yes"),
        ("nul", "URLs with \\u0000 in it", lambda ca, url: url + "\0x"),
        ("space", "URLs with a space", lambda ca, url: url + " x"),
        ("empty", "empty URLs", lambda ca, url: ""), ("number", "numbers for URLs", lambda ca, url: 7)):
    add("url-" + _name, "json", (*ORDERS, *CHALLENGES), _says, urls(_change))

# leaves
for _name, _says in (
        ("leaf-wrong-key", "a leaf for another key"), ("leaf-wrong-names", "a leaf for other.example.test"),
        ("leaf-extra-name", "a leaf with a name more, extra.example.test"),
        ("leaf-missing-name", "a leaf without the last name"),
        ("leaf-no-names", "a leaf with the first name as CN, without subjectAltName"),
        ("leaf-expired", "a leaf which expired yesterday"),
        ("leaf-not-yet-valid", "a leaf valid from tomorrow"), ("leaf-short", "a leaf valid for 60 seconds"),
        ("leaf-long", "a leaf valid for 100 years"), ("leaf-year-10000", "a leaf valid until 99991231235959Z"),
        ("leaf-reversed-dates", "a leaf valid until a day before it begins"),
        ("leaf-ca", "a leaf with CA:TRUE"), ("leaf-upper-case", "good: a leaf with the names in capitals"),
        ("leaf-client", "a leaf for clients, not for servers (EKU)"), ("leaf-ip", "a leaf with 127.0.0.1 besides")):
    add(_name, "state", "finalize", _says)

# chains
def chain(change):
    """Changes the list of PEM blocks, the leaf first; or returns other bytes."""
    def do(ca, req, reply):
        if reply.status == 200:
            reply.body = change(ca, re.findall(rb"-----BEGIN .*?-----END [^\n]*\n", reply.body, re.S))
    return do


def pem_key():
    return new_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption())


for _name, _says, _change in (
        ("unrelated", "the intermediate is of another CA", lambda ca, c: c[0] + pem(ca.stranger)),
        ("reversed", "the leaf last", lambda ca, c: b"".join(reversed(c))),
        ("leaf-only", "no intermediate", lambda ca, c: c[0]), ("no-leaf", "no leaf", lambda ca, c: b"".join(c[1:])),
        ("leaf-twice", "the leaf twice", lambda ca, c: c[0] + b"".join(c)),
        ("private-key", "a private key after the leaf", lambda ca, c: c[0] + pem_key() + c[1]),
        ("private-key-first", "a private key before the leaf", lambda ca, c: pem_key() + b"".join(c)),
        ("garbage", "text between certificates", lambda ca, c: c[0] + b"\x1b[31mgarbage\0\xff\n" + c[1]),
        ("garbage-last", "text at the end", lambda ca, c: b"".join(c) + b"and more\n"),
        ("comments", "lines like \"s:/CN=x\" before each certificate (RFC 7468 allows it, RFC 8555 does not)",
         lambda ca, c: b"".join(b"subject=/CN=x\n" + one for one in c)),
        ("broken", "a certificate of which a byte is wrong", lambda ca, c: c[0][:200] + b"!" + c[0][201:] + c[1]),
        ("bad-signature", "a leaf with a wrong bit in its signature", lambda ca, c: flipped(c[0]) + c[1]),
        ("cut", "no END line", lambda ca, c: c[0] + c[1][:-30]), ("empty", "an empty body", lambda ca, c: b""),
        ("empty-pem", "BEGIN and END, and nothing between",
         lambda ca, c: b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
        ("11", "11 certificates: nine intermediates more", lambda ca, c: b"".join(c) + c[1] * 9),
        ("huge", "5 MB of intermediates", lambda ca, c: c[0] + c[1] * (5000000 // len(c[1]))),
        ("der", "the leaf as DER", lambda ca, c: ssl.PEM_cert_to_DER_cert(c[0].decode())),
        ("trusted", "as BEGIN TRUSTED CERTIFICATE", lambda ca, c: b"".join(c).replace(b" CERT", b" TRUSTED CERT")),
        ("csr", "a leaf labelled as CERTIFICATE REQUEST",
         lambda ca, c: c[0].replace(b"CATE-", b"CATE REQUEST-") + c[1]),
        ("html", "HTML", lambda ca, c: HTML), ("nul", "a NUL at the end", lambda ca, c: b"".join(c) + b"\0"),
        ("crlf", "good: lines that end with CR LF", lambda ca, c: b"".join(c).replace(b"\n", b"\r\n")),
        ("blank-lines", "good: empty lines between certificates", lambda ca, c: b"\n".join(c) + b"\n"),
        ("no-newline", "good: the last line does not end", lambda ca, c: b"".join(c)[:-1])):
    add("chain-" + _name, "reply", "certificate", _says, chain(_change))
@mode("chain-with-root", "reply", "certificate", "good: the root at the end")
def chain_with_root(ca, req, reply):
    if reply.status == 200:
        reply.body += pem(ca.roots[int(req.rest or 0)][1])


@mode("chain-crossed", "reply", "certificate", "good: the root at the end, as an older one has signed it; the "
      "alternates have no root")
def chain_crossed(ca, req, reply):
    if reply.status == 200 and not req.rest:
        reply.body += pem(ca.crossed)
    elif reply.status == 200:
        reply.body = re.search(rb".*?-----END [^\n]*\n", reply.body, re.S).group() + pem(ca.intermediates[0])


add("chain-old", "state", "certificate", "the first certificate that ever was issued")
add("chain-content-type", "reply", "certificate", "good, but as text/plain",
    lambda ca, req, reply: reply.set("Content-Type", "text/plain"))


# alternate chains: there are as many as --chains says
def links(write):
    def do(ca, req, reply):
        if reply.status == 200:
            urls_ = [ca.base + "/certificate/%s/%d" % (req.object.id, i) for i in range(ca.chains)]
            reply.without("Link").headers.extend(("Link", value) for value in write(ca, urls_))
    return do


for _name, _says, _write in (
        ("commas", "good: all alternates in one header, with commas",
         lambda ca, u: [", ".join('<%s>;rel="alternate"' % one for one in u[1:]) + ', <%s/dir>;rel="index"' % ca.base]),
        ("relative", "good: alternates without scheme and host",
         lambda ca, u: ['<%s>;rel="alternate"' % one[len(ca.base):] for one in u[1:]]),
        ("unquoted", "good: rel=alternate", lambda ca, u: ["<%s>; rel=alternate" % one for one in u[1:]]),
        ("rels", "good: rel=\"up alternate\" among other parameters",
         lambda ca, u: ['<%s> ; title="a, b; rel=\\"x\\"" ; rel="up alternate"; foo' % one for one in u[1:]]),
        ("case", "good: REL=\"Alternate\"", lambda ca, u: ['<%s>;REL="Alternate"' % one for one in u[1:]]),
        ("self", "odd: an alternate that is the same URL", lambda ca, u: ['<%s>;rel="alternate"' % u[0]]),
        ("many", "1,000 alternates", lambda ca, u: ['<%s>;rel="alternate"' % u[-1]] * 1000),
        ("other-host", "alternates at https://127.0.0.2",
         lambda ca, u: ['<%s>;rel="alternate"' % one.replace(ca.base, ca.elsewhere) for one in u[1:]]),
        ("http", "alternates with http:",
         lambda ca, u: ['<%s>;rel="alternate"' % one.replace("https:", "http:") for one in u[1:]]),
        ("missing", "alternates that are 404", lambda ca, u: ['<%s/certificate/none/1>;rel="alternate"' % ca.base]),
        ("broken", "headers that are none",
         lambda ca, u: ["<" + u[0], '>;rel="alternate"', ";;,,<>", '<>;rel="alternate"'])):
    add("link-" + _name, "reply", "certificate", _says, links(_write))


# renewal information
def window(start, end, form="%Y-%m-%dT%H:%M:%SZ"):
    """A window, in seconds from now."""
    return lambda ca, req, obj: obj.update(suggestedWindow={
        "start": rfc3339(time.time() + start, form), "end": rfc3339(time.time() + end, form)})


def literal(start, end):
    return lambda ca, req, obj: obj.update(suggestedWindow={"start": start, "end": end})


for _name, _says, _change in (
        ("past", "good: a window that ended yesterday", window(-2 * DAY, -DAY)),
        ("now", "good: a window of two days around now", window(-DAY, DAY)),
        ("soon", "good: a window in 2 to 4 seconds", window(2, 4)),
        ("future", "good: a window in 10 years", window(3650 * DAY, 3652 * DAY)),
        ("equal", "a window that ends when it begins", window(0, 0)),
        ("reversed", "a window that ends before it begins", window(DAY, -DAY)),
        ("unparsable", "times that are none", literal("tomorrow", "2026-13-45T99:99:99Z")),
        ("bare", "times without a zone", literal("2026-01-01T00:00:00", "2026-01-02T00:00:00")),
        ("fraction", "good: a past window with fractions of seconds, in offsets",
         literal("2025-01-02T03:59:57.123456789+02:00", "2025-01-02T10:00:00.5-05:30")),
        ("lower-case", "good: a past window with small t and z",
         literal("2025-01-02t04:00:00z", "2025-01-03t04:00:00z")),
        ("leap", "good: a past window that ends in a leap second",
         literal("2016-12-31T00:00:00Z", "2016-12-31T23:59:60Z")),
        ("wide", "a window of all time", literal("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z")),
        ("numbers", "numbers for times", literal(1, 2)),
        ("without", "no window", lambda ca, req, obj: obj.pop("suggestedWindow")),
        ("empty", "an empty window", lambda ca, req, obj: obj.update(suggestedWindow={})),
        ("explanation", "good: an explanationURL", lambda ca, req, obj: obj.update(explanationURL=ca.base + "/why")),
        ("explanation-escapes", "an explanationURL with control characters",
         lambda ca, req, obj: obj.update(explanationURL="https://127.0.0.1/" + ESCAPES)),
        ("explanation-number", "a number for explanationURL", lambda ca, req, obj: obj.update(explanationURL=7))):
    add("ari-" + _name, "json", "renewal", _says, _change)
for _name, _value in (("zero", "0"), ("one", "1"), ("huge", "9" * 20), ("garbage", "soon"), ("negative", "-5"),
                      ("week", "604800")):
    add("ari-retry-" + _name, "reply", "renewal",
        ("good" if _name in ("one", "week") else "odd") + ": Retry-After: " + _value,
        lambda ca, req, reply, value=_value: reply.set("Retry-After", value))
add("ari-retry-date", "reply", "renewal", "good: Retry-After as a date, 2 s from now",
    lambda ca, req, reply: reply.set(*retry_date()))
add("ari-retry-none", "reply", "renewal", "odd: no Retry-After", lambda ca, req, reply: reply.without("Retry-After"))
problem("ari-404", "renewal", 404, "malformed", "No such certificate", "404 malformed")
problem("ari-500", "renewal", 500, "serverInternal", "Oops", "500 serverInternal")
add("ari-503", "instead", "renewal", "HTML with 503 and Retry-After: 2", html(503, retry("2")))
add("ari-html", "instead", "renewal", "HTML with 200", html(200))
