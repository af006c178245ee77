"""A trial unit: two signers, entries, an enrolled agent, a registry that runs; and the check that makes a run count."""
import datetime
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import base

ENTRY = """
[[entry]]
id = "{id}"
collector = "{collector}"
seeds = {seeds}
match = [{{ scheme = "http", host = "127.0.0.1", port = {port} }}]
purpose = "measuring"
program = "benchmark"
legal_basis = {{ code = "trial", reason = "generated content on this machine" }}
question = "how much work is one page?"
pia = "none: nobody in it is real"
requested_by = "{requester}"
schedule = "{schedule}"
zone = "UTC"
rate_secs = 0
daily = 50000
retain_days = 7
tlp = "clear"
domestic = "allow: nobody in it is real"
expires_on = "{expires}"
allow_addresses = ["127.0.0.1/32"]
{more}"""


class Unit:
    """`bins` is the folder of the programs measured."""

    def __init__(self, folder, bins):
        self.folder, self.bins, self.server = Path(folder), Path(bins), None

    @classmethod
    def make(cls, folder, bins, port, collector, seeds, schedule="every 6h", concurrent=32, recipe=None, origin=base.ORIGIN_PORT):
        """`recipe`: name and text of a recipe file."""
        unit = cls(base.fresh(folder), bins)
        unit.folder.parent.mkdir(parents=True, exist_ok=True)
        rooms = unit.folder.parent / "newsrooms.json"
        rooms.write_text(json.dumps({"newsrooms": [{"name": "first", "url": "http://127.0.0.1:9", "feed": "/"}]}))
        base.do(unit.program("vigie"), "trial", unit.folder, "--newsrooms", rooms, "--listen", f"127.0.0.1:{port}")
        expires = datetime.date.today() + datetime.timedelta(days=30)
        alice = json.loads(unit.vigie("key", "show", unit.folder / "keys/alice.key"))["id"]
        more = ""
        if recipe:
            name, text = recipe
            file = unit.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            import hashlib
            more = f'recipe = {{ file = "{name}", digest = "{hashlib.sha256(text.encode()).hexdigest()}" }}\n'
        entry = ENTRY.format(id="bench", collector=collector, seeds=json.dumps(seeds), port=origin, requester=alice, schedule=schedule, expires=expires, more=more)
        (unit.folder / "allowlist.toml").write_text("format = 1\n" + entry)
        for person in ("alice", "bob"):
            unit.vigie("policy", "sign", "--yes", "--key", unit.folder / f"keys/{person}.key")
        agent = unit.folder / "agents" / collector
        if not agent.exists():
            agent.mkdir(parents=True)
            key = json.loads(unit.vigie("key", "new", f"{collector}-bench", "--out", agent / "agent.key"))["key"]
            shutil.copy(unit.folder / "trust.toml", agent / "trust.toml")
            (agent / "agent.toml").write_text(f'format = 1\nname = "{collector}-bench"\nkey = "agent.key"\ntrust = "trust.toml"\nregistry = "http://127.0.0.1:{port}"\nstate = "state"\n')
            unit.vigie("agent", "enrol", key, "--collector", collector, "--key", unit.folder / "keys/bob.key")
        with open(agent / "agent.toml", "a") as settings:
            settings.write(f"max_concurrent = {concurrent}\n")
        return unit

    def copy(self, folder):
        shutil.copytree(self.folder, base.fresh(folder))
        return Unit(folder, self.bins)

    def program(self, name):
        return self.bins / name

    def vigie(self, *arguments):
        return base.do(self.program("vigie"), "--json", "--unit", self.folder, *arguments)

    def agent(self, collector):
        return ["--config", self.folder / "agents" / collector / "agent.toml"]

    def state(self, collector):
        return self.folder / "agents" / collector / "state"

    @property
    def listen(self):
        for line in (self.folder / "vigie.toml").read_text().splitlines():
            if line.startswith("listen"):
                return "http://" + line.split('"')[1]
        raise base.NotCounted("the unit names no address")

    def start(self, wrap=()):
        log = open(self.folder / "registry.log", "ab")
        command = [*wrap, self.program("vigie"), "--unit", self.folder, "serve"]
        self.server = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, env=base.service_env("vigie-registry.service"))

        def up():
            if self.server.poll() is not None:
                raise base.NotCounted("the registry ended:\n" + (self.folder / "registry.log").read_text()[-2000:])
            try:
                return base.get(self.listen + "/healthz", 2)
            except OSError:
                return None

        base.until("the registry", up, 60)
        return self

    def stop(self):
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)
            self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def settled(self, seconds=600):
        """Waits until the index has followed the log; returns the log's size. Asks for a word that no record has: to count them all is no part of indexing."""
        size = int(base.get(self.listen + "/v1/checkpoint").decode().splitlines()[1])
        end = time.monotonic() + seconds
        while True:
            try:
                base.get(f"{self.listen}/v1/search?q=zzqzzqzz&limit=1&min_size={size}")
                return size
            except OSError:
                if time.monotonic() > end:
                    raise

    def total(self):
        return json.loads(base.get(self.listen + "/v1/search?q=&limit=1"))["total"]

    def counts(self, records):
        """The run counts: the reviewer's program finds the folder valid (7: a trial), and nothing is missing or doubled."""
        if self.server:
            raise base.NotCounted("stop the registry before its folder is judged")
        base.do(self.program("vigie-verify"), self.folder / "data", "--root", self.folder / "trust.toml", ok=(7,))
        import sqlite3
        db = sqlite3.connect(f"file:{self.folder}/data/index.sqlite?mode=ro", uri=True)
        found = db.execute("SELECT count(*) FROM items").fetchone()[0]
        indexed = db.execute("SELECT count(*) FROM search_doc").fetchone()[0]
        refused = db.execute("SELECT count(*) FROM refusals").fetchone()[0]
        db.close()
        if (found, indexed, refused) != (records, records, 0):
            raise base.NotCounted(f"{records} records are expected, {found} are kept, {indexed} indexed, {refused} refusals")

    def bytes(self, what):
        return sum(file.stat().st_size for file in (self.folder / what).rglob("*") if file.is_file())
