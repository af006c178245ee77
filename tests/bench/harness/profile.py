"""Where does the time go? perf's samples by symbol, summed by what the code is for. Needs the programs with their symbols."""
import contextlib
import re
import shutil
import signal
import subprocess

from . import base

# First match counts.
KINDS = [
    ("compression (libdeflate, zlib-rs)", r"zlib_rs|flate2|deflate|inflate|crc32fast|longest_match|miniz|gz"),
    ("SHA-256", r"sha2|sha256|digest_blocks|compress256"),
    ("Ed25519", r"curve25519|ed25519|sha512"),
    ("full text (FTS5)", r"fts5"),
    ("SQLite", r"sqlite3|btree|Btree|vdbe|Vdbe|pager|pcache|wal[A-Z]|rusqlite|libsqlite|moveToRoot|balance|^(page|mem|cell|column|insertCell)[A-Za-z]+$"),
    ("HTML (html5ever, selectors)", r"html5ever|markup5ever|scraper|selectors|tendril|ego_tree|cssparser|web_atoms"),
    ("feed and page readers", r"\bfeed::|\bweb::|quick_xml|chardetng|encoding_rs"),
    ("words (analyser)", r"analyser|unicode_segmentation|unicode_normalization|search::"),
    ("JSON, canonical form", r"serde_json|canonical|serde_core|serde::|ryu|itoa|simd_json"),
    ("WARC, segments", r"\bwarc::|schemas::segment|schemas::capture"),
    ("gate, judge, policy", r"schemas::gate|schemas::judge|schemas::policy|schemas::urlform|robots|permission|schemas::"),
    ("HTTP, TLS, runtime", r"hyper|reqwest|tokio|rustls|h2::|mio|axum|tower|http::|futures"),
    ("kit", r"\bkit::"),
    ("registry", r"\bregistry::|\btlog::|\bverify::"),
    ("time, text, addresses", r"jiff|url::|idna|core::fmt|core::str|alloc::str|regex|memchr"),
    ("memory", r"malloc|free|realloc|memcpy|memmove|memset|memcmp|_int_|alloc::|calloc|unlink_chunk|consolidate|cfree"),
]


def possible(bins):
    return bool(shutil.which("perf")) and programs(bins).is_dir()


def programs(bins):
    """The same programs before they were stripped."""
    return bins / "symbols"


def _file(name):
    return base.WORK / "profiles" / (re.sub(r"\W+", "-", name) + ".data")


def _record(name):
    _file(name).parent.mkdir(parents=True, exist_ok=True)
    return ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1499", "-o", _file(name)]


def wrap(name, command):
    return [*_record(name), "--", *command]


@contextlib.contextmanager
def of_pid(pid, name):
    perf = subprocess.Popen([str(c) for c in (*_record(name), "-p", pid)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        perf.send_signal(signal.SIGINT)
        perf.wait()


def table(name):
    """Shares by kind, and the ten heaviest symbols."""
    file = _file(name)
    if not file.exists():
        return None
    text = subprocess.run(["perf", "report", "-i", file, "--stdio", "--no-children", "--sort", "dso,symbol", "-w", "60,400", "-g", "none"], capture_output=True, text=True).stdout
    kinds, heaviest = {}, []
    for line in text.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[(.)\]\s+(.*?)(\s+-\s+-\s*)?$", line)
        if not found:
            continue
        share, dso, space, symbol = float(found[1]), found[2], found[3], found[4].strip()
        if space == "k" or dso.startswith("[kernel"):
            kind = "kernel (files, syncs, sockets, memory)"
        else:
            kind = next((kind for kind, pattern in KINDS if re.search(pattern, symbol)), "other")
        kinds[kind] = kinds.get(kind, 0) + share
        heaviest.append((share, symbol))
    return sorted(kinds.items(), key=lambda pair: -pair[1]), heaviest[:12]


def forget():
    shutil.rmtree(base.WORK / "profiles", ignore_errors=True)
