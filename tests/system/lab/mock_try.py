#!/usr/bin/python3
"""mock_try.py - goes through all modes of mock_ca.py with a small strict client of its own, one certificate a mode:
does each meet a request, do those that are called good still give a certificate, and the others none?

    mock_try.py --port PORT --ca FILE [MODE...]

The CA has to run with --always-valid, two --chains and the --profile short.  Prints a line a mode: "ok" or "not ok",
its name, and what the client made of it.

Touches: the network.
"""

import argparse
import base64
import http.client
import json
import re
import ssl
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

sys.dont_write_bytecode = True
from mock_modes import MODES  # noqa: E402

NAMES = ["mx.example.test", "www.example.test"]
KNOWN = "newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"
MOST = 1000000                      # bytes of a body


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Strange(Exception):
    """What a careful client does not accept."""


def demand(condition, what):
    if not condition:
        raise Strange(what)


class Response(http.client.HTTPResponse):
    def _read_status(self):
        version, status, reason = super()._read_status()
        while status == 103:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()
        return version, status, reason


class Client:
    def __init__(self, port, context):
        self.port, self.context, self.connection = port, context, None
        self.base = "https://127.0.0.1:%d" % port
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")),
                    "y": b64(numbers.y.to_bytes(32, "big"))}
        self.kid = self.directory = self.nonce = None

    def ask(self, method, url, body=None):
        """(status, headers, body)"""
        demand(isinstance(url, str) and re.fullmatch(re.escape(self.base) + r"/[!-~]{1,2000}", url) and "#" not in url,
               "a URL that is not of this CA: %.60r" % url)
        if not self.connection:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=0.5, context=self.context)
            self.connection.response_class = Response
        try:
            self.connection.request(method, url[len(self.base):], body, {
                "Content-Type": "application/jose+json", "User-Agent": "mock_try"})
            reply = self.connection.getresponse()
            data = reply.read(MOST + 1)
            demand(len(data) <= MOST, "a body of more than %d bytes" % MOST)
        except (OSError, http.client.HTTPException, Strange) as e:
            self.connection.close()
            self.connection = None
            raise Strange(e) from e
        if reply.will_close:
            self.connection.close()
            self.connection = None
        return reply.status, reply.headers, data

    def fresh(self):
        nonce, self.nonce = self.nonce, None
        if not nonce:
            status, headers, _ = self.ask("HEAD", self.url("newNonce"))
            demand(status == 200, "%d for a nonce" % status)
            found = headers.get_all("Replay-Nonce", [])
            demand(len(found) == 1 and re.fullmatch("[A-Za-z0-9_-]{1,1000}", found[0]), "a bad nonce")
            nonce = found[0]
        return nonce

    def url(self, name):
        demand(name in self.directory, "no %s" % name)
        return self.directory[name]

    def sign(self, head, payload):
        parts = b64(json.dumps(head).encode()), b64(payload)
        r, s = decode_dss_signature(self.key.sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256())))
        return {"protected": parts[0], "payload": parts[1],
                "signature": b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}

    def post(self, url, obj=None, tries=3):
        """obj None is POST-as-GET."""
        head = {"alg": "ES256", "nonce": self.fresh(), "url": url}
        head.update({"kid": self.kid} if self.kid else {"jwk": self.jwk})
        payload = b"" if obj is None else json.dumps(obj).encode()
        status, headers, data = self.ask("POST", url, json.dumps(self.sign(head, payload)))
        found = headers.get_all("Replay-Nonce", [])
        if found:
            demand(len(found) == 1 and re.fullmatch("[A-Za-z0-9_-]{1,1000}", found[0]), "a bad nonce")
            self.nonce = found[0]
        if status == 400 and b"badNonce" in data and tries > 1:
            return self.post(url, obj, tries - 1)
        demand(status in (200, 201), "%d: %.200r" % (status, data))
        return headers, data

    def get_json(self, url, obj=None, want=(), location=False):
        headers, data = self.post(url, obj)
        found = self.json(headers, data, want)
        return (found, headers.get("Location")) if location else found

    @staticmethod
    def json(headers, data, want):
        demand(headers.get_content_type() == "application/json", "not JSON: %s" % headers.get_content_type())

        def pairs(members):
            demand(len(members) == len(dict(members)), "a member twice")
            return dict(members)
        try:
            obj = json.loads(data.decode(), object_pairs_hook=pairs)
        except (ValueError, RecursionError) as e:
            raise Strange(e) from e
        demand(isinstance(obj, dict), "not an object")
        for name, kind in want:
            demand(isinstance(obj.get(name), kind), "no %s" % name)
        return obj

    def poll(self, url, want, until):
        for _ in range(8):
            obj = self.get_json(url, want=want)
            if obj["status"] not in until:
                return obj
            time.sleep(0.01)
        raise Strange("%s for ever" % obj["status"])

    def certificate(self, replaces=None):
        """A whole certificate; (PEM, ARI)"""
        status, headers, data = self.ask("GET", self.base + "/dir")
        demand(status == 200, "%d for the directory" % status)
        self.directory = self.json(headers, data, [(k, str) for k in KNOWN])
        for name, url in self.directory.items():
            demand(name not in KNOWN or str(url).startswith(self.base + "/"), "a URL of another host")
        meta = self.directory.get("meta", {})
        demand(isinstance(meta, dict) and isinstance(meta.get("profiles", {}), dict) and
               len(meta.get("profiles", {})) < 100, "meta")
        demand(str(meta.get("termsOfService", "x")).isprintable(), "control characters")
        account, self.kid = self.get_json(self.url("newAccount"), {"termsOfServiceAgreed": True}, [("status", str)],
                                          True)
        demand(account["status"] == "valid", "the account is %s" % account["status"])
        demand(re.fullmatch(re.escape(self.base) + "/[!-~]{1,500}", self.kid or ""), "no account URL")
        want = [("status", str), ("identifiers", list), ("authorizations", list), ("finalize", str)]
        order = {"identifiers": [{"type": "dns", "value": n} for n in NAMES]}
        order.update({"replaces": replaces} if replaces else {})
        order, url = self.get_json(self.url("newOrder"), order, want, True)
        demand(re.fullmatch(re.escape(self.base) + "/[!-~]{1,500}", url or ""), "no order URL")
        self.look(order, "pending", "ready")
        left = set(NAMES)
        for authz in order["authorizations"]:
            left.discard(self.authorize(authz))
        demand(not left, "no authorization for %s" % left)
        order = self.poll(url, want, ("pending",))
        self.look(order, "ready")
        key = ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder(x509.Name([])).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in NAMES]), False).sign(key, hashes.SHA256())
        order = self.get_json(order["finalize"], {"csr": b64(csr.public_bytes(serialization.Encoding.DER))}, want)
        if order["status"] != "valid":
            order = self.poll(url, want, ("processing", "ready"))
        self.look(order, "valid")
        demand(isinstance(order.get("certificate"), str), "no certificate")
        pem = self.chain(order["certificate"], key)
        leaf = x509.load_pem_x509_certificate(pem)
        ari = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        serial = leaf.serial_number
        ari = b64(ari) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
        self.renewal(ari)
        return pem, ari

    @staticmethod
    def look(order, *states):
        demand(order["status"] in states, "the order is %s" % order["status"])
        names = sorted(str(i.get("value")).lower() for i in order["identifiers"])
        demand(names == sorted(NAMES), "an order for %s" % names)
        demand(len(order["authorizations"]) == len(NAMES) and all(isinstance(a, str) for a in order["authorizations"]),
               "authorizations")
        demand(order.get("profile") is None and order.get("expires", "9") > "2025", "profile or expiry")

    def authorize(self, url):
        want = [("status", str), ("identifier", dict), ("challenges", list)]
        authz = self.get_json(url, want=want)
        name = str(authz["identifier"].get("value")).lower()
        demand(name in NAMES and not authz.get("wildcard"), "an authorization for %.40r" % name)
        demand(len(authz["challenges"]) < 100, "too many challenges")
        if authz["status"] == "pending":
            known = [c for c in authz["challenges"] if isinstance(c, dict) and c.get("type") in ("http-01", "dns-01")]
            demand(known and "url" in known[0], "no challenge that is known")
            token = known[0].get("token")
            demand(isinstance(token, str) and re.fullmatch("[A-Za-z0-9_-]{16,200}", token), "a bad token")
            answer = self.get_json(known[0]["url"], {}, [("status", str)])
            demand(answer["status"] in ("pending", "processing", "valid"), "the challenge is %s" % answer["status"])
            demand(answer.get("token") == token, "the token has changed")
            authz = self.poll(url, want, ("pending",))
        demand(authz["status"] == "valid", "the authorization is %s" % authz["status"])
        return name

    def chain(self, url, key):
        headers, data = self.post(url)
        links = re.findall(r'<([^>]*)>[^<]*?;\s*rel="?[^"]*\balternate\b', ", ".join(headers.get_all("Link", [])), re.I)
        demand(len(links) < 50, "too many alternates")
        for link in links:
            link = self.base + link if link.startswith("/") else link
            demand(link != url, "an alternate that is the same")
            self.check_chain(self.post(link)[1], key)
        demand(links, "no alternate")
        demand(headers.get_content_type() in ("application/pem-certificate-chain", "text/plain"), "no chain")
        return self.check_chain(data, key)

    @staticmethod
    def check_chain(data, key):
        block = rb"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+\r?\n-----END CERTIFICATE-----"
        demand(re.fullmatch(rb"\s*(%s\s*){2,10}" % block, data), "not a chain in PEM")
        try:
            certs = [x509.load_der_x509_certificate(ssl.PEM_cert_to_DER_cert(b.decode().replace("\r", "")))
                     for b in re.findall(block, data)]
            leaf = certs[0]
            demand(leaf.public_key().public_numbers() == key.public_key().public_numbers(), "another key")
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            demand(sorted(n.lower() for n in names.get_values_for_type(x509.DNSName)) == sorted(NAMES) and
                   len(list(names)) == len(NAMES), "other names")
            demand(not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca, "a CA")
            usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            demand(x509.oid.ExtendedKeyUsageOID.SERVER_AUTH in usage, "not for servers")
            dates = ("not_valid_before_utc", "not_valid_after_utc") if hasattr(leaf, "not_valid_after_utc") else \
                ("not_valid_before", "not_valid_after")
            begin, end = (int(re.sub(r"\D", "", str(getattr(leaf, date)))[:14]) for date in dates)
            now = int(time.strftime("%Y%m%d%H%M%S", time.gmtime()))
            demand(begin < now + 1 < end, "not valid now")
            demand(now + 10000 < end < now + 3 * 10**10, "valid for too short or too long")
            for one, by in zip(certs, certs[1:]):
                by.public_key().verify(one.signature, one.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
        except (ValueError, x509.ExtensionNotFound) as e:
            raise Strange(e) from e
        except Exception as e:                                      # InvalidSignature
            raise e if isinstance(e, Strange) else Strange("signature: %r" % e)
        return data[data.index(b"-----"):]

    def renewal(self, ari):
        demand("renewalInfo" in self.directory or MODE == "directory-no-ari", "no renewalInfo")
        if "renewalInfo" not in self.directory:
            return
        status, headers, data = self.ask("GET", self.directory["renewalInfo"] + "/" + ari)
        demand(status == 200, "%d for renewal" % status)
        obj = self.json(headers, data, [("suggestedWindow", dict)])
        moments = []
        for name in ("start", "end"):
            found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)",
                                 str(obj["suggestedWindow"].get(name)))
            demand(found and "2000" < found[1] < "2050" and found[1][5:7] <= "12", "not a time")
            moments.append(found[1] + found[2])
        demand(moments[0] < moments[1], "not a window")
        demand(re.fullmatch("[1-9][0-9]{0,5}|.* GMT", headers.get("Retry-After", "")), "Retry-After")
        demand(str(obj.get("explanationURL", "https:")).startswith("https:") and
               str(obj.get("explanationURL", "")).isprintable(), "explanationURL")

    def more(self):
        """What not each certificate needs: the account, its orders, another key."""
        account = self.kid
        self.get_json(account)
        self.get_json(account.replace("/account/", "/orders/"))
        old, old_key = self.jwk, self.key
        new = Client(self.port, self.context)
        inner = new.sign({"alg": "ES256", "jwk": new.jwk, "url": self.url("keyChange")},
                         json.dumps({"account": account, "oldKey": old}).encode())
        self.get_json(self.url("keyChange"), inner)
        self.key, self.jwk = new.key, new.jwk
        demand(old_key is not self.key, "the same key")

    def revoke(self, pem):
        self.post(self.url("revokeCert"), {"certificate": b64(ssl.PEM_cert_to_DER_cert(
            pem.decode().replace("\r", "").split("-----END")[0] + "-----END CERTIFICATE-----\n"))})


MODE = "header-case"                # which is on


def manage(port, context, wish=None):
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    connection.request("POST" if wish is not None else "GET", "/mode", json.dumps(wish) if wish is not None else None)
    reply = json.loads(connection.getresponse().read())
    connection.close()
    return reply


def attempt(port, context, name):
    """(did it meet something, what came of it)"""
    client = Client(port, context)
    came = "a certificate"
    replaces = None
    try:
        if name.startswith("replaces-"):
            manage(port, context, [])
            replaces = client.certificate()[1]
        elif name == "order-reused":                    # that there is one
            manage(port, context, [{"mode": "lost-authz"}])
            try:
                client.certificate()
            except Strange:
                client.kid = None
        manage(port, context, [{"mode": name}])
        client.kid = None
        pem, _ = client.certificate(replaces)
        client.more()
        client.revoke(pem)
    except Strange as e:
        came = "refused: %s" % e
    state = manage(port, context)
    manage(port, context, [])
    return state[0]["done"], came


def main():
    global MODE
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--ca", required=True)
    p.add_argument("modes", nargs="*")
    args = p.parse_args()
    context = ssl.create_default_context(cafile=args.ca)
    failed = 0
    for name in args.modes or MODES:
        MODE = name
        done, came = attempt(args.port, context, name)
        says = MODES[name].says
        right = done and (says.startswith("odd:") or (came == "a certificate") == says.startswith("good"))
        failed += not right
        came = came.encode("unicode_escape").decode()[:160]
        print("%s - %s: met %d: %s" % ("ok" if right else "not ok", name, done, came), flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
