"""crash_store.py - what somebody who reads a store, its links and its include file sees, and whether that is sound.

Nothing here trusts the program: digests are computed from the certificates, pairs are tried by OpenSSL.
Touches: files, reading only.
"""

import hashlib
import itertools
import json
import os
import re
import ssl
import stat

OWNER = "_25._tcp.mx.example.org"
LINKED = ("certs", "keys")


def read(path):
    with open(path, "rb") as f:
        return f.read()


# Certificates (RFC 5280 section 4.1) ----------------------------------------------------------------

def tlvs(der, at, end):
    """(tag, where it starts, where its value starts, where it ends) of each element."""
    while at < end:
        tag, length, value = der[at], der[at + 1], at + 2
        if length & 0x80:
            value += length & 0x7f
            length = int.from_bytes(der[at + 2:value], "big")
        yield tag, at, value, value + length
        at = value + length


def spki_sha256(cert_pem):
    der = ssl.PEM_cert_to_DER_cert(cert_pem)
    _, _, start, end = next(tlvs(der, 0, len(der)))
    _, _, start, end = next(tlvs(der, start, end))
    fields = [t for t in tlvs(der, start, end) if t[0] != 0xa0]     # without the version
    _, start, _, end = fields[5]        # after serial, algorithm, issuer, validity, subject
    return hashlib.sha256(der[start:end]).hexdigest()


judged = {}


def judge(pem):
    """Key and certificate in one file: (complaint or None, SPKI digest of the certificate or None)."""
    if pem not in judged:
        judged[pem] = judge_anew(pem)
    return judged[pem]


def judge_anew(pem):
    fd = os.memfd_create("combined.pem")
    try:
        os.write(fd, pem)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain("/proc/self/fd/%d" % fd)
        cert = re.search(r"-----BEGIN CERT.*?-----END CERT[^\n]*\n", pem.decode(), re.S)
        return None, spki_sha256(cert[0])
    except (ssl.SSLError, ValueError, TypeError) as e:
        return "key and certificate do not match: %s" % e, None
    finally:
        os.close(fd)


# The store ------------------------------------------------------------------------------------------

def check_generation(folder, bad):
    """The digests of its keys."""
    digests = []
    for name in sorted(os.listdir(folder)):
        if not re.match(r"cert(-[a-z0-9-]+)?\.pem$", name):
            continue
        cert, key, full, combined = (read(folder + "/" + name.replace("cert", base, 1))
                                     for base in ("cert", "key", "fullchain", "combined"))
        why, digest = judge(combined)
        if why:
            bad.append("%s/%s: %s" % (folder, name.replace("cert", "combined"), why))
        elif combined != key + full or not full.startswith(cert):
            bad.append("%s: %s and the files beside it are not of one piece" % (folder, name))
        digests.append(digest)
    promised = [k["spki_sha256"] for k in json.loads(read(folder + "/manifest.json"))["keys"]]
    if not digests or sorted(promised) != sorted(d or "" for d in digests):
        bad.append("%s: the manifest is of other keys" % folder)
    return digests


def include_records(text):
    """The digests in an include file, or None if it is not whole."""
    records = re.findall(r"^%s\. \d+ IN TLSA 3 1 1 ([0-9a-f]{64})$" % re.escape(OWNER), text, re.M)
    lines = [x for x in text.splitlines() if not x.startswith(";")]
    return records if records and len(records) == len(lines) and text.endswith("\n") else None


def check_include(where, live, known, bad):
    path = where + "/zone/tlsa.inc"
    if not os.path.exists(path):
        return
    text = read(path).decode()
    records = include_records(text)
    recorded = json.loads(read(where + "/state/lines/mx/state.json"))["set"]["serial"]
    if any(int(n) > recorded for n in re.findall(r"^; line mx: .*, set (\d+)$", text, re.M)):
        bad.append("the include file shows a set that was not written down before")
    if records is None:
        bad.append("the include file is not whole: %r" % text[-200:])
        return
    bad += ["a published key is lost: %s" % r for r in records if r not in known]
    bad += ["the include file does not cover the live key %s" % d for d in live if d not in records]
    if not live:
        bad.append("records were published, and no key is live")


def check_links(where, bad):
    for folder in LINKED:
        for name in sorted(os.listdir(where + "/" + folder)) if os.path.isdir(where + "/" + folder) else []:
            path = "%s/%s/%s" % (where, folder, name)
            if os.path.islink(path) and not os.path.exists(path) and not name.startswith(".tmp-"):
                bad.append("%s/%s leads nowhere" % (folder, name))
            crt = where + "/certs/" + name[:-4] + ".crt"
            if folder == "keys" and name.endswith(".key") and os.path.exists(path) and os.path.exists(crt):
                why, _ = judge(read(path) + read(crt))
                if why:
                    bad.append("keys/%s and its certificate: %s" % (name, why))


def check_adopted(where, bad):
    """Keys that were there before the program: the same bytes under the same names, at every moment."""
    given = where + "/given"
    for name in sorted(os.listdir(given)) if os.path.isdir(given) else []:
        path = where + ("/keys/" if name.endswith(".key") else "/certs/") + name
        if not os.path.exists(path) or not read(path).startswith(read(given + "/" + name)):
            bad.append("%s is not what it was before" % path)


def check_modes(where, bad):
    secret = re.compile(r"key.*\.pem$|combined.*\.pem$|state\.json$|.*\.key$")
    for base, _, files in itertools.chain(*(os.walk(where + "/" + d) for d in ("state", "keys", "backups"))):
        for name in files:
            st = os.lstat(base + "/" + name)
            if secret.match(name) and stat.S_ISREG(st.st_mode) and st.st_mode & 0o077:
                bad.append("%s/%s can be read by others: mode %o" % (base, name, st.st_mode & 0o777))


def check(where):
    """Complaints about what stands there, with no run going on."""
    bad, known, live = [], set(), []
    line = where + "/state/lines/mx"
    gens = line + "/gen"
    try:
        for name in sorted(os.listdir(gens)) if os.path.isdir(gens) else []:
            if not name.startswith("."):
                known.update(check_generation(gens + "/" + name, bad))
        if os.path.lexists(line + "/live"):
            live = check_generation(line + "/live", [])
        check_include(where, live, known, bad)
        check_links(where, bad)
        check_adopted(where, bad)
        check_modes(where, bad)
    except (OSError, ValueError) as e:
        bad.append("not whole: %s" % e)
    return bad


def listing(where):
    """All that a run which does nothing must leave as it is."""
    out = []
    for base, dirs, files in os.walk(where):
        for name in dirs + files:
            path = os.path.join(base, name)
            st = os.lstat(path)
            out.append((path, st.st_mode, st.st_mtime_ns, st.st_size, st.st_ino))
    return sorted(out)


def leftovers(where):
    return [path for path, *_ in listing(where) if "/.tmp-" in path]
