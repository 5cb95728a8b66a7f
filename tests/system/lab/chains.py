#!/usr/bin/env python3
"""chains.py - keys, and certificates that are right or wrong in one thing, for the hosts of a lab.

    chains.py FOLDER NAME...        NAME: of the certificates, wildcards too

Makes in FOLDER, each a key with the certificates that a server sends:
    ec, rsa, old        leaf and intermediate; each with a key of its own
    NAME-root           the same with the root
    ec-alone            the leaf only
    expired, other      as ec: its time has passed; for another host (each with -root, too)
    self                self-signed
and root.pem, inter.pem (certificates), and `data`: lines "NAME SELECTOR MATCHING-TYPE HEX" of all of them.

Touches: that folder.
"""

import datetime
import hashlib
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow()


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Entity:
    """A key with its certificate; by: who has signed it, None: itself."""

    def __init__(self, name, by, hosts, key=None, until=NOW + 90 * DAY):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        issuer = by or self
        self.subject = named(name)
        build = x509.CertificateBuilder(issuer.subject, self.subject, self.key.public_key(),
                                        x509.random_serial_number(), until - 100 * DAY, until)
        build = build.add_extension(x509.BasicConstraints(not hosts, None), True)
        if hosts:
            build = build.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), False)
        self.cert = build.sign(issuer.key, hashes.SHA256())

    def pem(self):
        return self.cert.public_bytes(PEM)

    def data(self, selector):
        if selector == 0:
            return self.cert.public_bytes(DER)
        return self.key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def main():
    folder, hosts = sys.argv[1], sys.argv[2:]
    root = Entity("Lab Root", None, [])
    inter = Entity("Lab Intermediate", root, [])
    leaves = {
        "ec": Entity("ec", inter, hosts),
        "rsa": Entity("rsa", inter, hosts, key=rsa.generate_private_key(65537, 2048)),
        "small": Entity("small", inter, hosts, key=rsa.generate_private_key(65537, 1024)),
        "old": Entity("old", inter, hosts),
        "expired": Entity("expired", inter, hosts, until=NOW - 3 * DAY),
        "other": Entity("other", inter, ["other.example"]),
        "self": Entity("self", None, hosts),
    }
    sent = {"ec-alone": ("ec", []), "self": ("self", [])}
    for name in ("ec", "rsa", "small", "old", "expired", "other"):
        sent[name] = (name, [inter])
        sent[name + "-root"] = (name, [inter, root])
    sent["ec-disorder"] = ("ec", [root, inter])
    for name, (leaf, above) in sent.items():
        leaf = leaves[leaf]
        key = leaf.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        with open(os.path.join(folder, name + ".pem"), "wb") as file:
            os.chmod(file.name, 0o600)
            file.write(key + b"".join(entity.pem() for entity in [leaf] + above))
    with open(os.path.join(folder, "data"), "w", encoding="ascii") as file:
        for name, entity in dict(leaves, root=root, inter=inter).items():
            for selector in (0, 1):
                der = entity.data(selector)
                for matching, value in enumerate((der, hashlib.sha256(der).digest(), hashlib.sha512(der).digest())):
                    print(name, selector, matching, value.hex(), file=file)
    for name, entity in (("root", root), ("inter", inter)):
        with open(os.path.join(folder, name + ".pem"), "wb") as file:
            file.write(entity.pem())


main()
