"""What is measured. Each part takes turns with its peers, round by round, and returns rows."""
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from . import base, profile
from .unit import Unit

BATCH = 500


class Bench:
    def __init__(self, bins, quick, rounds):
        self.bins, self.quick, self.rounds = bins, quick, rounds
        self.pages, self.feeds, self.records = (200, 60, 10_000) if quick else (2_000, 300, 100_000)
        self.site = base.WORK / f"site-{self.pages}-{self.feeds}-{base.ORIGIN_PORT}"
        self.posts = base.WORK / f"posts-{self.records}.jsonl"
        self.units = base.WORK / "units"
        self.python = base.WORK / "venv/bin/python"
        self.registry_port = base.free_port()
        self.notes = []

    def prepare(self):
        """Generated data: seeded, so the same everywhere."""
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        gen = base.SHARED / "gen"
        if not (self.site / "done").exists():
            base.say(f"generating {self.pages} pages and {self.feeds} feeds")
            base.fresh(self.site).mkdir(parents=True)
            subprocess.run(["python3", gen / "site.py", self.site, str(self.pages), str(self.feeds), f"http://127.0.0.1:{base.ORIGIN_PORT}"], check=True, env=env)
            (self.site / "done").touch()
        if not (self.site / "posts/done").exists():
            base.say(f"generating {self.records} posts")
            subprocess.run(["python3", gen / "records.py", self.posts, str(self.records)], check=True, env=env)
            (self.site / "posts").mkdir(exist_ok=True)
            with open(self.posts, encoding="utf-8") as lines:
                for n in range(self.records // BATCH):
                    batch = ",".join(line.rstrip("\n") for line in itertools.islice(lines, BATCH))
                    (self.site / f"posts/{n}.json").write_text('{"posts":[' + batch + "]}")
            (self.site / "posts/done").touch()
        for at, count in enumerate(self.listings()):
            first = sum(self.listings()[:at])
            links = "".join(f'<li class="entry"><a href="/a/{n}.html">article {n}</a></li>\n' for n in range(first, first + count))
            (self.site / f"list-{at}.html").write_text(f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Listing {at}</title></head><body><main><ul class="listing">{links}</ul></main></body></html>')

    def listings(self):
        """Articles of each listing page: as many listings as the peers have requests in flight, so that we have, too."""
        each, left = divmod(self.pages, 32)
        return [each + (n < left) for n in range(32)]

    def url(self, path):
        return f"http://127.0.0.1:{base.ORIGIN_PORT}/{path}"

    def collect(self, unit, collector, profile_as=None):
        """One `once` of an agent against a running registry, until everything is searchable."""
        with unit:
            before = base.cpu_of(unit.server.pid)
            command = [unit.program(f"vigie-{collector}"), "once", *unit.agent(collector)]
            if profile_as:
                with profile.of_pid(unit.server.pid, f"{profile_as}, registry"):
                    sample = base.measured(profile.wrap(profile_as, command), unit.folder / "agent.log")
                    unit.settled()
            else:
                sample = base.measured(command, unit.folder / "agent.log")
                unit.settled()
            sample["registry_cpu"] = base.cpu_of(unit.server.pid) - before
        if sample["code"] != 0:
            raise base.NotCounted(f"the agent ended with {sample['code']}:\n" + (unit.folder / "agent.log").read_text()[-2000:])
        sample["segments"] = len(list((unit.state(collector) / "outbox").glob("*.warc.gz")))
        sample["segment_bytes"] = sum(file.stat().st_size for file in (unit.state(collector) / "outbox").glob("*.warc.gz"))
        return sample

    def peer(self, name, script, *arguments):
        sample = base.measured([self.python, base.SHARED / "collect" / script, *arguments], base.WORK / "peer.log")
        if sample["code"] != 0:
            raise base.NotCounted(f"{name} ended with {sample['code']}:\n" + (base.WORK / "peer.log").read_text()[-2000:])
        return sample

    # feeds

    def feeds_part(self):
        urls = self.site / "feeds.txt"
        items = sum((self.site / f"f/{n}.xml").read_text().count("<item>") for n in range(self.feeds))
        seeds = urls.read_text().split()
        template = Unit.make(self.units / "feeds", self.bins, self.registry_port, "feed", seeds)
        ours, peers, scrapy = [], [], []
        with base.Origin(self.site):
            for n in range(self.rounds):
                peers.append(self.peer("aiohttp + feedparser", "aio_loop.py", "aiohttp", urls, base.WORK / "peer.jsonl", "feeds"))
                unit = template.copy(self.units / "run")
                ours.append(self.collect(unit, "feed"))
                unit.counts(items)
                scrapy.append(self.peer("scrapy feeds", "scrapy_spider.py", urls, base.WORK / "peer.jsonl", "feeds"))
                base.say(f"feeds, round {n + 1}: ours {self.feeds / ours[-1]['cpu']:.0f}/CPU-s, aiohttp + feedparser {self.feeds / peers[-1]['cpu']:.0f}/CPU-s")
            if profile.possible(self.bins):
                self.collect(Unit(template.copy(self.units / "run").folder, profile.programs(self.bins)), "feed", "feeds")
        return {
            "name": "feeds", "unit": "feeds", "units": self.feeds, "detail": f"{self.feeds} feeds, {items} items",
            "ours": ours, "peer": peers, "peer_name": "aiohttp + feedparser", "others": {"Scrapy (XPath)": scrapy},
        }

    # pages

    def pages_part(self):
        if not (self.bins / "vigie-web").exists():
            self.notes.append("pages were not measured: there is no `vigie-web`")
            return None
        urls = self.site / "urls.txt"
        recipe = (Path(__file__).parent.parent / "articles.toml").read_text()
        seeds = [self.url(f"list-{n}.html") for n in range(len(self.listings()))]
        template = Unit.make(self.units / "pages", self.bins, self.registry_port, "web", seeds, recipe=("articles.toml", recipe))
        ours, peers = [], []
        with base.Origin(self.site):
            for n in range(self.rounds):
                peers.append(self.peer("scrapy", "scrapy_spider.py", urls, base.WORK / "peer.jsonl"))
                unit = template.copy(self.units / "run")
                ours.append(self.collect(unit, "web"))
                unit.counts(self.pages)
                base.say(f"pages, round {n + 1}: ours {self.pages / ours[-1]['cpu']:.0f}/CPU-s, Scrapy {self.pages / peers[-1]['cpu']:.0f}/CPU-s")
            if profile.possible(self.bins):
                self.collect(Unit(template.copy(self.units / "run").folder, profile.programs(self.bins)), "web", "pages")
        return {
            "name": "pages", "unit": "pages", "units": self.pages, "detail": f"{self.pages} pages, mean {sum(f.stat().st_size for f in (self.site / 'a').iterdir()) // self.pages >> 10} KB, from {len(seeds)} listings",
            "ours": ours, "peer": peers, "peer_name": "Scrapy", "others": {},
        }

    # ingest

    def segments(self):
        """A unit whose agent has collected all posts and pushed nothing; and the unit as it was before any push."""
        count = self.records // BATCH
        seeds = [self.url(f"posts/{n}.json") for n in range(count)]
        unit = Unit.make(self.units / "ingest", self.bins, self.registry_port, "posts", seeds)
        agent = [unit.program("bench-posts")]
        with unit:
            base.do(*agent, "plan", *unit.agent("posts"), ok=(0, 3))
        with base.Origin(self.site):
            # Nobody listens: the policy is at hand, and everything stays in the outbox.
            base.do(*agent, "once", *unit.agent("posts"))
        outbox = unit.state("posts") / "outbox"
        files = sorted(outbox.glob("*.warc.gz"))
        if len(files) != count:
            raise base.NotCounted(f"{count} segments are expected, {len(files)} were made")
        kept = base.fresh(base.WORK / "segments")
        kept.mkdir()
        return unit, [Path(shutil.move(file, kept / file.name)) for file in files]

    def push(self, unit, files, settle_each=False):
        """PUTs segments one after the other, as one agent does; milliseconds of each acknowledgement."""
        connection = http.client.HTTPConnection(unit.listen.removeprefix("http://"))
        took = []
        for file in files:
            name = file.name.split("-", 1)[1].removesuffix(".warc.gz")
            body = file.read_bytes()
            begun = time.perf_counter()
            connection.request("PUT", f"/v1/segments/{name}?from=0", body, {"content-type": "application/warc"})
            answer = connection.getresponse()
            text = answer.read()
            took.append((time.perf_counter() - begun) * 1e3)
            if answer.status != 200 or b'"type\\":\\"receipt' not in text:
                raise base.NotCounted(f"{file.name}: {answer.status} {text[:500]}")
            if settle_each:
                unit.settled()
        return sorted(took)

    def ingest_part(self):
        template, files = self.segments()
        pushed = Unit(self.units / "run", self.bins)
        floor = base.WORK / "rs/release/sqlite_ingest"
        ours, peers, acks, alone, syncs = [], [], [], [], []
        few = files[:min(60, len(files))]
        for n in range(self.rounds):
            out = base.WORK / "peer.log"
            sample = base.measured([floor, base.WORK / "floor.db", self.posts, "fts=unicode", f"batch={BATCH}"], out)
            peers.append({**sample, **base.jsonl(out)[0]})
            unit = template.copy(pushed.folder)
            with unit:
                before, client, begun = base.cpu_of(unit.server.pid), time.process_time(), time.perf_counter()
                took = self.push(unit, files)
                answered = time.perf_counter() - begun
                unit.settled()
                ours.append({
                    "cpu": base.cpu_of(unit.server.pid) - before + time.process_time() - client, "wall": time.perf_counter() - begun, "answered": answered,
                    "rss": base.peak_of(unit.server.pid),
                    "code": 0, "p50": took[len(took) // 2], "p99": took[(len(took) - 1) * 99 // 100],
                })
                acks.append(took)
            unit.counts(self.records)
            if n + 1 < self.rounds or not self.keep_run:
                base.fresh(unit.folder)
            folder = base.fresh(base.WORK / "syncs")
            # What the round left unwritten would be paid by the next to sync.
            os.sync()
            syncs.append(json.loads(base.do(self.bins / "bench-syncs", folder, *few)))
            base.fresh(folder)
            quiet = template.copy(self.units / "quiet")
            os.sync()
            with quiet:
                took = self.push(quiet, few, settle_each=True)
                alone.append({"p50": took[len(took) // 2], "p99": took[-1]})
            base.say(f"ingest, round {n + 1}: ours {self.records / ours[-1]['cpu']:.0f}/CPU-s, rusqlite + FTS5 {self.records / peers[-1]['cpu']:.0f}/CPU-s; ack p50 {ours[-1]['p50']:.1f} ms under load, {alone[-1]['p50']:.1f} alone, floor {syncs[-1]['p50_ms']:.1f}")
        if profile.possible(self.bins):
            unit = Unit(template.copy(self.units / "profiled").folder, profile.programs(self.bins))
            with unit, profile.of_pid(unit.server.pid, "ingest"):
                self.push(unit, files)
                unit.settled()
        return {
            "name": "ingest", "unit": "records", "units": self.records, "detail": f"{self.records} records, {len(files)} segments of {BATCH}",
            "ours": ours, "peer": peers, "peer_name": "rusqlite, WAL, FULL, FTS5", "others": {}, "alone": alone, "syncs": syncs,
        }

    keep_run = True

    # footprint

    def footprint_part(self):
        rows = {"stripped": {name: (self.bins / name).stat().st_size / 1e6 for name in ("vigie-feed", "vigie-web", "vigie-mastodon", "vigie", "vigie-verify") if (self.bins / name).exists()}}
        root = base.WORK / "slow"
        (base.fresh(root) / "f").mkdir(parents=True)
        body = (self.site / "f/0.xml").read_text()
        head, item, tail = body[:body.index("<item>")], body[body.index("<item>"):body.index("</channel>")], body[body.index("</channel>"):]
        big = item
        while len((head + big + tail).encode()) < 190_000:
            big += item.replace("g-0-", f"g-{len(big)}-")
        for n in range(100):
            (root / f"f/{n}.xml").write_text(head.replace("<title>", f"<title>{n} ", 1) + big.replace("g-", f"g{n}-") + tail)
        seeds = [self.url(f"f/{n}.xml") for n in range(100)]
        template = Unit.make(self.units / "foot", self.bins, self.registry_port, "feed", seeds, schedule="every 12h")
        idle, busy, first = [], [], []
        with base.Origin(root, slow=40):
            for _ in range(self.rounds):
                unit = template.copy(self.units / "run2")
                with unit:
                    agent = subprocess.Popen([unit.program("vigie-feed"), "run", *unit.agent("feed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=base.agent_env())
                    time.sleep(5)
                    before = base.cpu_of(agent.pid)
                    time.sleep(5 if self.quick else 20)
                    idle.append({**base.memory_of(agent.pid), "cpu_ms_per_s": (base.cpu_of(agent.pid) - before) * 1e3 / (5 if self.quick else 20)})
                    agent.terminate()
                    agent.wait()
                    busy.append(self.in_flight(unit))
        for _ in range(5):
            first.append(self.first_request(template))
        base.say(f"footprint: idle {base.median([i['rss'] for i in idle]):.1f} MB, in flight {base.median([b['rss'] for b in busy]):.1f} MB, first request after {base.median(first):.1f} ms")
        return {**rows, "idle": idle, "busy": busy, "first": sorted(first)}

    def in_flight(self, unit):
        """Peak RSS of an agent with 32 answers of 190 KB on their way, and how many there were at once."""
        agent = subprocess.Popen([str(unit.program("vigie-feed")), "once", *map(str, unit.agent("feed"))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=base.agent_env())
        most = peak = 0
        port = f":{base.ORIGIN_PORT:04X}"
        while agent.poll() is None:
            lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
            most = max(most, sum(1 for line in lines if line.split()[2].endswith(port) and line.split()[3] == "01"))
            peak = base.peak_of(agent.pid) or peak
            time.sleep(0.05)
        if agent.wait() != 0 or most < 32:
            raise base.NotCounted(f"the agent ended with {agent.returncode}; at most {most} requests were in flight")
        return {"rss": peak, "in_flight": most}

    def first_request(self, template):
        """Milliseconds from the start of the agent, 100 sources configured and the policy at hand, to the first bytes at a source."""
        unit = template.copy(self.units / "run2")
        with unit:
            base.do(unit.program("vigie-feed"), "plan", *unit.agent("feed"), ok=(0, 3))
        heard = []
        listener = socket.create_server(("127.0.0.1", base.ORIGIN_PORT), backlog=256)

        def listen():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if connection.recv(1) and not heard:
                    heard.append(time.perf_counter())
                connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        begun = time.perf_counter()
        agent = subprocess.Popen([str(unit.program("vigie-feed")), "once", *map(str, unit.agent("feed"))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=base.agent_env())
        base.until("the first request", lambda: heard, 30)
        agent.kill()
        agent.wait()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        return (heard[0] - begun) * 1e3

    # queries

    def queries_part(self):
        """The records of the last ingest round and the floor's database: run the part `ingest` before."""
        unit = Unit(self.units / "run", self.bins)
        floor = base.WORK / "floor.db"
        if not (unit.folder / "data").is_dir() or not floor.exists():
            raise base.NotCounted("there is nothing to search: the part `ingest` was not run before")
        asked = json.loads(Path(f"{self.posts}.queries.json").read_text())
        printed = base.do(self.python, base.SHARED / "registry/sqlite_query.py", floor, f"{self.posts}.queries.json")
        peer = {line["what"]: (line["ms_p50"], line["p99"], line["hits"]) for line in map(json.loads, printed.splitlines()) if "ms_p50" in line}
        day = lambda second: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        kinds = [
            ("two words, top 20 by time", "sqlite two_words by published", asked["two_words"], lambda q: f'"{q["a"]}" "{q["b"]}"', ""),
            ("one word, top 20 by time", "sqlite one_word by published", asked["facets"], lambda q: f'"{q["a"]}"', ""),
            ("phrase, top 20 by time", "sqlite phrase by published", asked["phrase"], lambda q: f'"{q["a"]} {q["b"]}"', ""),
            ("prefix of 4 letters, top 20 by time", "sqlite prefix by published", asked["prefix"], lambda q: f'{q["a"]}*', ""),
            ("platform + author + time, top 20", "sqlite filter", asked["filter"], lambda q: f'platform:{q["platform"]} author:"{q["author"]}" after:{day(q["from"])} before:{day(q["to"] + 1)}', ""),
            ("one word with facets", "sqlite facets", asked["facets"], lambda q: f'"{q["a"]}"', "&facets=true"),
            ("Chinese, 3 characters", "sqlite zh_sub3", asked["zh_sub"], lambda q: f'"{q["a"]}"', ""),
            ("Chinese, 4 characters", "sqlite zh_sub4", asked["zh_sub"], lambda q: f'"{q["b"]}"', ""),
        ]
        rows = []
        with unit:
            connection = http.client.HTTPConnection(unit.listen.removeprefix("http://"))

            def find(text, more):
                connection.request("GET", f"/v1/search?limit=20&q={urllib.parse.quote(text)}{more}")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    raise base.NotCounted(f"{text}: {answer.status} {body[:300]}")
                return body

            for name, theirs, questions, words, more in kinds:
                took, hits = [], 0
                for warm in (True, False):
                    for question in questions:
                        begun = time.perf_counter()
                        body = find(words(question), more)
                        if not warm:
                            took.append((time.perf_counter() - begun) * 1e3)
                            hits += len(json.loads(body)["hits"])
                took.sort()
                if not took:
                    continue
                other = peer.get(theirs)
                rows.append((name, (took[len(took) // 2], took[(len(took) - 1) * 99 // 100], hits), other))
        return {"records": self.records, "rows": rows}
