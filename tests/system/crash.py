"""crash.py - what is left when the program is killed, or the disk fails, at any point.

For each scenario the system calls that change something are enumerated from a trace of an undisturbed run, as
(call, n-th time).  Then, for each of them, on a fresh copy of the same store: the program is killed there (or
the call returns an error), what a reader of the store would see is checked, and `cron` is run again.

Touches: a folder under /dev/shm (or TMPDIR), which is removed at the end.
"""

import concurrent.futures
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = sys.argv[1]
DAY = 86400
T0 = 1800000000
JOBS = 2

CALLS = ("openat write pwrite64 rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat "
         "mkdir mkdirat rmdir fsync fdatasync chmod fchmod chown fchown ftruncate vfork fork clone clone3").split()
FAILING = "openat write rename renameat link linkat symlink symlinkat unlink unlinkat mkdir mkdirat fsync".split()

CONF = """domains = mx.example.org
issuer = self
key-types = ec-256 ec-384
[timing]
max-key-age = 180d
[dane]
owners = _25._tcp.mx.example.org
include-file = {dir}/zone/tlsa.inc
[hooks]
post-certchange = {dir}/hook
post-keychange = {dir}/hook
[dirs]
state = {dir}/state
certs = {dir}/certs
keys = {dir}/keys
backups = {dir}/backups
"""
HOOK = """#!/bin/sh
echo "$1 $CERTLINE_LINE $(readlink "$CERTLINE_LIVE")" >> {dir}/log
"""

# name, what leads to it, what is disturbed; each step is (day, arguments)
CRON = ["cron"]
LIFE = [(0, ["init"]), (181, CRON), (184, CRON), (187, CRON)]
SCENARIOS = [
    ("init", [], (0, ["init"])),
    ("renew", LIFE[:1], (1, ["renew"])),
    ("renew by cron", LIFE[:1], (65, CRON)),
    ("stage and publish", LIFE[:1], (181, CRON)),
    ("promote and deploy", LIFE[:2], (184, CRON)),
    ("retire and publish", LIFE[:3], (187, CRON)),
    ("purge", LIFE[:4], (219, CRON)),
]

lock = threading.Lock()
count = 0
failed = 0


def verdict(ok, text, details=()):
    global count, failed
    with lock:
        count += 1
        print(("ok" if ok else "not ok"), count, "-", text)
        if not ok:
            failed += 1
            for d in details:
                print("#", d)
        sys.stdout.flush()


def command(where, day, args):
    jobs = [] if args[0] == "status" else ["--jobs", "1"]       # one: what workers do is done in the program
    return [PROGRAM, "-c", where + "/conf", "--now", "@%d" % (T0 + day * DAY), *jobs, *args]


def run(where, day, args, prefix=()):
    return subprocess.run([*prefix, *command(where, day, args)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def make(where):
    for d in ("conf", "zone"):
        os.makedirs(where + "/" + d)
    with open(where + "/conf/mx.conf", "w") as f:
        f.write(CONF.format(dir=where))
    with open(where + "/hook", "w") as f:
        f.write(HOOK.format(dir=where))
    os.chmod(where + "/hook", 0o755)


def restore(snapshot, where):
    shutil.rmtree(where, ignore_errors=True)
    subprocess.run(["cp", "-a", snapshot, where], check=True)


# What a reader sees ---------------------------------------------------------------------------------

def manifests(where):
    gens = where + "/state/lines/mx/gen"
    for name in sorted(os.listdir(gens)) if os.path.isdir(gens) else []:
        if name.startswith("."):
            continue
        with open(gens + "/" + name + "/manifest.json") as f:
            yield gens + "/" + name, json.load(f)


def pairs(folder, manifest):
    for i, key in enumerate(manifest["keys"]):
        yield folder + "/combined" + ("" if i == 0 else "-" + key["type"]) + ".pem", key["spki_sha256"]


def check_reader(where):
    """Complaints about the store as it stands, with no run going on."""
    bad = []
    line = where + "/state/lines/mx"
    known = {}
    for folder, m in manifests(where):
        for path, spki in pairs(folder, m):
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
                known[spki] = path
            except (ssl.SSLError, OSError) as e:
                bad.append("%s: key and certificate do not match: %s" % (path, e))
    live = []
    if os.path.lexists(line + "/live"):
        try:
            with open(line + "/live/manifest.json") as f:
                live = [k["spki_sha256"] for k in json.load(f)["keys"]]
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(line + "/live/combined.pem")
        except (ssl.SSLError, OSError, ValueError) as e:
            bad.append("live/combined.pem: %s" % e)
    include = where + "/zone/tlsa.inc"
    if os.path.exists(include):
        with open(include) as f:
            text = f.read()
        records = re.findall(r"^_25\._tcp\.mx\.example\.org\. \d+ IN TLSA 3 1 1 ([0-9a-f]{64})$", text, re.M)
        lines = [x for x in text.splitlines() if not x.startswith(";")]
        if not records or len(records) != len(lines) or not text.endswith("\n"):
            bad.append("the include file is not whole: %r" % text[-200:])
        bad += ["a published key is lost: %s" % r for r in records if r not in known]
        bad += ["the include file does not cover the live key" for s in live if s not in records]
    for link in ("certs/live.crt", "keys/live.key"):
        if os.path.islink(where + "/" + link) and not os.path.exists(where + "/" + link):
            bad.append(link + " leads nowhere")
    return bad


def summary(where, day):
    """What the end of a scenario is measured by; ages and validity to the day."""
    s = json.loads(run(where, day, ["status", "--json"]).stdout)["lines"][0]
    return (s.get("phase"), s.get("ok"), len(s.get("records", [])), s.get("pending"),
            *((s.get(k, -DAY) + DAY // 2) // DAY for k in ("certificate_left", "key_age")))


def listing(where):
    out = []
    for base, dirs, files in os.walk(where):
        for name in dirs + files:
            st = os.lstat(os.path.join(base, name))
            out.append((os.path.join(base, name), st.st_mtime_ns, st.st_size, st.st_ino))
    return sorted(out)


def check_completion(where, scenario, ends, later):
    """Runs cron after the disturbance; complaints if that does not complete what was begun."""
    name, _, (day, _) = scenario
    day += later
    bad = []
    r = run(where, day, CRON)
    if name == "init" and r.returncode == 1 and "not set up yet" in r.stderr:
        if os.path.exists(where + "/zone/tlsa.inc"):
            bad.append("something was promised for a line that is not set up")
        r = run(where, day, ["init"])
    if r.returncode != 0:
        bad.append("the next run: exit %d, %s" % (r.returncode, r.stderr.strip()))
    bad += check_reader(where)
    end = summary(where, day)
    if end not in ends:
        bad.append("the end is %s, not %s" % (end, ends))
    before = listing(where)
    r = run(where, day, CRON)
    if r.returncode != 0 or r.stdout or r.stderr or listing(where) != before:
        bad.append("one more run is not idle: exit %d %s%s" % (r.returncode, r.stdout, r.stderr))
    # half-written files stay until the next change of the line, and not longer
    if any("/.tmp-" in p for p, *_ in before):
        run(where, day, ["renew"])
        bad += ["left over: " + p for p, *_ in listing(where + "/state") if "/.tmp-" in p]
    return bad


# Points ---------------------------------------------------------------------------------------------

def points_of(where, scenario):
    """(call, n) for every call that changes something, from a trace of the undisturbed run."""
    _, _, (day, args) = scenario
    trace = where + ".trace"
    r = run(where, day, args, ["strace", "-o", trace, "-e", "trace=" + ",".join("?" + c for c in CALLS)])
    seen, points = {}, []
    with open(trace) as f:
        for row in f:
            m = re.match(r"([a-z0-9]+)\((.*)", row)
            if not m or m[1] not in CALLS:
                continue
            seen[m[1]] = n = seen.get(m[1], 0) + 1
            if m[1] == "openat" and "O_CREAT" not in m[2] and "O_WRONLY" not in m[2]:
                continue
            points.append((m[1], n))
    return r, points


def disturb(slot, snapshot, scenario, ends, call, n, how):
    where = slot
    restore(snapshot, where)
    _, _, (day, args) = scenario
    r = run(where, day, args, ["strace", "-o", "/dev/null", "-e", "trace=" + call,
                               "-e", "inject=%s:%s:when=%d" % (call, how, n)])
    bad = []
    if how.startswith("error") and r.returncode not in (0, 1, 75):
        bad.append("exit %d: %s" % (r.returncode, r.stderr.strip()))
    if how.startswith("error") and r.returncode != 0 and not r.stderr.strip():
        bad.append("it failed and said nothing")
    if how.startswith("signal") and r.returncode == 0:
        bad.append("it was not killed there")
    bad += check_reader(where)
    # what failed is left alone for some minutes; what was killed is not
    bad += check_completion(where, scenario, ends, 0.1 if how.startswith("error") else 0)
    return ["%s %d %s: %s" % (call, n, how, b) for b in bad]


def each_point(base, snapshot, scenario, ends, points):
    """Runs all points, JOBS at a time; each worker has the folder that the configuration names."""
    slots = [base + "/w%d" % i for i in range(JOBS)]
    snapshots = []
    for s in slots:
        moved = s + ".snapshot"
        restore(snapshot, moved)
        for root, dirs, files in os.walk(moved):
            for f in dirs + files:
                p = os.path.join(root, f)
                if os.path.islink(p) and snapshot in os.readlink(p):
                    target = os.readlink(p).replace(snapshot, s)
                    os.unlink(p)
                    os.symlink(target, p)
                elif os.path.isfile(p) and (p.endswith((".conf", "/hook", "state.json"))):
                    with open(p) as g:
                        text = g.read()
                    with open(p, "w") as g:
                        g.write(text.replace(snapshot, s))
        snapshots.append(moved)
    bad = []

    def work(i):
        out = []
        for call, n, how in points[i::JOBS]:
            out += disturb(slots[i], snapshots[i], scenario, ends, call, n, how)
        return out

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for out in pool.map(work, range(JOBS)):
            bad += out
    return bad


def scenario_test(base, scenario):
    name, before, (day, args) = scenario
    snapshot = base + "/start"
    shutil.rmtree(snapshot, ignore_errors=True)
    make(snapshot)
    for d, a in before:
        r = run(snapshot, d, a)
        assert r.returncode == 0, r.stderr
    start = summary(snapshot, day) if before else None
    kept = base + "/kept"
    restore(snapshot, kept)
    r, points = points_of(snapshot, scenario)
    assert r.returncode == 0, r.stderr
    ends = [summary(snapshot, day)]
    # an order that was not written down yet when the program was killed was never given
    if name == "renew":
        ends.append(start)
    shutil.rmtree(snapshot)
    os.rename(kept, snapshot)
    kills = [(c, n, "signal=KILL") for c, n in points]
    bad = each_point(base, snapshot, scenario, ends, kills)
    verdict(not bad, "%s: killed at %d points, completed by the next run" % (name, len(kills)), bad[:10])
    errors = [(c, n, "error=" + e) for i, (c, n) in enumerate(p for p in points if p[0] in FAILING)
              for e in (("ENOSPC",) if i % 2 else ("EIO",))]
    bad = each_point(base, snapshot, scenario, ends, errors)
    verdict(not bad, "%s: ENOSPC or EIO at %d points, said so, completed by the next run" % (name, len(errors)),
            bad[:10])
    return len(kills), len(errors)


def reader_test(base):
    """A reader in a tight loop never meets a missing file or a mismatch while the line moves."""
    where = base + "/reader"
    make(where)
    run(where, 0, ["init"])
    stop = threading.Event()
    seen = {"looks": 0, "bad": []}

    def look():
        path, copy = where + "/state/lines/mx/live/combined.pem", where + "/copy.pem"
        while not stop.is_set():
            try:
                # one open: load_cert_chain opens a file twice, and would see two generations
                with open(path) as f, open(copy, "w") as g:
                    g.write(f.read())
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(copy)
                seen["looks"] += 1
            except (ssl.SSLError, OSError) as e:
                seen["bad"].append(str(e))

    t = threading.Thread(target=look)
    t.start()
    for i in range(4):
        for day, args in ((181, CRON), (184, CRON), (184, ["renew"]), (187, CRON), (188, ["renew"])):
            run(where, i * 190 + day, args)
    stop.set()
    t.join()
    verdict(not seen["bad"] and seen["looks"] > 100,
            "a reader of live/combined.pem looked %d times during 8 renewals and 4 promotions" % seen["looks"],
            seen["bad"][:5])


def worker_test(base):
    """With workers in processes of their own: one that is killed costs a step, not the run."""
    where = base + "/worker"
    make(where)
    run(where, 0, ["init"])
    # only a worker makes hard links: it dies, and the program goes on to say so
    cmd = [PROGRAM, "-c", where + "/conf", "--now", "@%d" % (T0 + DAY), "renew"]
    r = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", "trace=link", "-e",
                        "inject=link:signal=KILL:when=1", *cmd], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    bad = check_reader(where)
    again = run(where, 2, CRON)
    bad += check_reader(where)
    if r.returncode != 1 or "killed by signal 9" not in r.stderr:
        bad.append("the first run: exit %d, %s" % (r.returncode, r.stderr))
    if again.returncode != 0 or "renewed" not in again.stdout:
        bad.append("the second run: exit %d, %s%s" % (again.returncode, again.stdout, again.stderr))
    verdict(not bad, "a worker that was killed is named, and made up for by the next run", bad)


def main():
    began = time.time()
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    base = tempfile.mkdtemp(prefix="certline-crash.", dir=shm)
    kills = errors = 0
    try:
        for s in SCENARIOS:
            k, e = scenario_test(base, s)
            kills += k
            errors += e
        reader_test(base)
        worker_test(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print("# %d kills and %d failing calls in %d s" % (kills, errors, time.time() - began))
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


main()
