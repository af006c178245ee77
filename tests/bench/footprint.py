#!/usr/bin/env python3
"""How large is an agent, how much memory does it hold, how soon does it ask?

    python3 tests/bench/footprint.py [FOLDER OF PROGRAMS]      default: target/dist

A registry and `vigie-feed` on this machine, 100 sources on one loopback server. Prints one line a figure, beside its goal:
the program's size; memory (VmRSS) with 100 sources before anything was due and after a round; most memory (VmHWM) with 32 requests under way
whose bodies have 200 KB; milliseconds from the start of `once` to the first connection that a source sees, with policy kept and without.
Ends with 1 if a figure is over its goal.
"""

import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCES, IN_FLIGHT, BODY = 100, 32, 200_000
programs = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/dist").resolve()
first = threading.Event()
seen_at = [0.0]
slow = threading.Event()
under_way = [0, 0]
lock = threading.Lock()


class Source(http.server.BaseHTTPRequestHandler):
    def setup(self):
        if not first.is_set():
            seen_at[0] = time.monotonic()
            first.set()
        super().setup()

    def do_GET(self):
        if self.path == "/robots.txt":
            return self.answer(b"", 404)
        name = self.path.strip("/").split(".")[0]
        items = b"".join(b"<item><guid>%s-%d</guid><title>Harbour opens early</title></item>" % (name.encode(), n) for n in range(5))
        body = b'<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title>%s</channel></rss>' % (name.encode(), items)
        if not slow.is_set():
            return self.answer(body)
        with lock:
            under_way[0] += 1
            under_way[1] = max(under_way)
        body += b"<!--" + b"x" * (BODY - len(body) - 7) + b"-->"
        self.answer(body, pieces=40)
        with lock:
            under_way[0] -= 1

    def answer(self, body, status=200, pieces=1):
        self.send_response(status)
        self.send_header("content-type", "application/rss+xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        step = max(1, -(-len(body) // pieces))
        for at in range(0, len(body), step):
            self.wfile.write(body[at : at + step])
            if pieces > 1:
                self.wfile.flush()
                time.sleep(0.1)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def shipped():
    """The environment that the service's template gives an agent."""
    unit = pathlib.Path(__file__).resolve().parents[2] / "systemd/vigie-agent@.service"
    lines = [line.removeprefix("Environment=") for line in unit.read_text().splitlines() if line.startswith("Environment=")]
    return dict(line.split("=", 1) for line in lines)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def status(pid, field):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


class Unit:
    """A trial unit with its registry running."""

    def __init__(self, folder, url, schedule):
        self.folder = folder / "unit"
        listen = f"127.0.0.1:{free_port()}"
        rooms = [{"name": f"source-{n}", "url": url, "feed": f"/{n}.rss", "about": "a measurement"} for n in range(SOURCES)]
        (folder / "rooms.json").write_text(json.dumps({"newsrooms": rooms}))
        vigie = str(programs / "vigie")
        subprocess.run([vigie, "trial", self.folder, "--newsrooms", folder / "rooms.json", "--listen", listen, "--schedule", schedule], check=True, stdout=subprocess.DEVNULL)
        self.settings = self.folder / "agents/feed/agent.toml"
        with open(self.settings, "a") as settings:
            settings.write(f"max_concurrent = {IN_FLIGHT}\n")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))
        self.environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "VIGIE_LOG": "warn", "RUST_LOG": "warn"}
        self.is_ready = threading.Event()
        threading.Thread(target=self.hear, daemon=True).start()
        self.registry = self.start([vigie, "--unit", self.folder, "serve"])
        self.ready()

    def hear(self):
        # A service waits for a manager that does not hear.
        while True:
            if b"READY=1" in self.notify.recv(4096):
                self.is_ready.set()

    def start(self, command, **more):
        return subprocess.Popen(list(map(str, command)), env={**self.environment, **more}, stdout=subprocess.DEVNULL)

    def ready(self):
        self.is_ready.wait(60)
        self.is_ready.clear()

    def agent(self, command):
        return self.start([programs / "vigie-feed", command, "--config", self.settings], **shipped())

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        process.wait(90)


def asked_after(unit):
    first.clear()
    began = time.monotonic()
    agent = unit.agent("once")
    first.wait(60)
    took = (seen_at[0] - began) * 1000
    agent.wait(300)
    return took


over = []


def figure(what, value, goal, unit):
    print(f"{what:58} {value:8.1f} {unit:4} goal {goal} {'' if value <= goal else 'OVER'}", flush=True)
    if value > goal:
        over.append(what)


def main():
    figure("vigie-feed, as built", (programs / "vigie-feed").stat().st_size / 1e6, 12, "MB")
    server = Server(("127.0.0.1", 0), Source)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        unit = Unit(folder, f"http://127.0.0.1:{server.server_port}", "every 30s")
        figure("first request after the very first start", asked_after(unit), 20, "ms")
        figure("first request, best of five later starts", min(asked_after(unit) for _ in range(5)), 20, "ms")
        agent = unit.agent("run")
        unit.ready()
        time.sleep(2)
        figure("memory, 100 sources, nothing was due yet", status(agent.pid, "VmRSS") / 1024, 12, "MiB")
        time.sleep(45)
        figure("memory, 100 sources, between two rounds", status(agent.pid, "VmRSS") / 1024, 12, "MiB")
        unit.end(agent)
        slow.set()
        agent = unit.agent("once")
        peak = 0
        while agent.poll() is None:
            try:
                peak = max(peak, status(agent.pid, "VmHWM"))
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.02)
        figure(f"most memory, {under_way[1]} requests under way, bodies of 200 KB", peak / 1024, 24, "MiB")
        unit.end(unit.registry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if over else 0


sys.exit(main())
