"""Where things lie, how a program is run and measured, the loopback origin."""
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "bench"
WORK = Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target")).resolve() / "bench"
ORIGIN_PORT = int(os.environ.get("BENCH_PORT", "8099"))
TICK = os.sysconf("SC_CLK_TCK")


class NotCounted(Exception):
    """A run whose output is not what it should be."""


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def clean_env(**more):
    dropped = ("VIGIE_UNIT", "VIGIE_TOKEN", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "http_proxy", "https_proxy")
    return {**{k: v for k, v in os.environ.items() if k not in dropped}, "RUST_LOG": "warn", "VIGIE_LOG": "warn", **more}


def service_env(unit):
    """As the service has it: a program runs here as it is shipped."""
    lines = (REPO / "systemd" / unit).read_text().splitlines()
    given = dict(line.removeprefix("Environment=").split("=", 1) for line in lines if line.startswith("Environment="))
    return clean_env(**given)


def agent_env():
    return service_env("vigie-agent@.service")


def do(*command, ok=(0,), **options):
    """Runs something that is not measured; returns what it printed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=clean_env(), **options)
    if done.returncode not in ok:
        raise NotCounted(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
    return done.stdout


def measured(command, out=None):
    """Runs a command to its end: wall and CPU seconds (children it waited for included), peak RSS in MB, exit code."""
    log = open(out or os.devnull, "wb")
    begun = time.perf_counter()
    env = agent_env() if Path(command[0]).name.startswith("vigie-") else clean_env()
    process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=subprocess.STDOUT, env=env, stdin=subprocess.DEVNULL)
    peak = 0
    while True:
        # The system's own ru_maxrss begins with the memory of whoever started the program.
        peak = peak_of(process.pid) or peak
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.02)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "rss": peak, "code": process.returncode}


def peak_of(pid):
    """Peak RSS in MB so far; 0 for a process that is over."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_of(pid):
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if rest.strip().endswith("kB"):
            found[name] = found.get(name, 0) + int(rest.split()[0]) / 1024
    return {"rss": found.get("Rss", 0), "private": found.get("Private_Clean", 0) + found.get("Private_Dirty", 0)}


def get(url, timeout=60):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, ask, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ask()
        if found:
            return found
        time.sleep(0.01)
    raise NotCounted(f"{what} did not come within {seconds} s")


def median(values):
    return statistics.median(values)


class Origin:
    """nginx, one worker, as ../shared/bench/collect has it; `slow` limits each connection to so many KB a second."""

    def __init__(self, root, port=ORIGIN_PORT, slow=None):
        self.root, self.port = Path(root).resolve(), port
        run = self.root / "run"
        run.mkdir(parents=True, exist_ok=True)
        temp = " ".join(f"{name}_temp_path {run}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        limit = f"limit_rate {slow}k;" if slow else ""
        user = "user root;" if os.geteuid() == 0 else ""
        (run / "nginx.conf").write_text(f"""{user} worker_processes 1; pid {run}/nginx.pid; error_log {run}/error.log; daemon off;
events {{ worker_connections 2048; }}
http {{ types {{ text/html html; application/rss+xml xml; application/json json; }} access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; charset utf-8;
  open_file_cache max=5000; {temp} {limit}
  server {{ listen 127.0.0.1:{port}; root {self.root}; etag on; }} }}
""")

    def __enter__(self):
        run = self.root / "run"
        self.process = subprocess.Popen(["nginx", "-e", f"{run}/error.log", "-c", f"{run}/nginx.conf"], stderr=subprocess.DEVNULL)

        def up():
            if self.process.poll() is not None:
                raise NotCounted(f"nginx did not start; see {run}/error.log (is port {self.port} taken? BENCH_PORT names another)")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False

        until("nginx", up, 10)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def jsonl(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines() if line.startswith("{")]


def fresh(folder):
    """Moves what is there out of the way; `cleared` deletes it once all is measured. ext4 without a journal makes no file in the place of one deleted in the
    last minutes, but looks at each such place first: who measures right after thousands were deleted pays a millisecond for the seven files of a segment."""
    folder = Path(folder)
    if folder.exists():
        (WORK / "aside").mkdir(exist_ok=True)
        folder.rename(WORK / "aside" / str(time.monotonic_ns()))
    return folder


def cleared():
    shutil.rmtree(WORK / "aside", ignore_errors=True)
