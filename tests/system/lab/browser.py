#!/usr/bin/env python3
"""browser.py - looks at pages and pictures in a headless Chromium, by chromedriver's WebDriver protocol.

usage: browser.py DRIVER-PORT PROFILE-DIR SHOTS-DIR FILE...

Each FILE, an HTML page or an SVG picture, is shown in both colour schemes, pages at 360 and 1280 pixels width.
Prints "ok TEXT" or "not ok TEXT" for each check, with the offenders on rows that begin with "# ".
Screenshots go to SHOTS-DIR.

Touches: chromedriver at that port, and through it one Chromium; SHOTS-DIR.
"""
import base64
import json
import os
import shutil
import sys
import urllib.request

ARGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars").split()

# What is measured, inside the page.
MEASURE = r"""(() => {
  const found = {low: [], overlaps: [], texts: 0, html: 0, least: 99};
  const parse = c => {
    const m = c.match(/rgba?\(([^)]+)\)/);
    if (!m) return null;
    const v = m[1].split(/[ ,\/]+/).map(Number);
    return v.length > 3 && v[3] === 0 ? null : v;
  };
  const light = v => {
    const f = v.slice(0, 3).map(x => x / 255).map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2];
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const canvas = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c) return c;
    }
    return canvas;
  };
  // what a picture's text stands on: the uppermost filled shape there
  const under = (x, y) => {
    for (const e of document.elementsFromPoint(x, y)) {
      if (e.tagName === 'rect') return parse(getComputedStyle(e).fill);
      if (!(e instanceof SVGElement) || e.tagName === 'svg') return behind(e);
    }
    return canvas;
  };
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let n; (n = walker.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || e.closest('head, style, script, title, desc')) continue;
    const style = getComputedStyle(e), picture = e.closest('svg text');
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 600;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    let got = 99;
    if (picture) {
      const range = document.createRange();
      range.selectNodeContents(n);
      picture.scrollIntoView({block: 'center', inline: 'center'});
      const r = range.getBoundingClientRect(), y = (r.top + r.bottom) / 2;
      for (const x of [r.left + 2, (r.left + r.right) / 2, r.right - 2])
        got = Math.min(got, contrast(parse(style.fill), under(x, y)));
    } else {
      got = contrast(parse(style.color), behind(e));
      found.html++;
    }
    found.texts++;
    found.least = Math.min(found.least, got);
    if (got < least) found.low.push(got.toFixed(2) + ' ' + n.data.trim().slice(0, 60));
  }
  const boxes = [...document.querySelectorAll('svg text')].map(t => [t.getBBox(), t.textContent]);
  for (let i = 0; i < boxes.length; i++)
    for (let k = i + 1; k < boxes.length; k++) {
      const [a, s] = boxes[i], [b, t] = boxes[k];
      const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
      const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
      if (w > 0.5 && h > 1) found.overlaps.push(s + ' | ' + t);
    }
  // what stands beside the texts: lines as far as no shape hides them, diamonds and signs, and bars that begin or end
  // within a text
  const shapes = [...document.querySelectorAll('svg path, svg rect')].map(e => [e, e.getBBox(), e.getAttribute('class')]);
  const rects = shapes.filter(([e]) => e.tagName === 'rect');
  const bars = rects.filter(([e, , c]) => c !== 'bg' && !e.closest('.colours'));
  const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  found.crossed = [];
  found.covered = [];
  for (const [t, s] of boxes) {
    const y = t.y + t.height / 2;
    for (const [e, b, c] of shapes) {
      const line = c === 'today' || c === 'promote';
      const wide = line ? {x: b.x - 0.75, width: 1.5, y: b.y, height: b.height} : b;
      if (!meet(t, wide)) continue;
      if (line && y > b.y && y < b.y + b.height && !rects.some(([r, q]) => q.x <= b.x && b.x <= q.x + q.width &&
          q.y <= y && y <= q.y + q.height && e.compareDocumentPosition(r) & Node.DOCUMENT_POSITION_FOLLOWING))
        found.crossed.push(s + ' | ' + c);
      if (c === 'gem' || c === 'sign') found.covered.push(s + ' | ' + c);
    }
    for (const [, b, c] of bars)
      if (meet({x: t.x, width: t.width, y: y - 1, height: 2}, b) && (t.x < b.x || t.x + t.width > b.x + b.width + 0.5))
        found.covered.push(s + ' | ' + c);
  }
  // what is in the zone today has a name, in its bar or under it
  const today = document.querySelector('svg .today').getBBox().x;
  const there = bars.filter(([, b, c]) => (c === 'set' || c === 'both') && b.x + 0.1 < today && today < b.x + b.width - 0.1);
  found.unnamed = there.filter(([, b]) => !boxes.some(([t, s]) => (t.y > b.y - 3 && t.y < b.y + 3 && t.x >= b.x &&
    t.x < b.x + b.width) || (s.startsWith('in the zone now: ') && t.y > b.y + 3 && t.y < b.y + 20)))
    .map(([e]) => e.textContent);
  // each colour is beside the axis, with a word
  found.colours = [...document.querySelectorAll('svg .colours rect')].map(e => e.getAttribute('class'));
  found.strange = [...new Set(bars.map(([, , c]) => c))].filter(c => !found.colours.includes(c));
  const svg = document.querySelector('svg'), view = svg && svg.viewBox.baseVal;
  found.outside = view ? boxes.filter(([b]) => b.x < 0 || b.x + b.width > view.width || b.y < 0 ||
    b.y + b.height > view.height).map(([, s]) => s) : ['no picture'];
  found.pictures = document.querySelectorAll('svg.timeline rect title').length;
  scrollTo(0, 0);
  for (const box of document.querySelectorAll('.scroll')) box.scrollTo(0, 0);
  found.hidden = [...document.querySelectorAll('.scroll table')].filter(t => t.offsetWidth > t.parentElement.clientWidth)
    .map(t => t.parentElement.getAttribute('aria-label'));
  found.states = [...document.querySelectorAll('.scroll[aria-label=Endpoints] .state')].map(e => e.getBoundingClientRect());
  found.states = found.states.map(r => r.left >= 0 && r.right <= innerWidth && r.height > 0);
  found.width = document.documentElement.scrollWidth;
  found.window = innerWidth;
  found.wide = document.documentElement instanceof SVGElement ? [] :
    [...document.body.querySelectorAll('*')].filter(e => !e.closest('.scroll') &&
    e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + ' ' + e.textContent.slice(0, 40));
  found.styled = document.documentElement instanceof SVGElement ||
    getComputedStyle(document.querySelector('main')).maxWidth === '1240px';
  found.headings = [...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]));
  return JSON.stringify(found);
})()"""


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)["value"]


def devtools(session, command, **params):
    return call("POST", f"/session/{session}/goog/cdp/execute", {"cmd": command, "params": params})


def verdict(good, text, offenders=()):
    print(("ok " if good else "not ok ") + text)
    for o in list(offenders)[:8] if not good else ():
        print("# " + str(o))


def in_order(levels):
    return levels[:1] == [1] and levels.count(1) == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:]))


def look(session, path, scheme, width, shots):
    name = os.path.basename(path)
    page = name.endswith(".html")
    what = f"{name}, {scheme}, {width} px"
    devtools(session, "Emulation.setEmulatedMedia", media="screen",
             features=[{"name": "prefers-color-scheme", "value": scheme}])
    devtools(session, "Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
    call("POST", f"/session/{session}/url", {"url": "file://" + path})
    result = devtools(session, "Runtime.evaluate", expression=MEASURE, returnByValue=True)
    if "exceptionDetails" in result:
        verdict(False, f"{what}: can be measured", [json.dumps(result["exceptionDetails"])[:400]])
        return
    m = json.loads(result["result"]["value"])
    log = call("POST", f"/session/{session}/se/log", {"type": "browser"})
    verdict(m["texts"] > 10 and m["pictures"] > 5 and m["styled"], f"{what}: is there, with its style",
            [{k: m[k] for k in ("texts", "pictures", "styled")}])
    verdict(not log, f"{what}: nothing in the console", [e["message"] for e in log])
    if page:
        verdict(m["html"] > 20 and in_order(m["headings"]), f"{what}: headings in order", [m["headings"]])
        verdict(m["width"] <= m["window"] and not m["wide"], f"{what}: nothing is wider than the window",
                [(m["width"], m["window"])] + m["wide"])
        if width < 600:
            verdict(not m["hidden"], f"{what}: no table is wider than its box", m["hidden"])
        if name == "report.html":
            verdict(m["states"] and all(m["states"]), f"{what}: the state of each endpoint is seen at once", [m["states"]])
    verdict(not m["crossed"], f"{what}: no line through a text", m["crossed"])
    verdict(not m["covered"], f"{what}: no text over a mark, or half over a bar", m["covered"])
    verdict(not m["unnamed"], f"{what}: what is in the zone now is named", m["unnamed"])
    verdict(m["colours"] and not m["strange"], f"{what}: each colour has its word", m["strange"])
    verdict(not m["low"], f"{what}: contrast is at least {m['least']:.2f}", m["low"])
    verdict(not m["overlaps"], f"{what}: no text over another one", m["overlaps"])
    verdict(not m["outside"], f"{what}: no text outside the picture", m["outside"])
    shot = devtools(session, "Page.captureScreenshot", captureBeyondViewport=True)
    with open(os.path.join(shots, f"{name}-{scheme}-{width}.png"), "wb") as f:
        f.write(base64.b64decode(shot["data"]))


def main():
    _, _, profile, shots, *files = sys.argv
    options = {"binary": shutil.which("chromium"), "args": ARGS + ["--user-data-dir=" + profile]}
    session = call("POST", "/session", {"capabilities": {"alwaysMatch": {
        "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]
    try:
        for path in files:
            for scheme in "light", "dark":
                for width in (360, 1280) if path.endswith(".html") else (1280,):
                    look(session, path, scheme, width, shots)
    finally:
        call("DELETE", f"/session/{session}")


BASE = f"http://127.0.0.1:{sys.argv[1]}"
main()
