"""crash.py - what is left when the program is killed, or the disk fails, at any point.

For each scenario the system calls that change something are enumerated from a trace of an undisturbed run, as
(call, n-th time).  Then, for each of them, on a fresh copy of the same store: the program is killed there (or
the call returns an error), what a reader of the store would see is checked, and `cron` is run again without a
disturbance: that must complete everything.  The same for workers and hooks, which die alone.

What a kill cannot show, a power cut would: that what was written is on the disk before something points to it.
That is read from the trace.

Touches: a folder under /dev/shm (or TMPDIR), which is removed at the end.
"""

import collections
import ctypes
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import crash_store as store  # noqa: E402

PROGRAM, ONLY = sys.argv[1], sys.argv[2:]
DAY = 86400
T0 = 1800000000
JOBS = 2
LATER = 0.1             # days: what failed is left alone for some minutes
PR_SET_CHILD_SUBREAPER = 36

INIT, CRON, RENEW = ["init"], ["cron"], ["renew"]

# name: what it grows from, the key types (if from nothing), what is done
STARTS = {
    "nothing": (None, "ec-256 ec-384", []),
    "first key": ("nothing", None, [(0, INIT)]),
    "set up": (None, "ec-256 rsa-2048", [(0, INIT)]),
    "renewed": ("set up", None, [(1, RENEW), (2, RENEW), (3, RENEW)]),
    "staged": ("set up", None, [(181, CRON)]),
    "promoted": ("staged", None, [(184, CRON)]),
    "retired": ("promoted", None, [(187, CRON)]),
    "other program": (None, "ec-256", []),
}

Scenario = collections.namedtuple("Scenario", "name start day args")
SCENARIOS = [
    Scenario("init", "nothing", 0, INIT),
    Scenario("init that adopts", "other program", 0, INIT),
    Scenario("renew", "renewed", 4, RENEW),
    Scenario("renew by cron", "set up", 65, CRON),
    Scenario("stage and publish", "first key", 181, CRON),
    Scenario("promote and deploy", "staged", 184, CRON),
    Scenario("retire and publish", "promoted", 187, CRON),
    Scenario("purge", "retired", 219, CRON),
    Scenario("roll back", "promoted", 185, ["roll", "--back", "mx"]),
]
ORDERS = ("renew", "roll")              # one that was not written down yet was never given
IN_WORKERS = ("renew", "stage and publish")

# Where (call, n) is counted: in the program, with its workers inside; the same, and the next run is killed as
# well; in the program, of one file; in the worker that makes a generation; in the program while workers and
# hooks run beside it; in a hook.
ALONE, TWICE, ONE_FILE, WORKER, PARENT, HOOK = "alone", "twice", "one file", "worker", "parent", "hook"
IN_ONE = (ALONE, TWICE, ONE_FILE)
KINDS = ("kills", "errors", "hooks")

CHANGING = ("openat write pwrite64 rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat "
            "mkdir mkdirat rmdir fsync fdatasync chmod fchmod fchmodat chown fchown lchown fchownat ftruncate "
            "fallocate vfork fork clone clone3").split()
READING = "openat read newfstatat readlink getdents64".split()
FORKS = ("vfork", "fork", "clone", "clone3")

# file: what the call is about, for the modes that look at one only, relative to the store
Point = collections.namedtuple("Point", "mode call n how file text")

CONF = """domains = mx.example.org
issuer = self
key-types = {types}
[timing]
max-key-age = 180d
[dane]
owners = {owner}
verify = no
include-file = {dir}/zone/tlsa.inc
[hooks]
post-certchange = {dir}/first-hook
	{dir}/second-hook
post-keychange = {dir}/key-hook
[dirs]
state = {dir}/state
certs = {dir}/certs
keys = {dir}/keys
backups = {dir}/backups
"""
HOOKS = {"first-hook": "post-certchange", "second-hook": "post-certchange", "key-hook": "post-keychange"}
HOOK_TEXT = """#!/bin/sh
exec cat >> "$0.log"
"""


# One store and its copies ---------------------------------------------------------------------------

def run(where, day, args, prefix=(), in_one=True, wait=True):
    """in_one: what workers do is done in the program.  wait: for orphans too."""
    how = ["--jobs", "1"] if in_one and args[0] != "status" else []
    r = subprocess.run([*prefix, PROGRAM, "-c", where + "/conf", "--now", "@%d" % (T0 + day * DAY), *how, *args],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       timeout=60)
    # a hook outlives the program that started it; then it is ours
    try:
        while wait:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    return r


def copy(source, where):
    shutil.rmtree(where, ignore_errors=True)
    subprocess.run(["cp", "-a", source, where], check=True)


def lay_out(where, types):
    for d in ("conf", "zone"):
        os.makedirs(where + "/" + d)
    with open(where + "/conf/mx.conf", "w") as f:
        f.write(CONF.format(dir=where, types=types, owner=store.OWNER))
    for hook in HOOKS:
        with open(where + "/" + hook, "w") as f:
            f.write(HOOK_TEXT)
        os.chmod(where + "/" + hook, 0o755)


def lay_out_other(where):
    """Live and staged key and certificate as plain files, as another program would have left them."""
    run(where, -10, INIT)
    run(where, -1, ["roll"])
    line = where + "/state/lines/mx/"
    given = where + "/given"
    os.mkdir(given)
    for slot in ("live", "staging"):
        shutil.copy(line + slot + "/key.pem", "%s/%s.key" % (given, slot))
        shutil.copy(line + slot + "/cert.pem", "%s/%s.crt" % (given, slot))
    for d in ("state", "certs", "keys", "zone"):
        shutil.rmtree(where + "/" + d)
    for d, kind in (("keys", ".key"), ("certs", ".crt"), ("zone", "")):
        os.mkdir(where + "/" + d)
        for name in os.listdir(given):
            if kind and name.endswith(kind):
                shutil.copy(given + "/" + name, where + "/" + d)
                os.chmod("%s/%s/%s" % (where, d, name), 0o600)
                os.utime("%s/%s/%s" % (where, d, name), (T0 - 10 * DAY, T0 - 10 * DAY))
    for hook in HOOKS:
        os.unlink(where + "/" + hook + ".log")


class Slot:
    """A folder of its own for a process, with every start of every scenario."""

    def __init__(self, base, number):
        self.where = "%s/w%d" % (base, number)
        self.starts = {}
        for name, (parent, types, steps) in STARTS.items():
            if parent:
                copy(self.starts[parent], self.where)
            else:
                shutil.rmtree(self.where, ignore_errors=True)
                lay_out(self.where, types)
            if name == "other program":
                lay_out_other(self.where)
            for day, args in steps:
                r = run(self.where, day, args)
                assert r.returncode == 0, r.stderr
            self.starts[name] = "%s.%s" % (self.where, name.replace(" ", "-"))
            copy(self.where, self.starts[name])

    def restore(self, scenario):
        copy(self.starts[scenario.start], self.where)


# What a run ends with -------------------------------------------------------------------------------

def summary(where, day):
    """What the end of a scenario is measured by; ages and validity to the day."""
    s = json.loads(run(where, day, ["status", "--json"]).stdout)["lines"][0]
    return (s.get("phase"), s.get("ok"), len(s.get("records", [])), s.get("pending"), "staging" in s, "retired" in s,
            *((s.get(k, -DAY) + DAY // 2) // DAY for k in ("certificate_left", "key_age")))


def check_told(where):
    """Every hook has seen the generation that is live, or the set that is recorded."""
    bad = []
    gen = int(os.path.basename(os.readlink(where + "/state/lines/mx/live")))
    records = store.include_records(store.read(where + "/zone/tlsa.inc").decode()) or []
    for hook, event in HOOKS.items():
        told = []
        log = "%s/%s.log" % (where, hook)
        for row in store.read(log).splitlines() if os.path.exists(log) else []:
            try:
                told.append(json.loads(row))
            except ValueError:
                pass                    # it was killed while it heard
        if any(t["event"] != event for t in told):
            bad.append("%s was told of another event" % hook)
        if event == "post-certchange" and not any(t["live"]["generation"] == gen for t in told):
            bad.append("%s was never told of generation %d" % (hook, gen))
        if event == "post-keychange" and not any(
                sorted(r["data"].split()[-1] for r in t["records"]) == sorted(records) for t in told):
            bad.append("%s was never told of the records in the include file" % hook)
    return bad


def check_completion(where, scenario, ends, later):
    """Runs cron after the disturbance: complaints if that does not complete what was begun; the end."""
    day = scenario.day + later
    bad = []
    r = run(where, day, CRON)
    if scenario.args == INIT and r.returncode == 1 and "not set up yet" in r.stderr:
        if os.path.exists(where + "/zone/tlsa.inc"):
            bad.append("something was promised for a line that is not set up")
        r = run(where, day, INIT)
    if r.returncode != 0:
        bad.append("the next run: exit %d, %s" % (r.returncode, r.stderr.strip()))
        return bad, None
    bad += store.check(where)
    end = summary(where, day)
    if end not in ends:
        bad.append("the end is %s, not %s" % (end, ends))
    bad += check_told(where)
    line = where + "/state/lines/mx/"
    if os.path.lexists(line + "staging") and os.readlink(line + "staging") == os.readlink(line + "live"):
        bad.append("what is live is still staged")
    before = store.listing(where)
    r = run(where, day, CRON)
    if r.returncode != 0 or r.stdout or r.stderr or store.listing(where) != before:
        bad.append("one more run is not idle: exit %d %s%s" % (r.returncode, r.stdout, r.stderr))
    return bad, end


def check_swept(where, scenario, later):
    """Half-written files stay until the next change of the line, and not longer.  The number of those that
    stay for good, outside the store."""
    if not store.leftovers(where):
        return [], 0
    run(where, scenario.day + later, RENEW)
    left = store.leftovers(where)
    inside = ["left over: " + p for p in left if p.startswith(where + "/state/")]
    return inside, len(left) - len(inside)


# Points ---------------------------------------------------------------------------------------------

def filters(where, mode, file):
    """What strace looks at."""
    if mode == WORKER:
        paths = [file] + ["%s/%s%s.pem" % (file, a, b) for a in ("key", "cert", "chain", "fullchain", "combined")
                          for b in ("", "-ec-384", "-rsa-2048")] + [file + "/manifest.json"]
    else:
        paths = [file] if file else []
    return ["-f"] * (mode in (WORKER, PARENT, HOOK)) + [x for p in paths for x in ("-P", where + "/" + p)]


def trace(slot, scenario, mode, calls, file=None):
    """(call, n, row) of an undisturbed run."""
    slot.restore(scenario)
    out = slot.where + ".trace"
    r = run(slot.where, scenario.day, scenario.args,
            ["strace", "-y", "-s", "0", "-o", out, *filters(slot.where, mode, file), "-e",
             "trace=" + ",".join("?" + c for c in calls)], mode in IN_ONE)
    assert r.returncode == 0, r.stderr
    seen = collections.Counter()
    with open(out) as f:
        for row in f:
            m = re.match(r"(?:\d+ +)?(([a-z0-9_]+)\(.*)", row)
            if m and m[2] in calls:
                seen[m[2]] += 1
                yield m[2], seen[m[2]], m[1]


def changing(slot, scenario, mode, file=None):
    return [(call, n, row) for call, n, row in trace(slot, scenario, mode, CHANGING, file)
            if call != "openat" or re.search("O_CREAT|O_WRONLY|O_RDWR", row)]


def kills_of(slot, scenario):
    return [Point(ALONE, c, n, "signal=KILL", None, row) for c, n, row in changing(slot, scenario, ALONE)]


def worker_kills_of(slot, scenario):
    """Of each generation that is made: a worker makes one."""
    made = [re.search(r'"[^"]*/(state/\S*/gen/\.tmp-\d+)"', row)
            for _, _, row in trace(slot, scenario, ALONE, ["mkdir"])]
    return [Point(WORKER, c, n, "signal=KILL", file, row) for file in [m[1] for m in made if m]
            for c, n, row in changing(slot, scenario, WORKER, file)]


def second_kills_of(slot, scenario):
    return [p._replace(mode=TWICE) for p in kills_of(slot, scenario)[::3]]


def parent_kills_of(slot, scenario):
    """It waits for each child once, at least."""
    children = list(trace(slot, scenario, PARENT, FORKS))
    return [Point(PARENT, "ppoll", i + 1, "signal=KILL", None, "") for i in range(len(children))]


def hooks_of(slot, scenario):
    rows = "".join(row for _, _, row in trace(slot, scenario, HOOK, ["execve"]))
    return [Point(HOOK, "execve", 1, how, h, "") for h in HOOKS if 'execve("%s/%s"' % (slot.where, h) in rows
            for how in ("signal=KILL", "error=EIO", "error=ENOENT")]


def errors_of(slot, scenario):
    """One error for each call, by turns, and in addition the interruptions that mean: again."""
    out = []
    for i, (call, n, row) in enumerate(changing(slot, scenario, ALONE)):
        to_us, to_hook = re.match(r"write\([12]<", row), re.match(r"write\(([3-9]|\d\d+)<pipe:", row)
        if call in FORKS:
            out.append((call, n, "EAGAIN", row))
        elif not to_hook:               # a pipe is never full for good
            out.append((call, n, ("ENOSPC", "EIO")[n % 2], row))
        if call in ("write", "fsync") and not to_us and "</memfd" not in row:
            out.append((call, n, "EINTR", row))
        elif call == "openat" and i % 4 == 0:
            out.append((call, n, "EINTR", row))
    return [Point(ALONE, c, n, "error=" + e, None, row) for c, n, e, row in out]


def reads_of(slot, scenario):
    """The first and the last time that a file is opened, read, looked at."""
    of_file = {}
    for call, n, row in trace(slot, scenario, ALONE, READING):
        m = re.search(r'[<"]%s/([^">]+)[">]' % re.escape(slot.where), row)
        if m and "O_CREAT" not in row and "ENOENT" not in row and not re.match(r"conf|\S*hook", m[1]):
            of_file.setdefault((call, m[1]), []).append(row)
    return [Point(ONE_FILE, call, n, "error=EIO", file, rows[n - 1]) for (call, file), rows in of_file.items()
            for n in sorted({1, len(rows)})]


# Order on the disk ----------------------------------------------------------------------------------

def check_order(slot, scenario):
    """Complaints about what a power cut could tear: a rename of something that is not on the disk yet, or a next
    step before the last one is."""
    where = slot.where
    files, folders, bad = set(), set(), []
    for call, _, row in trace(slot, scenario, ALONE, CHANGING + ["exit_group"]):
        if " = -1 " in row:
            continue
        at = re.match(r"\w+\(\d+<([^>]*)>", row)
        at = at[1] if at else ""
        names = re.findall(r'"(/[^"]*)"', row)
        inside = [n for n in names if n.startswith(where + "/")]
        dirty = sorted(f for f in folders if f != os.path.dirname((inside or [""])[-1]))
        if call in ("rename", "exit_group", *FORKS) and dirty:
            bad.append("%s before %s is on the disk" % (row.strip(), dirty))
        if call == "rename":
            bad += ["%s with %s not on the disk" % (row.strip(), f) for f in files
                    if (f + "/").startswith(inside[0] + "/")]
            folders.update(os.path.dirname(n) for n in inside)
        elif call == "write" and at.startswith(where + "/"):
            files.add(at)
        elif call == "fsync":
            files.discard(at)
            folders.discard(at)
        elif call == "openat" and "O_CREAT" in row and inside and not inside[0].endswith(("/lock", "/use")):
            folders.add(os.path.dirname(inside[0]))
        elif call in ("mkdir", "symlink", "link", "unlink", "rmdir") and inside:
            folders.add(os.path.dirname(inside[-1]))
        elif call == "unlinkat":
            gone = os.path.join(at, names[0] if names else re.search(r'"([^"]*)"', row)[1])
            folders.add(os.path.dirname(gone))
            folders.discard(gone)
    return bad


# Disturbing -----------------------------------------------------------------------------------------

# end: the summary; outside: files that stay outside the store; second: the next run was killed as well
Result = collections.namedtuple("Result", "point bad end outside second")


def disturb(slot, scenario, ends, p):
    """One point: kill or error, check, next run, check."""
    slot.restore(scenario)
    where = slot.where
    r = run(where, scenario.day, scenario.args,
            ["strace", "-o", where + ".trace", *filters(where, p.mode, p.file), "-e", "trace=" + p.call, "-e",
             "inject=%s:%s:when=%d" % (p.call, p.how, p.n)], p.mode in IN_ONE)
    said = r.stderr.strip()
    killed = p.how.startswith("signal")
    error = p.how[6:] if not killed else ""
    bad = []
    if killed and p.mode in (ALONE, TWICE, PARENT):
        if r.returncode != -9:
            bad.append("it was not killed there: exit %d, %s" % (r.returncode, said))
    elif killed:
        if r.returncode != 1 or "killed by signal 9" not in said:
            bad.append("nobody was told that it died: exit %d, %s" % (r.returncode, said))
    else:
        with open(where + ".trace") as f:
            if "(INJECTED)" not in f.read():
                bad.append("the call was not reached")
        if r.returncode not in (0, 1, 75):
            bad.append("exit %d: %s" % (r.returncode, said))
        named = p.file or os.path.dirname(where) + "/" in p.text         # pipes have no name
        if r.returncode and named and not re.search(r"/[\w.-]+", said):
            bad.append("it failed and named no file: exit %d, %s" % (r.returncode, said))
        if error == "EINTR" and p.call != "openat" and (r.returncode or said):
            bad.append("it did not try again: exit %d, %s" % (r.returncode, said))
    bad += store.check(where)
    second = p.mode == TWICE and run(where, scenario.day, CRON, [
        "strace", "-o", "/dev/null", "-e", "trace=rename", "-e",
        "inject=rename:signal=KILL:when=%d" % (1 + p.n % 5)]).returncode == -9
    if second:
        bad += store.check(where)
    # what makes a key or asks for a certificate is not repeated at once
    later = LATER if re.search(r": (make key|stage|renew|renew staging): ", said) else 0
    more, end = check_completion(where, scenario, ends, later)
    swept, outside = check_swept(where, scenario, later)
    return Result(p, bad + more + swept, end, outside, second)


def ends_of(slot, scenario):
    """Complaints about an undisturbed run, where it began, and what may be at the end of a disturbed one: what the
    undisturbed one leads to, and where it began if it was an order."""
    slot.restore(scenario)
    start = summary(slot.where, scenario.day)
    r = run(slot.where, scenario.day, scenario.args)
    assert r.returncode == 0, r.stderr
    end = summary(slot.where, scenario.day)
    return store.check(slot.where), start, [end] + [start] * (scenario.args[0] in ORDERS)


# Processes ------------------------------------------------------------------------------------------

my_slot = None


def start_worker(base, numbers):
    global my_slot
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    my_slot = Slot(base, numbers.get())


def work(job):
    return job[0](my_slot, *job[1:])


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def verdict(self, bad, text):
        self.count += 1
        self.failed += bool(bad)
        print("%s %d - %s" % ("not ok" if bad else "ok", self.count, text))
        for b in bad[:8]:
            print("#", b)
        if len(bad) > 8:
            print("# ... %d in all" % len(bad))
        sys.stdout.flush()


def complaints(results):
    rows = ("%s %s %d %s %s: %s  [%s]" % (*r.point[:4], r.point.file or "", b, r.point.text.strip())
            for r in results for b in r.bad)
    return [re.sub(r"/\S*/w\d+/", "./", row)[:400] for row in rows]


def check_once_given(results, ends):
    """An order that outlived one kill outlives every later one."""
    given, bad = False, []
    for r in results:
        if given and r.end == ends[1]:
            bad.append("%s %d: an order that had been written down was lost" % (r.point.call, r.point.n))
        given |= r.end == ends[0]
    return bad


# A reader -------------------------------------------------------------------------------------------

def read_on(where, stop, result):
    """In a tight loop: never a missing file, a mismatch, or a key that is not published."""
    looks, bad = 0, []
    combined, include = where + "/state/lines/mx/live/combined%s.pem", where + "/zone/tlsa.inc"
    while not stop.is_set() and len(bad) < 5:
        for kind in ("", "-ec-384"):
            try:
                before = store.read(include)
                pem = store.read(combined % kind)
                after = store.read(include)
                why, digest = store.judge(pem)
                if why:
                    bad.append(why)
                elif digest.encode() not in before and digest.encode() not in after:
                    bad.append("%s is served and not in the include file" % digest)
                elif not before.endswith(b"\n") or not after.endswith(b"\n"):
                    bad.append("the include file is not whole")
                looks += 1
            except OSError as e:
                bad.append(str(e))
    result.put((looks, bad))


def reader_test(tap, base):
    where = base + "/reader"
    lay_out(where, "ec-256 ec-384")
    said = run(where, 0, INIT).stdout
    stop, result = multiprocessing.Event(), multiprocessing.Queue()
    reader = multiprocessing.Process(target=read_on, args=(where, stop, result))
    reader.start()
    lives = 8
    for i in range(lives):
        for day, args in ((181, CRON), (184, CRON), (184, RENEW), (187, CRON), (188, RENEW)):
            said += run(where, i * 190 + day, args, wait=False).stdout
    stop.set()
    looks, bad = result.get()
    reader.join()
    promotions, renewals = (said.count(x) for x in ("promoted the staged key", "renewed the certificate"))
    if promotions != lives or looks < 1000:
        bad.append("%d looks, %d promotions" % (looks, promotions))
    tap.verdict(bad, "a reader of live/combined.pem looked %d times during %d renewals and %d promotions"
                % (looks, renewals, promotions))


# ----------------------------------------------------------------------------------------------------

def scenario_test(tap, pool, s, total):
    def here(*job):
        return pool.apply(work, (job,))

    def all_of(kind, points):
        total[kind] += len(points)
        # an unreadable include file starts the waits anew: a promotion is late then
        results = pool.map(work, [(disturb, s, ends + [start] * (p.file == "zone/tlsa.inc"), p) for p in points], 1)
        total["outside"] += sum(r.outside for r in results)
        total["second"] += sum(r.second for r in results)
        return results

    bad, start, ends = here(ends_of, s)
    tap.verdict(bad + here(check_order, s), "%s: nothing points to what is not on the disk yet" % s.name)
    kills = all_of("kills", here(kills_of, s))
    bad = complaints(kills) + (check_once_given(kills, ends) if len(ends) > 1 else [])
    tap.verdict(bad, "%s: killed at %d points, completed by the next run" % (s.name, len(kills)))
    again = all_of("kills", here(second_kills_of, s))
    tap.verdict(complaints(again), "%s: killed at %d of these points, %d times in the next run too, completed by "
                "the one after" % (s.name, len(again), sum(r.second for r in again)))
    errors = all_of("errors", here(errors_of, s))
    tap.verdict(complaints(errors), "%s: %d failing changes (ENOSPC, EIO, EINTR) were told or made good, completed "
                "by the next run" % (s.name, len(errors)))
    reads = all_of("errors", here(reads_of, s))
    tap.verdict(complaints(reads), "%s: %d failing reads (EIO) were told or made good, completed by the next run"
                % (s.name, len(reads)))
    if s.name in IN_WORKERS:
        workers = all_of("kills", here(worker_kills_of, s))
        tap.verdict(complaints(workers), "%s: workers were killed at %d points, which was told and made up for"
                    % (s.name, len(workers)))
        parents = all_of("kills", here(parent_kills_of, s))
        tap.verdict(complaints(parents), "%s: killed %d times while it waited for a worker or a hook"
                    % (s.name, len(parents)))
    points = here(hooks_of, s)
    if points:
        hooks = all_of("hooks", points)
        tap.verdict(complaints(hooks), "%s: %d times a hook was killed or could not start, and ran in the next run"
                    % (s.name, len(hooks)))


def main():
    began = time.time()
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    base = tempfile.mkdtemp(prefix="certline-crash.", dir=shm)
    tap, total = Tap(), collections.Counter()
    try:
        reader_test(tap, base)
        numbers = multiprocessing.Queue()
        for i in range(JOBS):
            numbers.put(i)
        with multiprocessing.Pool(JOBS, start_worker, (base, numbers)) as pool:
            for s in SCENARIOS:
                if ONLY and s.name not in ONLY:
                    continue
                at, before = time.time(), sum(total[k] for k in KINDS)
                try:
                    scenario_test(tap, pool, s, total)
                except AssertionError as e:
                    tap.verdict([str(e)], "%s: not disturbed" % s.name)
                print("# %s: %d points in %d s"
                      % (s.name, sum(total[k] for k in KINDS) - before, time.time() - at))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print("# %d points in %d s: %d kills, %d of them with a second one in the next run, %d failing calls, "
          "%d hooks killed or not started" % (sum(total[k] for k in KINDS), time.time() - began, total["kills"],
                                              total["second"], total["errors"], total["hooks"]))
    if total["outside"]:
        print("# half-written files that stay outside the store, beside what they were to become: %d"
              % total["outside"])
    print("1..%d" % tap.count)
    sys.exit(1 if tap.failed else 0)


main()
