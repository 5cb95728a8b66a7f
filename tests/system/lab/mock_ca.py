#!/usr/bin/python3
"""mock_ca.py - a small CA that speaks ACME (RFC 8555, 9773, profiles), and does what no real one should.  It does
verify what clients send: signatures, nonces, URLs, CSRs and, unless --always-valid, challenges.

    mock_ca.py --listen 127.0.0.1:14000 --tls CERTIFICATE KEY --http-port 5002 --dns 127.0.0.1:8053 --mode lost-finalize

The directory is /dir.  A mode meets the requests that its line in --list names, or those named by --at, and of those
the ones from --after on, at most --times.  While it runs, this changes modes and forgets what was counted:

    POST /mode   {"mode": "NAME", "after": 1, "times": 0, "at": ["order"], "count": 3}   or a list of such; [] for none

GET /mode says which there are, and how often each was "seen" (met) and "done"; GET /roots/N is the root of chain N.
No name is looked up for http-01: every name is 127.0.0.1.  Who comes to 127.0.0.2, where some modes lead, is noticed.

Says "ready" on stderr when it listens, and then a line a request: method, path, status, what was done.  "BAD:" in it
is what a client must not do, but what is not refused.  --jws FILE gets a line of JSON for each POST: what was sent,
the key it should be signed by, and what was thought of it.

Touches: its sockets, the file of --jws.
"""

import argparse
import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import http.server
import ipaddress
import json
import re
import secrets
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

from cryptography import exceptions, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

sys.dont_write_bytecode = True
from mock_modes import (ALL, DAY, MODES, PATHS, POSTS, PREFIXES, Problem, Reply,  # noqa: E402
                        http_date, new_key, pem, rfc3339)

CURVES = {"P-256": (ec.SECP256R1, 32), "P-384": (ec.SECP384R1, 48)}
ALGORITHMS = {"ES256": ("P-256", hashes.SHA256), "ES384": ("P-384", hashes.SHA384), "RS256": (None, hashes.SHA256)}
NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

ARGS = None


# --- modes that are on -------------------------------------------------------------------------------

class Active:
    """A mode that is on, and what it has met."""

    def __init__(self, wish):
        unknown = set(wish) - {"mode", "after", "times", "at", "count"}
        if unknown or wish.get("mode") not in MODES:
            raise ValueError("unknown: %s" % (sorted(unknown) or wish.get("mode")))
        self.mode, self.after = MODES[wish["mode"]], int(wish.get("after") or 1)
        self.times, self.count = int(wish.get("times") or 0), int(wish.get("count") or 3)
        at = wish.get("at") or self.mode.kinds
        self.at = ALL if "all" in at else tuple(at)
        if set(self.at) - set(ALL):
            raise ValueError("unknown: %s" % sorted(set(self.at) - set(ALL)))
        self.seen = self.done = 0

    def meets(self, req):
        if req.kind not in self.at or (self.mode.name.startswith("replaces-") and "replaces" not in req.peek):
            return False
        self.seen += 1
        if self.seen < self.after or (self.times and self.done >= self.times):
            return False
        self.done += 1
        return True

    def state(self):
        return {"mode": self.mode.name, "after": self.after, "times": self.times, "at": self.at, "count": self.count,
                "seen": self.seen, "done": self.done}


# --- JWS --------------------------------------------------------------------------------------------

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Problem(400, "malformed", "not base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(data) != text:
        raise Problem(400, "malformed", "base64url with stray bits")
    return data


def no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def read_json(data, what):
    try:
        obj = json.loads(data, object_pairs_hook=no_duplicates)
    except ValueError as e:
        raise Problem(400, "malformed", "%s: %s" % (what, e)) from e
    if not isinstance(obj, dict):
        raise Problem(400, "malformed", "%s: not an object" % what)
    return obj


class Key:
    """A public key that came as JWK."""

    def __init__(self, jwk):
        try:
            if jwk["kty"] == "EC":
                curve, size = CURVES[jwk["crv"]]
                x, y = unb64(jwk["x"]), unb64(jwk["y"])
                if len(x) != size or len(y) != size:
                    raise ValueError("coordinates of the wrong length")
                self.public = ec.EllipticCurvePublicNumbers(
                    int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve()).public_key()
                wanted = {"crv", "kty", "x", "y"}
            elif jwk["kty"] == "RSA":
                n, e = unb64(jwk["n"]), unb64(jwk["e"])
                if n[:1] == b"\0" or e[:1] == b"\0":
                    raise ValueError("zeros at the beginning")
                self.public = rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()
                if not 2048 <= self.public.key_size <= 4096:
                    raise ValueError("%d bits" % self.public.key_size)
                wanted = {"e", "kty", "n"}
            else:
                raise ValueError("kty")
        except (KeyError, ValueError, TypeError) as e:
            raise Problem(400, "badPublicKey", "%s: %s" % (type(e).__name__, e)) from e
        if set(jwk) & {"d", "p", "q", "dp", "dq", "qi"}:
            raise Problem(400, "badPublicKey", "there is a private key in it")
        self.jwk = {k: jwk[k] for k in sorted(wanted)}
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        self.thumbprint = b64(hashlib.sha256(text.encode()).digest())

    def verify(self, alg, signature, message):
        try:
            curve, digest = ALGORITHMS[alg]
            if curve is None:
                self.public.verify(signature, message, padding.PKCS1v15(), digest())
                return
            size = CURVES[curve][1]
            if self.jwk.get("crv") != curve or len(signature) != 2 * size:
                raise Problem(400, "malformed", "the key or the length of the signature do not fit %s" % alg)
            r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
            self.public.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest()))
        except (exceptions.InvalidSignature, TypeError, AttributeError) as e:
            raise Problem(400, "malformed", "the signature does not verify") from e


class Jws:
    """What is signed; the signature is not looked at yet."""

    def __init__(self, obj):
        if set(obj) - {"protected", "payload", "signature"}:
            raise Problem(400, "malformed", "members that do not belong there: %s" % sorted(obj))
        try:
            self.head, self.payload = read_json(unb64(obj["protected"]), "protected"), unb64(obj["payload"])
            self.signature = unb64(obj["signature"])
        except KeyError as e:
            raise Problem(400, "malformed", "no %s" % e) from e
        self.message = (obj["protected"] + "." + obj["payload"]).encode()
        self.alg, self.url = self.head.get("alg"), self.head.get("url")
        if ("jwk" in self.head) == ("kid" in self.head):
            raise Problem(400, "malformed", "jwk or kid")
        if "crit" in self.head or "b64" in self.head:
            raise Problem(400, "malformed", "crit")


# --- certificates -----------------------------------------------------------------------------------

def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def certificate(subject, public, issuer, issuer_key, begin, end, extensions, ca=False):
    builder = x509.CertificateBuilder(
        issuer_name=issuer, subject_name=name_of(subject), public_key=public,
        serial_number=x509.random_serial_number(),
        not_valid_before=datetime.datetime.fromtimestamp(begin, datetime.timezone.utc).replace(tzinfo=None),
        not_valid_after=datetime.datetime.fromtimestamp(end, datetime.timezone.utc).replace(tzinfo=None))
    extensions = [
        (x509.BasicConstraints(ca, None), True), (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
        (x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), True), *extensions]
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def der(tag, data):
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(data) < 128 else bytes([0x80 + len(size)]) + size) + data


def swapped(cert, key):
    """With its dates the other way around, which the library does not make."""
    tbs = cert.tbs_certificate_bytes
    times = re.search(rb"(\x17\x0d[0-9]{12}Z)(\x17\x0d[0-9]{12}Z)", tbs)
    tbs = tbs[:times.start()] + times[2] + times[1] + tbs[times.end():]
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")       # ecdsa-with-SHA256
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return x509.load_der_x509_certificate(der(0x30, tbs + algorithm + der(3, b"\0" + signature)))


# --- challenges -------------------------------------------------------------------------------------

def validate_http(name, token, authorization):
    host, port, path = name, ARGS.http_port, "/.well-known/acme-challenge/" + urllib.parse.quote(token)
    for _ in range(10):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": host, "User-Agent": "mock_ca.py"})
            answer = connection.getresponse()
            body = answer.read(65536)
        except (OSError, http.client.HTTPException) as e:
            raise Problem(400, "connection", "127.0.0.1: Fetching http://%s%s: %s" % (host, path, e)) from e
        finally:
            connection.close()
        if answer.status not in (301, 302, 303, 307, 308):
            break
        to = urllib.parse.urlsplit(urllib.parse.urljoin("http://%s%s" % (host, path), answer.getheader("Location", "")))
        if to.scheme != "http":
            raise Problem(400, "connection", "Redirect to %s is not followed here" % to.geturl())
        host, port = to.hostname, to.port if to.port and to.port != 80 else ARGS.http_port
        path = to.path + ("?" + to.query if to.query else "")
    if answer.status != 200 or body.rstrip() != authorization.encode():
        raise Problem(403, "unauthorized", "127.0.0.1: Invalid response from http://%s%s: %d, %r" % (
            host, path, answer.status, body[:100]))


def dns_name(message, at):
    """The name at this offset, in wire format, and the offset behind it."""
    name, behind = b"", None
    for _ in range(128):
        length = message[at]
        if length >= 0xC0:
            behind = behind or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length:
            name += message[at:at + 1 + length]
            at += 1 + length
        else:
            return name + b"\0", behind or at + 1
    raise ValueError("a loop")


def ask_txt(name):
    """(TXT records, the last alias or None)"""
    question = name + struct.pack("!HH", 16, 1)
    query = struct.pack("!6H", secrets.randbits(16), 0x0100, 1, 0, 0, 0) + question
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.connect(ARGS.dns)
        s.send(query)
        answer = s.recv(65535)
    if answer[2] & 2:                                   # truncated
        with socket.create_connection(ARGS.dns, 3) as s, s.makefile("rb") as f:
            s.sendall(struct.pack("!H", len(query)) + query)
            answer = f.read(struct.unpack("!H", f.read(2))[0])
    if answer[:2] != query[:2] or answer[3] & 15 not in (0, 3):
        raise ValueError("rcode %d" % (answer[3] & 15))
    at, texts, alias = 12 + len(question), [], None
    for _ in range(struct.unpack_from("!H", answer, 6)[0]):
        _, at = dns_name(answer, at)
        rtype, _, _, length = struct.unpack_from("!HHIH", answer, at)
        at += 10
        if rtype == 16:
            data, text = answer[at:at + length], b""
            while data:
                text, data = text + data[1:1 + data[0]], data[1 + data[0]:]
            texts.append(text)
        elif rtype == 5:
            alias, _ = dns_name(answer, at)
        at += length
    return texts, alias


def validate_dns(name, _token, authorization):
    wanted = b64(hashlib.sha256(authorization.encode()).digest()).encode()
    owner = b"".join(bytes([len(label)]) + label for label in ("_acme-challenge." + name).encode().split(b".")) + b"\0"
    try:
        for _ in range(8):
            texts, alias = ask_txt(owner)
            if texts or not alias:
                break
            owner = alias
    except (OSError, ValueError, IndexError, struct.error) as e:
        raise Problem(400, "dns", "DNS problem: looking up TXT for _acme-challenge.%s: %s" % (name, e)) from e
    if wanted not in texts:
        raise Problem(403, "unauthorized", "Incorrect TXT record %r found at _acme-challenge.%s, not %s" % (
            texts, name, wanted.decode()))


# --- what a CA keeps --------------------------------------------------------------------------------

class Object:
    kind = ""

    def __init__(self, ca, account):
        self.ca, self.account, self.id, self.status = ca, account, secrets.token_urlsafe(9), "pending"
        ca.objects[self.kind, self.id] = self

    @property
    def url(self):
        return self.ca.base + PREFIXES[self.kind] + self.id


class Account(Object):
    kind = "account"

    def __init__(self, ca, key, payload):
        super().__init__(ca, self)
        self.key, self.status, self.contact = key, "valid", payload.get("contact") or []
        self.binding = payload.get("externalAccountBinding")
        self.orders = []

    def obj(self):
        obj = {"status": self.status, "contact": self.contact, "termsOfServiceAgreed": True,
               "orders": self.ca.base + "/orders/" + self.id}
        return {**obj, "externalAccountBinding": self.binding} if self.binding else obj


class Challenge(Object):
    kind = "challenge"

    def __init__(self, authz, ctype):
        super().__init__(authz.ca, authz.account)
        self.authz, self.ctype, self.token = authz, ctype, secrets.token_urlsafe(32)
        self.error = self.validated = None

    def obj(self):
        obj = {"type": self.ctype, "url": self.url, "status": self.status, "token": self.token}
        if self.validated:
            obj["validated"] = rfc3339(self.validated)
        return {**obj, "error": self.error} if self.error else obj

    def succeed(self):
        self.status, self.validated, self.authz.status = "valid", time.time(), "valid"


class Authz(Object):
    kind = "authz"

    def __init__(self, ca, account, name):
        super().__init__(ca, account)
        self.wildcard, self.name = name.startswith("*."), name[2:] if name.startswith("*.") else name
        self.expires = time.time() + 7 * DAY
        self.challenges = [Challenge(self, t) for t in (["dns-01"] if self.wildcard else ["http-01", "dns-01"])]

    def obj(self):
        shown = [c for c in self.challenges if self.status == "pending" or c.status != "pending"]
        obj = {"identifier": {"type": "dns", "value": self.name}, "status": self.status,
               "expires": rfc3339(self.expires), "challenges": [c.obj() for c in shown]}
        return {**obj, "wildcard": True} if self.wildcard else obj


class Order(Object):
    kind = "order"

    def __init__(self, ca, account, names, profile, replaces):
        super().__init__(ca, account)
        self.names, self.profile, self.replaces = names, profile, replaces
        self.error, self.cert, self.polls = None, None, 0
        self.expires = time.time() + 7 * DAY
        self.authzs = [Authz(ca, account, name) for name in names]
        account.orders.append(self)

    def look(self):
        """Follows the authorizations."""
        if self.status == "pending":
            states = {a.status for a in self.authzs}
            if states == {"valid"}:
                self.status = "ready"
            elif states & {"invalid", "deactivated", "expired", "revoked"}:
                self.status = "invalid"
                self.error = next((c.error for a in self.authzs for c in a.challenges if c.error), None)

    def obj(self):
        self.look()
        obj = {"status": self.status, "expires": rfc3339(self.expires),
               "identifiers": [{"type": "dns", "value": name} for name in self.names],
               "authorizations": [a.url for a in self.authzs], "finalize": self.ca.base + "/finalize/" + self.id}
        for key, value in (("profile", self.profile), ("replaces", self.replaces), ("error", self.error)):
            if value:
                obj[key] = value
        return {**obj, "certificate": self.cert.url} if self.cert else obj


class Cert(Object):
    kind = "certificate"

    def __init__(self, ca, account, leaf, begin, end):
        super().__init__(ca, account)
        self.leaf, self.begin, self.end, self.revoked, self.replaced_by = leaf, begin, end, False, None
        serial = leaf.serial_number
        key_id = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        self.ari = b64(key_id) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
        ca.by_ari[self.ari] = self
        ca.certs.append(self)


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.kind, self.object, self.rest, self.account, self.key, self.payload = None, None, "", None, None, b""
        self.did, self.modes, self.peek, self.accepted = [], {}, {}, None
        with contextlib.suppress(Exception):
            text = json.loads(body)["payload"]
            self.peek = dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))

    def does(self, name):
        return name in self.modes

    def count(self, name):
        return self.modes[name].count

    def stage(self, stage):
        return [active.mode for active in self.modes.values() if active.mode.stage == stage]

    def content(self):
        """The payload, which has to be an object."""
        return read_json(self.payload, "payload")

    def as_get(self):
        if self.payload:
            raise Problem(400, "malformed", "POST-as-GET with a payload")


# --- the CA -----------------------------------------------------------------------------------------

class CA:
    def __init__(self):
        host, port = ARGS.listen
        self.base = "https://%s:%d" % (host, port)
        self.elsewhere = "https://127.0.0.2:%d" % port
        self.lock = threading.RLock()
        self.objects, self.by_ari, self.certs, self.nonces = {}, {}, [], set()
        self.active = []
        self.chains = ARGS.chains
        self.profiles = dict(p.rsplit(":", 1) for p in ARGS.profile)
        self.eab = dict(e.split(":", 1) for e in ARGS.eab)
        now = time.time() - DAY
        self.roots = []
        for i in range(self.chains):
            key = new_key()
            root = name_of("Mock root %d" % i)
            self.roots.append((key, certificate("Mock root %d" % i, key.public_key(), root, key, now, now + 7300 * DAY,
                                                [], True)))
        self.issuer_key, self.issuer = new_key(), name_of("Mock intermediate")
        self.intermediates = [certificate("Mock intermediate", self.issuer_key.public_key(), root.subject, key, now,
                                          now + 3650 * DAY, [], True) for key, root in self.roots]
        key, root = self.roots[0]
        self.crossed = certificate("Mock root 0", key.public_key(), name_of("Old root"), new_key(), now,
                                   now + 3650 * DAY, [], True)
        stranger = new_key()
        self.stranger = certificate("Mock intermediate", stranger.public_key(), name_of("Stranger"), stranger, now,
                                    now + 3650 * DAY, [], True)

    # from a request to a reply

    def answer(self, req):
        with self.lock:
            if re.fullmatch(r"(127\.0\.0\.1|localhost):[0-9]+", req.headers.get("Host", "")):
                self.base = "https://" + req.headers["Host"]        # there may be a forwarder between
            try:
                reply = self.manage(req) or self.process(req)
            except Problem as p:
                reply = p.reply()
                req.did.append("%s (%s)" % (p.kind, p.obj["detail"][:300]))
            if req.kind:
                self.spoil(req, reply)
        return reply

    def manage(self, req):
        """What is no ACME."""
        if req.path == "/mode":
            if req.method == "POST":
                try:
                    wishes = json.loads(req.body)
                    self.active = [Active(w) for w in ([wishes] if isinstance(wishes, dict) else wishes)]
                except (ValueError, TypeError, AttributeError) as e:
                    return Reply(400, body=("%s\n" % e).encode(), kind="text/plain")
            req.did.append("modes: %s" % (" ".join(a.mode.name for a in self.active) or "none"))
            return Reply(obj=[a.state() for a in self.active])
        if req.path.startswith("/roots/") and req.path[7:].isdigit() and int(req.path[7:]) < self.chains:
            return Reply(body=pem(self.roots[int(req.path[7:])][1]), kind="application/x-pem-file")
        return None

    def find(self, req):
        """What a path is for."""
        path = req.path.partition("?")[0]
        if path.startswith("/moved/"):
            path = path[6:]
            req.did.append("BAD: was redirected")
        req.kind = next((kind for kind, p in PATHS.items() if p == path), None) or \
            next((kind for kind, p in PREFIXES.items() if path.startswith(p)), None)
        if req.kind in PREFIXES:
            ident, _, req.rest = path[len(PREFIXES[req.kind]):].partition("/")
            kind = {"finalize": "order", "orders": "account"}.get(req.kind, req.kind)
            req.object = self.by_ari.get(ident) if kind == "renewal" else self.objects.get((kind, ident))

    def process(self, req):
        self.find(req)
        if not req.kind:
            raise Problem(404, "malformed", "No such page")
        req.modes = {a.mode.name: a for a in self.active if a.meets(req)}
        req.did.append(req.kind)
        req.did += ["MODE " + name for name in req.modes]
        if "User-Agent" not in req.headers:
            req.did.append("BAD: no User-Agent")
        for m in req.stage("instead"):
            return m.do(self, req)
        if req.kind in ("directory", "nonce", "renewal"):
            if req.method not in ("GET", "HEAD"):
                raise Problem(405, "malformed", "Method not allowed")
            return getattr(self, "get_" + req.kind)(req)
        if req.method != "POST":
            raise Problem(405, "malformed", "Method not allowed", headers=[("Allow", "POST")])
        self.verify(req)
        reply = getattr(self, "post_" + req.kind)(req)
        req.accepted = True
        return reply

    def spoil(self, req, reply):
        """Headers that all have, and what the modes do to the reply."""
        if req.method == "POST" or req.kind == "nonce":
            if reply.get("Content-Type") != "text/html":        # that is not ours, but that of a proxy
                nonce = secrets.token_urlsafe(16)
                self.nonces.add(nonce)
                reply.headers.append(("Replay-Nonce", nonce))
        if req.kind != "directory":
            reply.headers.append(("Link", '<%s/dir>;rel="index"' % self.base))
        reply.headers.append(("Cache-Control", "public, max-age=0, no-cache"))
        if reply.status < 300 and isinstance(reply.obj, dict):
            for m in req.stage("json"):
                try:
                    m.do(self, req, reply.obj)
                except (KeyError, IndexError, AttributeError) as e:
                    req.did.append("FAILED: %s: %r" % (m.name, e))
            if "status" in reply.obj:
                req.did.append(str(reply.obj["status"]))
        for m in req.stage("reply"):
            m.do(self, req, reply)
        for m in req.stage("wire"):
            reply.wire = "lost" if m.name.startswith("lost-") else m.name

    def verify(self, req):
        """Is it signed by who may do this?"""
        if req.headers.get("Content-Type") != "application/jose+json":
            raise Problem(415, "malformed", "Content-Type: %s" % req.headers.get("Content-Type"))
        jws = Jws(read_json(req.body, "body"))
        if jws.alg not in ALGORITHMS:
            raise Problem(400, "badSignatureAlgorithm", "alg %s" % jws.alg, algorithms=list(ALGORITHMS))
        if "jwk" in jws.head:
            if req.kind not in ("newAccount", "revoke"):
                raise Problem(400, "malformed", "jwk where there has to be a kid")
            req.key = Key(jws.head["jwk"])
        else:
            if req.kind == "newAccount":
                raise Problem(400, "malformed", "kid where there has to be a jwk")
            kid = str(jws.head["kid"])
            req.account = self.objects.get(("account", kid[len(self.base + "/account/"):])) \
                if kid.startswith(self.base + "/account/") else None
            if not req.account:
                raise Problem(400, "accountDoesNotExist", "Account %s not found" % kid)
            req.key = req.account.key
        req.key.verify(jws.alg, jws.signature, jws.message)
        nonce = jws.head.get("nonce")
        if nonce not in self.nonces:
            raise Problem(400, "badNonce", "JWS has an invalid anti-replay nonce: %s" % nonce)
        self.nonces.discard(nonce)
        if jws.url != self.base + req.path:
            raise Problem(400, "unauthorized", "JWS is for %s" % jws.url)
        if req.account and req.account.status != "valid":
            raise Problem(403, "unauthorized", "Account is not valid, has status \"%s\"" % req.account.status)
        req.payload = jws.payload
        if req.kind in PREFIXES and (not req.object or req.object.account is not req.account):
            raise Problem(403, "unauthorized", "Not yours") if req.object else Problem(404, "malformed", "Not found")

    # GET

    def get_directory(self, _req):
        meta = {"termsOfService": self.base + "/terms", "website": self.base, "caaIdentities": ["ca.test"],
                "externalAccountRequired": bool(self.eab)}
        if self.profiles:
            meta["profiles"] = {name: "%s of the lab" % name for name in self.profiles}
        return Reply(obj={"newNonce": self.base + "/nonce", "newAccount": self.base + "/new-account",
                          "newOrder": self.base + "/new-order", "revokeCert": self.base + "/revoke-cert",
                          "keyChange": self.base + "/key-change", "renewalInfo": self.base + "/renewal-info",
                          "meta": meta})

    def get_nonce(self, req):
        return Reply(200 if req.method == "HEAD" else 204)

    def get_renewal(self, req):
        if not req.object:
            raise Problem(404, "malformed", "No such certificate")
        cert = req.object
        life = cert.end - cert.begin
        start = time.time() - 3600 if cert.revoked else cert.begin + life * 2 / 3
        return Reply(obj={"suggestedWindow": {"start": rfc3339(start), "end": rfc3339(start + max(life / 50, 1))}},
                     headers=[("Retry-After", "21600")])

    # POST

    def post_newAccount(self, req):
        payload = req.content()
        account = next((o for (kind, _), o in self.objects.items()
                        if kind == "account" and o.key.thumbprint == req.key.thumbprint), None)
        if account:
            if account.status != "valid":
                raise Problem(403, "unauthorized", "Account is not valid, has status \"%s\"" % account.status)
            return Reply(200, account.obj(), headers=[("Location", account.url)])
        if payload.get("onlyReturnExisting"):
            raise Problem(400, "accountDoesNotExist", "No account with this key")
        if payload.get("termsOfServiceAgreed") is not True:
            raise Problem(403, "userActionRequired", "Terms of service have to be agreed to",
                          headers=[("Link", '<%s/terms>;rel="terms-of-service"' % self.base)])
        self.check_contact(payload)
        if self.eab or payload.get("externalAccountBinding"):
            self.check_binding(req, payload.get("externalAccountBinding"))
        account = Account(self, req.key, payload)
        return Reply(201, account.obj(), headers=[("Location", account.url)])

    @staticmethod
    def check_contact(payload):
        for contact in payload.get("contact") or []:
            if not isinstance(contact, str) or not contact.startswith("mailto:"):
                raise Problem(400, "unsupportedContact", "Only mailto:")
            if not re.fullmatch(r"mailto:[^@,?\s]+@[^@,?\s]+", contact):
                raise Problem(400, "invalidContact", contact)

    def check_binding(self, req, binding):
        if not isinstance(binding, dict):
            raise Problem(403, "externalAccountRequired", "No external account binding")
        jws = Jws(binding)
        kid, outer = jws.head.get("kid"), self.base + req.path
        if jws.alg != "HS256" or "nonce" in jws.head or jws.url != outer:
            raise Problem(400, "malformed", "Bad external account binding: alg, url or nonce")
        if kid not in self.eab:
            raise Problem(403, "unauthorized", "Unknown key identifier %s" % kid)
        good = hmac.new(unb64(self.eab[kid].rstrip("=")), jws.message, hashlib.sha256).digest()
        if not hmac.compare_digest(good, jws.signature):
            raise Problem(403, "unauthorized", "The signature of the external account binding does not verify")
        if Key(read_json(jws.payload, "binding")).thumbprint != req.key.thumbprint:
            raise Problem(400, "malformed", "The external account binding is for another key")

    def post_account(self, req):
        if req.payload:
            payload = req.content()
            if payload.get("status") == "deactivated":
                req.object.status = "deactivated"
            elif "contact" in payload:
                self.check_contact(payload)
                req.object.contact = payload["contact"]
        return Reply(obj=req.object.obj())

    def post_orders(self, req):
        req.as_get()
        return Reply(obj={"orders": [o.url for o in req.object.orders]})

    def post_keyChange(self, req):
        inner = Jws(req.content())
        if "jwk" not in inner.head or "nonce" in inner.head or inner.url != self.base + req.path:
            raise Problem(400, "malformed", "The inner JWS needs a jwk, no nonce, and the same url")
        key = Key(inner.head["jwk"])
        if inner.alg not in ALGORITHMS:
            raise Problem(400, "badSignatureAlgorithm", "alg %s" % inner.alg, algorithms=list(ALGORITHMS))
        key.verify(inner.alg, inner.signature, inner.message)
        payload = read_json(inner.payload, "inner payload")
        if payload.get("account") != req.account.url:
            raise Problem(400, "malformed", "Another account in the inner payload")
        if Key(payload.get("oldKey") or {}).thumbprint != req.account.key.thumbprint:
            raise Problem(400, "malformed", "Another key in the inner payload")
        for (kind, _), other in self.objects.items():
            if kind == "account" and other.key.thumbprint == key.thumbprint:
                raise Problem(409, "malformed", "This key has an account", headers=[("Location", other.url)])
        req.account.key = key
        return Reply(obj=req.account.obj())

    def post_newOrder(self, req):
        payload = req.content()
        names = []
        for identifier in payload.get("identifiers") or []:
            if not isinstance(identifier, dict) or identifier.get("type") != "dns":
                raise Problem(400, "unsupportedIdentifier", "Only dns")
            name = str(identifier.get("value")).lower()
            if not NAME.fullmatch(name[2:] if name.startswith("*.") else name):
                raise Problem(400, "rejectedIdentifier", "Not a name: %s" % name)
            names.append(name)
        if not names or len(set(names)) != len(names) or len(names) > 100:
            raise Problem(400, "malformed", "%d identifiers, %d of them different" % (len(names), len(set(names))))
        if "notBefore" in payload or "notAfter" in payload:
            raise Problem(400, "malformed", "notBefore and notAfter are not supported")
        profile = payload.get("profile")
        if profile is not None and profile not in self.profiles:
            raise Problem(400, "invalidProfile", "No profile %s" % profile)
        replaced = self.check_replaces(req, payload.get("replaces"))
        if req.does("order-reused"):
            old = [o for o in req.account.orders if o.names == names and o.obj()["status"] in ("pending", "ready")]
            if old:
                return Reply(201, old[-1].obj(), headers=[("Location", old[-1].url)])
        order = Order(self, req.account, names, profile, payload.get("replaces"))
        if req.does("authz-reused"):
            order.authzs = [self.reused(req.account, a) for a in order.authzs]
        if replaced:
            replaced.replaced_by = order
            req.did.append("replaces %s" % replaced.id)
        obj = order.obj() if req.does("authz-valid") else None
        for authz in order.authzs:
            if any(map(req.does, ("order-ready-at-once", "authz-valid", "order-valid-at-once", "authz-valid-one"))):
                authz.challenges[-1].succeed()
            if req.does("authz-valid-one"):
                break
        if req.does("order-valid-at-once"):
            order.cert, order.status = self.issue(req, order, new_key().public_key(), []), "valid"
        return Reply(201, obj or order.obj(), headers=[("Location", order.url)])

    @staticmethod
    def reused(account, authz):
        """An older one for the same name."""
        return next((a for o in account.orders for a in o.authzs if a.status in ("pending", "valid") and
                     (a.name, a.wildcard) == (authz.name, authz.wildcard)), authz)

    def check_replaces(self, req, ari):
        if ari is None:
            return None
        old = self.by_ari.get(ari)
        if not old:
            raise Problem(404, "malformed", "No certificate %s" % ari)
        if old.account is not req.account:
            raise Problem(403, "unauthorized", "Not your certificate")
        if old.replaced_by:
            old.replaced_by.look()
            if old.replaced_by.status != "invalid":
                raise Problem(409, "alreadyReplaced", "Certificate %s is replaced already" % ari)
        return old

    def post_order(self, req):
        req.as_get()
        return self.waiting(req.object, Reply(obj=req.object.obj(), headers=[("Location", req.object.url)]))

    def post_authz(self, req):
        if req.payload:
            if req.content().get("status") != "deactivated":
                raise Problem(400, "malformed", "An authorization can only be deactivated")
            req.object.status = "deactivated"
        return self.waiting(req.object, Reply(obj=req.object.obj()))

    @staticmethod
    def waiting(obj, reply):
        if ARGS.retry_after and obj.status in ("pending", "processing"):
            reply.headers.append(("Retry-After", ARGS.retry_after))
        return reply

    def post_challenge(self, req):
        challenge = req.object
        if req.payload:
            if req.content():
                req.did.append("BAD: a challenge is answered with {}")
            if challenge.status == "pending" and challenge.authz.status == "pending":
                challenge.status = "processing"
                if not any(name.startswith("challenge-endless") for name in req.modes):
                    threading.Thread(target=self.validate, args=(challenge,), daemon=True).start()
        return Reply(obj=challenge.obj(), headers=[("Link", '<%s>;rel="up"' % challenge.authz.url)])

    def validate(self, challenge):
        error = None
        try:
            if not ARGS.always_valid:
                check = validate_http if challenge.ctype == "http-01" else validate_dns
                check(challenge.authz.name, challenge.token, challenge.token + "." + challenge.account.key.thumbprint)
        except Problem as p:
            error = p.obj
        time.sleep(ARGS.validate_ms / 1000)
        with self.lock:
            if error:
                challenge.status, challenge.error, challenge.authz.status = "invalid", error, "invalid"
            else:
                challenge.succeed()
        log("%s for %s is %s%s" % (challenge.ctype, challenge.authz.name, challenge.status,
                                   ": " + error["detail"] if error else ""))

    def post_finalize(self, req):
        order, text = req.object, req.content().get("csr")
        order.look()
        if order.status != "ready":
            raise Problem(403, "orderNotReady", "Order's status (\"%s\") is not acceptable" % order.status)
        try:
            csr = x509.load_der_x509_csr(unb64(text))
            if not csr.is_signature_valid:
                raise ValueError("its signature does not verify")
            san = [e for e in csr.extensions if isinstance(e.value, x509.SubjectAlternativeName)]
            asked = [n.lower() for e in san for n in e.value.get_values_for_type(x509.DNSName)]
            common = [a.value.lower() for a in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
            if len(asked) != len(set(asked)) or set(asked) | set(common) != set(order.names):
                raise ValueError("it is for %s, the order for %s" % (sorted(set(asked + common)), order.names))
            if any(len(list(e.value)) != len(e.value.get_values_for_type(x509.DNSName)) for e in san):
                raise ValueError("there are names that are no DNS names")
            public = csr.public_key()
            if public.public_numbers() == order.account.key.public.public_numbers():
                raise ValueError("it is the key of the account")
            if getattr(public, "curve", None) and public.curve.name not in ("secp256r1", "secp384r1") or \
                    isinstance(public, rsa.RSAPublicKey) and public.key_size not in (2048, 3072, 4096):
                raise ValueError("not a key that is wanted here")
        except (ValueError, TypeError, AttributeError) as e:
            raise Problem(400, "badCSR", "CSR: %s" % e) from e
        features = [(e.value, e.critical) for e in csr.extensions if isinstance(e.value, x509.TLSFeature)]
        order.cert, order.status = self.issue(req, order, public, features), "valid"
        return Reply(obj=order.obj(), headers=[("Location", order.url)])

    def issue(self, req, order, public, extensions):
        names = [n.upper() for n in order.names] if req.does("leaf-upper-case") else list(order.names)
        begin = time.time() - 60
        end = begin + int(self.profiles.get(order.profile) or ARGS.validity)
        if req.does("leaf-wrong-key"):
            public = new_key().public_key()
        if req.does("leaf-wrong-names"):
            names = ["other.example.test"]
        if req.does("leaf-extra-name"):
            names.append("extra.example.test")
        if req.does("leaf-missing-name"):
            names.pop()
        for name, change in (("leaf-expired", (-90 * DAY, -DAY)), ("leaf-not-yet-valid", (DAY, 90 * DAY)),
                             ("leaf-short", (-60, 60)), ("leaf-long", (-60, 36500 * DAY)),
                             ("leaf-year-10000", (-60, 253402300798 - time.time())),
                             ("leaf-reversed-dates", (DAY, 0))):
            if req.does(name):
                begin, end = (time.time() + seconds for seconds in change)
        usage = [ExtendedKeyUsageOID.CLIENT_AUTH] if req.does("leaf-client") else [ExtendedKeyUsageOID.SERVER_AUTH]
        alternative = [x509.DNSName(n) for n in names]
        if req.does("leaf-ip"):
            alternative.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        if not req.does("leaf-no-names") and alternative:
            extensions = [*extensions, (x509.SubjectAlternativeName(alternative), False)]
        extensions = [*extensions, (x509.ExtendedKeyUsage(usage), False)]
        subject = names[0] if names and len(names[0]) <= 64 else ""
        leaf = certificate(subject, public, self.issuer, self.issuer_key, min(begin, end), max(begin, end), extensions,
                           req.does("leaf-ca"))
        if end < begin:
            leaf = swapped(leaf, self.issuer_key)
        req.did.append("issued %x for %s" % (leaf.serial_number, " ".join(names)))
        return Cert(self, order.account, leaf, begin, end)

    def post_certificate(self, req):
        req.as_get()
        number = int(req.rest) if req.rest.isdigit() else 0
        if number >= self.chains:
            raise Problem(404, "malformed", "No such chain")
        cert = self.certs[0] if req.does("chain-old") else req.object
        alternates = [("Link", '<%s/%d>;rel="alternate"' % (req.object.url, i))
                      for i in range(self.chains) if i != number]
        return Reply(body=pem(cert.leaf) + pem(self.intermediates[number]), kind="application/pem-certificate-chain",
                     headers=alternates)

    def post_revoke(self, req):
        payload = req.content()
        der = unb64(payload.get("certificate"))
        cert = next((c for c in self.certs if c.leaf.public_bytes(serialization.Encoding.DER) == der), None)
        if not cert:
            raise Problem(404, "malformed", "No such certificate")
        if req.account:
            own = {a.name for (kind, _), a in self.objects.items()
                   if kind == "authz" and a.account is req.account and a.status == "valid"}
            names = cert.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            allowed = cert.account is req.account or \
                {n.replace("*.", "") for n in names.get_values_for_type(x509.DNSName)} <= own
        else:
            allowed = req.key.public.public_numbers() == cert.leaf.public_key().public_numbers()
        if not allowed:
            raise Problem(403, "unauthorized", "Not your certificate")
        if payload.get("reason") not in (None, 0, 1, 3, 4, 5):
            raise Problem(400, "badRevocationReason", "reason %s" % payload.get("reason"))
        if cert.revoked:
            raise Problem(400, "alreadyRevoked", "It is already")
        cert.revoked = True
        req.did.append("revoked %x, reason %s" % (cert.leaf.serial_number, payload.get("reason")))
        return Reply()


# --- HTTP -------------------------------------------------------------------------------------------

LOG_LOCK = threading.Lock()


def log(text):
    """One line, whatever is in it."""
    text = text.encode("ascii", "backslashreplace").decode()
    text = "".join(c if " " <= c <= "~" else "\\x%02x" % ord(c) for c in text)
    with LOG_LOCK:
        print(text, file=sys.stderr, flush=True)


def keep_jws(req):
    line = {"url": "https://%s:%d" % ARGS.listen + req.path, "kind": req.kind,
            "content-type": req.headers.get("Content-Type"), "user-agent": req.headers.get("User-Agent"),
            "body": req.body.decode("utf-8", "backslashreplace"), "jwk": req.key.jwk if req.key else None,
            "accepted": bool(req.accepted), "said": req.did}
    with LOG_LOCK, open(ARGS.jws, "a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def setup(self):
        self.request.settimeout(10)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.request.close()

    def log_message(self, format, *args):       # pylint: disable=redefined-builtin
        log("%s %s" % (self.client_address[0], format % args))

    def log_request(self, *_):
        pass

    def do_GET(self):
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > 10000000 or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return self.write(Reply(411))
        req = Request(self.command, self.path, self.headers, self.rfile.read(int(length)))
        reply = self.server.ca.answer(req)
        if ARGS.jws and req.method == "POST" and req.kind:
            keep_jws(req)
        log("%s %s %d %s%s" % (req.method, req.path[:300], reply.status, "; ".join(req.did),
                               "" if reply.wire == "whole" else "; " + reply.wire))
        return self.write(reply)

    do_POST = do_HEAD = do_PUT = do_DELETE = do_GET

    def write(self, reply):
        if reply.obj is not None:
            reply.body = json.dumps(reply.obj).encode()
        wire, body = reply.wire, reply.body
        if self.command == "HEAD" or reply.status in (204, 304):
            body = b""
        headers = [("Date", http_date(time.time())), *reply.headers]
        if wire == "chunked" and body:
            headers.append(("Transfer-Encoding", "chunked"))
            parts = [body[i:i + 7] for i in range(0, len(body), 7)]
            body = b"".join(b"%x;x=y\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\nX-Trailer: x\r\n\r\n"
        elif wire != "until-close" and reply.status not in (204, 304):
            headers.append(("Content-Length", str(len(reply.body))))
        if wire in ("close", "until-close"):
            headers.append(("Connection", "close"))
            self.close_connection = True
        head = b"HTTP/1.%d %d %s\r\n" % (wire != "until-close", reply.status,
                                         http.client.responses.get(reply.status, "Strange").encode())
        head += b"".join(b"%s: %s\r\n" % (k.encode(), v.encode("latin-1", "replace")) for k, v in headers) + b"\r\n"
        if wire == "early-hints":
            head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>;rel=preload\r\n\r\n" + head
        try:
            self.send_as(wire, head, body)
        except OSError as e:
            log("the client is gone: %s" % e)
            self.close_connection = True

    def send_as(self, wire, head, body):
        if wire in ("lost", "never", "cut", "stall"):
            self.close_connection = True
            if wire in ("cut", "stall"):
                self.connection.sendall(head + body[:len(body) // 2])
            if wire in ("never", "stall"):
                self.until_gone()
        elif wire in ("slow", "slow-body"):
            at_once = head if wire == "slow-body" else b""
            self.connection.sendall(at_once)
            for byte in (head + body)[len(at_once):]:
                self.connection.sendall(bytes([byte]))
                time.sleep(1)
        else:
            self.connection.sendall(head + body)
        if wire == "until-close":
            self.connection.settimeout(1)
            with contextlib.suppress(OSError):
                self.connection.unwrap()            # says that it is the end

    def until_gone(self):
        """Waits until the client gives up."""
        self.connection.settimeout(3600)
        while self.connection.recv(4096):
            pass
        log("the client has given up")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, ca):
        self.ca, self.context = ca, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*ARGS.tls)
        super().__init__(ARGS.listen, Handler)

    def handle_error(self, request, client_address):
        log("%s: %s" % (client_address[0], sys.exc_info()[1]))


def watch(listener):
    """Where nobody should come."""
    while True:
        listener.accept()[0].close()
        log("BAD: somebody came to 127.0.0.2")


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def list_modes():
    for m in MODES.values():
        kinds = "all" if m.kinds == ALL else "all POST" if m.kinds == POSTS else " ".join(m.kinds)
        print("%-28s %-40s %s" % (m.name, kinds, m.says))


def main():
    global ARGS
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                epilog="requests: " + " ".join(ALL))
    p.add_argument("--list", action="store_true", help="lists the modes: name, requests that it meets, what it does")
    p.add_argument("--listen", type=endpoint, metavar="ADDRESS:PORT")
    p.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    p.add_argument("--mode", action="append", default=[], choices=MODES, metavar="MODE", help="may be repeated")
    p.add_argument("--after", type=int, default=1, metavar="N", help="only from the Nth request that is met (1)")
    p.add_argument("--times", type=int, default=0, metavar="N", help="only so often (0: always)")
    p.add_argument("--at", action="append", choices=(*ALL, "all"), metavar="REQUEST",
                   help="instead of the mode's; repeated")
    p.add_argument("--count", type=int, default=3, metavar="N", help="for the modes that say so")
    p.add_argument("--always-valid", action="store_true", help="challenges are not looked at")
    p.add_argument("--http-port", type=int, default=5002, help="where http-01 is looked at")
    p.add_argument("--dns", type=endpoint, default="127.0.0.1:8053", metavar="ADDRESS:PORT",
                   help="whom dns-01 is asked")
    p.add_argument("--validate-ms", type=int, default=0, metavar="MS", help="how long it takes to look at a challenge")
    p.add_argument("--retry-after", metavar="TEXT", help="Retry-After for orders and authorizations that are not done")
    p.add_argument("--chains", type=int, default=1, metavar="N", help="the first and its alternates (1)")
    p.add_argument("--eab", action="append", default=[], metavar="KID:KEY", help="accounts only with this; repeated")
    p.add_argument("--profile", action="append", default=[], metavar="NAME:SECONDS", help="and validity; repeated")
    p.add_argument("--validity", type=int, default=90 * DAY, metavar="SECONDS")
    p.add_argument("--jws", metavar="FILE", help="gets what was POSTed")
    ARGS = p.parse_args()
    if ARGS.list:
        list_modes()
        return
    if not ARGS.listen or not ARGS.tls:
        p.error("--listen and --tls are needed")
    ca = CA()
    ca.active = [Active({"mode": m, "after": ARGS.after, "times": ARGS.times, "at": ARGS.at, "count": ARGS.count})
                 for m in ARGS.mode]
    server = Server(ca)
    threading.Thread(target=watch, args=(socket.create_server(("127.0.0.2", ARGS.listen[1])),), daemon=True).start()
    log("ready")
    server.serve_forever()


if __name__ == "__main__":
    main()
