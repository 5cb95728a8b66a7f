#!/usr/bin/python3
"""acme_hostile.py - certline renews a good certificate at mock_ca.py, which does what no CA should, or it is killed
meanwhile.  What has to be true whatever comes:

    exit status as the mode's line in mock_ca.py --list says; no crash; not longer than order-limit
    what is stored is the old certificate and key, byte by byte, or a new certificate that is whole, for the same key
    nothing is written but below STATE and in challenge-dir, and nothing is left in challenge-dir
    what is printed is lines of printable ASCII, and an error is one line that names the CA's host
    the CA sees nothing that it marks with BAD, and the next run gets a certificate

    acme_hostile.py modes|lost|kill --program build/certline --scratch DIR --tls DIR --dns ADDRESS:PORT --ports PORT...

Works at several lines side by side, each with a CA of its own; --ports are two for each.  Prints a line of TAP for
each mode, without a number.  Every third mode that meets several kinds of request is tried at one kind alone, too;
with --all each at each.

Touches: DIR; processes that it started.
"""

import argparse
import collections
import contextlib
import http.server
import itertools
import json
import os
import queue
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.dont_write_bytecode = True
from mock_modes import MODES  # noqa: E402 pylint: disable=wrong-import-position

LAB = os.path.dirname(os.path.abspath(__file__))
NAMES = ["mx.example.test", "www.example.test"]
SHORT, LONG = 3, 60                     # order-limit: where nothing comes of it, and where something has to
KINDS = "directory", "nonce", "newOrder", "authz", "challenge", "order", "finalize", "certificate"

CONF = """\
domains = %s
issuer = acme
[hooks]
post-certchange = /bin/true
[dirs]
state = %s
[dns]
resolver = %s
validate = no
[acme]
ca = https://%s/dir
ca-file = %s/ca.pem
agree-tos = yes
challenge-dir = %s
check-port = %d
order-limit = %ds
profile = short
chain = Mock root 1
"""

# what the files below STATE may be called
OURS = re.compile(r"lock|lines|accounts|lines/web(/(lock|orders\.json|state\.json|history\.jsonl|live|gen(/[0-9]{6}(/(key|cert|chain|"
                  r"fullchain|combined)\.pem|/manifest\.json)?)?))?|accounts/127\.0\.0\.1_[0-9]+_dir(/(lock|use|"
                  r"account\.json|account\.key))?")

ARGS = None


class Wrong(Exception):
    """Something that must not be."""


def demand(condition, what):
    if not condition:
        raise Wrong(what)


def slack():
    """Seconds that a run may take beside its limit: more where the machine is busy."""
    return 4 * max(1, os.getloadavg()[0] / os.cpu_count())


def files_below(top, but=()):
    found = set()
    for folder, folders, files in os.walk(top):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in but]
        found.update(os.path.relpath(os.path.join(folder, f), top) for f in folders + files)
    return found


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):          # pylint: disable=arguments-differ
        pass


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):         # pylint: disable=arguments-differ
        pass                            # clients that are killed


class Line:
    """A line of certline, its web server, and its CA."""

    def __init__(self, number, ports, more=()):
        self.dir = os.path.join(ARGS.scratch, "line-%d" % number)
        self.state, self.www = self.dir + "/state", self.dir + "/www"
        self.challenges = self.www + "/.well-known/acme-challenge"
        self.line, self.live = self.state + "/lines/web", self.state + "/lines/web/live"
        self.log, self.jws = self.dir + "/mock.log", self.dir + "/mock.jws"
        self.host, self.at = "127.0.0.1:%d" % ports[0], 0
        os.makedirs(self.challenges)
        os.makedirs(self.dir + "/cwd")
        self.context = ssl.create_default_context(cafile=ARGS.tls + "/ca.pem")
        for limit in SHORT, LONG:
            os.makedirs("%s/conf-%d" % (self.dir, limit))
            with open("%s/conf-%d/web.conf" % (self.dir, limit), "w", encoding="ascii") as f:
                f.write(CONF % (" ".join(NAMES), self.state, ARGS.dns, self.host, ARGS.tls, self.challenges, ports[1],
                                limit))
        server = Web(("127.0.0.1", ports[1]), lambda *a: Quiet(*a, directory=self.www))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open(self.log, "wb") as log:
            self.mock = subprocess.Popen(
                [LAB + "/mock_ca.py", "--listen", self.host, "--tls", ARGS.tls + "/cert.pem", ARGS.tls + "/key.pem",
                 "--http-port", str(ports[1]), "--jws", self.jws, "--chains", "2", "--profile", "short:864000", *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.within(20, lambda: "ready\n" in self.said(), "mock_ca.py starts")
        open(self.jws, "a", encoding="ascii").close()
        self.around = files_below(self.dir, (self.state, self.challenges))

    def end(self):
        self.mock.terminate()
        self.mock.wait()

    @staticmethod
    def within(seconds, what, text):
        until = time.monotonic() + seconds
        while not what():
            demand(time.monotonic() < until, text)
            time.sleep(0.02)

    def mode(self, *wishes):
        """From now on; what was said before is forgotten.  How often the ones before were done."""
        url = "https://%s/mode" % self.host
        with urllib.request.urlopen(url, context=self.context, timeout=10) as f:
            done = sum(m["done"] for m in json.load(f))
        urllib.request.urlopen(url, json.dumps(wishes).encode(), context=self.context, timeout=10).close()
        self.at = os.path.getsize(self.log)
        return done

    def said(self):
        with open(self.log, "rb") as f:
            f.seek(self.at)
            return f.read().decode()

    def start(self, command, limit=LONG):
        here = self.dir + "/cwd"
        return subprocess.Popen([ARGS.program, "-c", "%s/conf-%d" % (self.dir, limit), command], start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here,
                                env={**os.environ, "HOME": here, "TMPDIR": here})

    def run(self, command, limit=LONG):
        """(exit status, what it printed, errors)"""
        began = time.monotonic()
        process = self.start(command, limit)
        try:
            out, err = process.communicate(timeout=limit + 60)
        except subprocess.TimeoutExpired:
            self.kill(process)
            raise Wrong("it hangs") from None
        took = time.monotonic() - began
        text = (out + err).decode("ascii", "backslashreplace")
        demand(took < limit + slack(), "it took %.1f s" % took)
        demand(0 <= process.returncode < 128 and process.returncode in (0, 1, 75), "exit %d: %s" % (
            process.returncode, text))
        demand("killed by" not in text and "runtime error" not in text and "Sanitizer" not in text, text)
        bad = re.search(rb"[^\n -~]", out + err)
        demand(not bad, "unprintable: %r" % (out + err))
        demand(not self.session(process.pid), "processes that stay")
        return process.returncode, out.decode(), err.decode()

    @staticmethod
    def session(sid):
        """Pids that belong to what was started with this pid."""
        found = []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with contextlib.suppress(OSError):
                if os.getsid(pid) != sid:
                    continue
                with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
                    if f.read().rpartition(")")[2].split()[0] != "Z":
                        found.append(pid)
        return found

    def kill(self, process):
        """At once, and everything that it started."""
        process.kill()
        for pid in self.session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
        self.within(5, lambda: not self.session(process.pid), "nothing is left of it")

    def stored(self):
        """What servers get: name to bytes."""
        found = {}
        for name in ("key", "cert", "chain", "fullchain", "combined"):
            with open("%s/%s.pem" % (self.live, name), "rb") as f:
                found[name] = f.read()
        return found

    def check_stored(self, before, renewed):
        now = self.stored()
        if not renewed:
            demand(now == before, "what is stored has changed")
            return
        demand(now["cert"] != before["cert"], "exit 0, and the same certificate as before")
        demand(now["key"] == before["key"], "another key")
        check_pair(now)

    def check_tidy(self, elsewhere=False):
        left = os.listdir(self.challenges)
        demand(not left, "left in challenge-dir: %s" % left)
        strange = [f for f in files_below(self.state) if not OURS.fullmatch(f)]
        demand(not strange, "in STATE: %s" % strange)
        strange = files_below(self.dir, (self.state, self.challenges)) ^ self.around
        demand(not strange, "beside STATE: %s" % strange)
        demand(not os.path.exists("/tmp/certline-token"), "/tmp/certline-token")
        bad = [row for row in self.said().splitlines() if "BAD:" in row and not (elsewhere and "127.0.0.2" in row)]
        demand(not bad, bad)

    def orders(self):
        return len(re.findall("^POST /new-order 201 ", self.said(), re.M))

    def accounts(self):
        return len(re.findall("^POST /new-account 201 ", self.said(), re.M))

    def check_next(self, runs=1):
        """The last of so many gets a certificate, at the cost of at most one order each."""
        for i in range(runs):
            before = self.stored()
            self.mode()
            status, out, err = self.run("renew", LONG if i == runs - 1 else SHORT)
            demand(status == 0 or i < runs - 1, "the next run fails: %s" % (out + err))
            self.check_stored(before, status == 0)
            self.check_tidy()
            demand(self.orders() <= 1 and not self.accounts(), "%d orders, %d accounts in the next run" % (
                self.orders(), self.accounts()))

    def forget_rest(self):
        """That the CA wants to be left alone."""
        names = ["%s/accounts/%s/account.json" % (self.state, folder) for folder in os.listdir(self.state + "/accounts")]
        names += ["%s/lines/%s/orders.json" % (self.state, folder) for folder in os.listdir(self.state + "/lines")]
        for name in names:
            if not os.path.exists(name):
                continue
            with open(name, encoding="ascii") as f:
                doc = json.load(f)
            if doc.pop("not_before_at", None) or doc.pop("rests", None):
                with open(name, "w", encoding="ascii") as f:
                    json.dump(doc, f)

    def init(self):
        status, out, err = self.run("init")
        demand(status == 0, out + err)
        check_pair(self.stored())


def check_pair(stored):
    """A certificate of the CA for the key and the names, with the chain that was wished for or the default."""
    demand(stored["fullchain"] == stored["cert"] + stored["chain"], "fullchain.pem is no such thing")
    demand(stored["combined"] == stored["key"] + stored["fullchain"], "combined.pem is no such thing")
    certs = [x509.load_pem_x509_certificate(c) for c in re.findall(
        rb"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", stored["fullchain"], re.S)]
    key = serialization.load_pem_private_key(stored["key"], None)
    demand(certs[0].public_key().public_numbers() == key.public_key().public_numbers(), "not a pair")
    names = certs[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    demand(sorted(n.lower() for n in names.get_values_for_type(x509.DNSName)) == NAMES and len(list(names)) == 2,
           "other names")
    for one, by in zip(certs, certs[1:]):
        by.public_key().verify(one.signature, one.tbs_certificate_bytes, ec.ECDSA(one.signature_hash_algorithm))


# --- modes ------------------------------------------------------------------------------------------

# "refuse", "accept", or "either" where it is not what mock_ca.py --list says, which is for a client that does
# everything that clients can do, and that is as strict as can be
EXPECT = {}


def expect(what, why, *names):
    """WHY is for who reads this."""
    assert why
    for name in names:
        assert name in MODES, name
        EXPECT[name] = what


expect("accept", "the order is asked what came of it", "lost-finalize")
# who renews by hand does not ask when to
ASKED_WHEN = {"lost-renewal", *(name for name in MODES if name.startswith("ari-"))}
expect("accept", "renewal is ordered by hand here, whatever the CA suggests", *ASKED_WHEN)
expect("accept", "it is ordered without \"replaces\" then", "replaces-already", "replaces-malformed", "replaces-server",
       "replaces-unauthorized")
expect("accept", "neither is needed for a certificate", "directory-without-revokeCert", "directory-without-keyChange")
expect("accept", "profiles that cannot be read are none, and that is told", "meta-wrong", "meta-escapes",
       "meta-profiles-many")
expect("accept", "RFC 9110 10.2.2: Location may be relative", "location-relative")
expect("accept", "it is the names of authorizations and of the certificate that count", "order-extra-identifier",
       "order-other-identifier", "order-no-identifiers")
expect("accept", "whether it is too late is for the CA to say", "order-expired")
expect("accept", "of challenges, only \"invalid\" is of interest", "challenge-unknown-status", "challenge-no-status")
expect("refuse", "this line has a web server, and nothing for dns-01", "only-dns-01")
expect("refuse", "the CA looks at the challenge here, and for another token", "token-dash")
expect("accept", "private CAs do that, and no harm comes from it", "leaf-long", "leaf-year-10000")
expect("accept", "a root may sign leaves itself", "chain-leaf-only")
expect("accept", "it is for this key and these names, and as valid as a new one", "chain-old")
expect("accept", "the default chain is used, and that is told", "link-other-host", "link-http", "link-missing",
       "link-broken")
# a CA may have several hosts: that nobody is believed there without a certificate is what counts
ELSEWHERE = {"directory-other-host", "location-other-host", "url-other-host", "link-other-host"}
# what was begun cannot be ended: the run after the next is the one that begins anew
STUCK = {"challenge-endless-pending", "challenge-endless-processing"}


def expectation(name):
    says = MODES[name].says
    return EXPECT.get(name) or ("either" if says.startswith("odd:") else
                                "accept" if says.startswith("good") else "refuse")


def concerns(name):
    """Whether certline meets it in a run that renews."""
    return set(MODES[name].kinds) & {*KINDS, "renewal"}


def try_mode(line, name, at):
    wanted = "either" if at else expectation(name)
    before = line.stored()
    line.mode({"mode": name, **({"at": [at]} if at else {})})
    if name in ASKED_WHEN:
        status, out, err = line.run("cron", LONG)
        demand(status == 0, "cron: exit %d: %s" % (status, out + err))
    status, out, err = line.run("renew", LONG if wanted == "accept" else SHORT)
    demand(wanted == "either" or (status == 0) == (wanted == "accept"), "exit %d: %s" % (status, out + err))
    line.check_stored(before, status == 0)
    line.check_tidy(name in ELSEWHERE)
    if status:
        demand(re.fullmatch("certline: web: [^\n]*\n", err), "no error of one line: %r" % err)
        demand(line.host in err, "the CA's host is not named: %s" % err)
    demand(line.orders() <= 2, "%d orders" % line.orders())
    demand(not line.accounts(), "another account")
    met = line.mode()
    demand(met or at, "not met")
    if status:
        line.forget_rest()
        line.check_next(2 if name in STUCK else 1)


def jobs_modes():
    names = ARGS.names or [name for name in MODES if concerns(name)]
    turn, which = itertools.count(), itertools.count()
    for name in names:
        yield "%s: %s" % (name, {"accept": "renewed", "refuse": "refused"}.get(expectation(name), "unharmed")), \
            lambda line, name=name: try_mode(line, name, None)
        kinds = [k for k in KINDS if k in MODES[name].kinds]
        if len(kinds) > 1 and (ARGS.all or next(turn) % 3 == 0):
            for kind in kinds if ARGS.all else [kinds[next(which) % len(kinds)]]:
                yield "%s in replies about %s: unharmed" % (name, kind), \
                    lambda line, name=name, kind=kind: try_mode(line, name, kind)


# --- lost replies -----------------------------------------------------------------------------------

def try_lost(line, *wishes):
    before = line.stored()
    # what is said to be replaced would keep the CA from taking a second order
    line.mode({"mode": "directory-no-ari"}, *wishes)
    status, _, _ = line.run("renew", SHORT)
    line.check_stored(before, status == 0)
    line.check_tidy()
    demand(line.orders() <= 2 and not line.accounts(), "%d orders, %d accounts" % (line.orders(), line.accounts()))
    if status:
        line.check_next()


def jobs_lost():
    for at, most in (("directory", 1), ("nonce", 4), ("newOrder", 1), ("authz", 2), ("challenge", 2), ("order", 1),
                     ("finalize", 1), ("certificate", 2)):
        for after in range(1, most + 1):
            for times in (1, 2, 0):
                wish = {"mode": "lost", "at": [at], "after": after, "times": times}
                yield "replies about %s are lost: %s from the %d. on" % (at, times or "all", after), \
                    lambda line, wish=wish: try_lost(line, wish)
    # a request that is sent a second time as it is, with its nonce, is none that can be sent a third time
    yield "every other reply about newOrder is lost", lambda line: try_lost(
        line, *({"mode": "lost" + name, "at": ["newOrder"], "after": after, "times": 1}
                for name, after in (("", 1), ("-new-order", 3), ("-order", 5))))


# --- killed -----------------------------------------------------------------------------------------

def try_kill(line, part):
    """PART: of a run."""
    before = line.stored()
    line.mode()
    began = time.monotonic()
    status, _, err = line.run("renew")
    demand(status == 0, err)
    took = time.monotonic() - began
    line.check_stored(before, True)
    line.mode()
    before = line.stored()
    process = line.start("renew")
    time.sleep(took * part)
    line.kill(process)
    line.check_stored(before, line.stored() != before)
    demand(line.orders() <= 1 and not line.accounts(), "%d orders" % line.orders())
    line.check_next()


def jobs_kill():
    for i in range(25):
        yield "killed after %d %% of a run" % (4 * i + 2), lambda line, part=(4 * i + 2) / 100: try_kill(line, part)


# --- all --------------------------------------------------------------------------------------------

def work(line, jobs):
    line.init()
    while True:
        try:
            text, job = jobs.get_nowait()
        except queue.Empty:
            return
        try:
            job(line)
            say(True, text)
        except (Wrong, OSError, ValueError) as e:
            say(False, text, "%s: %s" % (type(e).__name__, e), line.said())
            line.mode()
            line.forget_rest()
            with contextlib.suppress(Wrong):
                line.run("renew")


SAY_LOCK = threading.Lock()
COUNTS = collections.Counter()


def say(good, text, *notes):
    with SAY_LOCK:
        COUNTS[good] += 1
        print("%s - %s" % ("ok" if good else "not ok", text))
        for note in notes:
            for row in note.splitlines():
                print("# " + row.encode("ascii", "backslashreplace").decode()[:500])
        sys.stdout.flush()


def main():
    global ARGS
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("part", choices=("modes", "lost", "kill"))
    p.add_argument("--program", required=True)
    p.add_argument("--scratch", required=True)
    p.add_argument("--tls", required=True)
    p.add_argument("--dns", required=True)
    p.add_argument("--ports", type=int, nargs="+", required=True)
    p.add_argument("--all", action="store_true")
    p.add_argument("--only", dest="names", nargs="+", metavar="MODE")
    ARGS = p.parse_args()
    jobs = queue.Queue()
    for job in {"modes": jobs_modes, "lost": jobs_lost, "kill": jobs_kill}[ARGS.part]():
        jobs.put(job)
    more = ["--validate-ms", "50"] if ARGS.part == "kill" else []
    lines = [Line(i, ports, more) for i, ports in enumerate(zip(ARGS.ports[::2], ARGS.ports[1::2]))]
    threads = [threading.Thread(target=work, args=(line, jobs)) for line in lines]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for line in lines:
        line.end()
    return COUNTS[False] > 0


if __name__ == "__main__":
    sys.exit(main())
