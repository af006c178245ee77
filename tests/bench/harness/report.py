"""The table, with ranges, and where the time goes."""
import os
import platform
import subprocess
import time

from . import base, profile


def _range(values, form="{:.0f}"):
    low, high = min(values), max(values)
    middle = form.format(base.median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(low)}–{form.format(high)})"


def _met(ok):
    return "yes" if ok else "**no**"


class Table:
    def __init__(self):
        self.lines = ["| what | Vigie | peer | ratio or figure | floor | met | goal later |", "| --- | --- | --- | --- | --- | --- | --- |"]

    def row(self, *cells):
        self.lines.append("| " + " | ".join(cells) + " |")


def _ratio(table, part, goal, final):
    """Units per CPU-second, agent alone and with the registry, each against the peer of the same round."""
    units = part["units"]
    peer = [units / run["cpu"] for run in part["peer"]]
    name = f"{part['peer_name']} {_range(peer)}"
    with_registry = [units / (run["cpu"] + run["registry_cpu"]) for run in part["ours"] if "registry_cpu" in run]
    ours = [units / run["cpu"] for run in part["ours"]]
    ratios = [a / b for a, b in zip(ours, peer)]
    table.row(f"{part['name']}: {part['unit']} per CPU-s", _range(ours), name, f"{_range(ratios, '{:.2f}')} ×", f"≥ {goal} ×", _met(base.median(ratios) >= goal), final)
    if with_registry:
        both = [a / b for a, b in zip(with_registry, peer)]
        table.row(f"{part['name']}: the registry's work included", _range(with_registry), name, f"{_range(both, '{:.2f}')} ×", "", "", "")
    for other, runs in part["others"].items():
        rate = [units / run["cpu"] for run in runs]
        both = [a / b for a, b in zip(ours, rate)]
        table.row(f"{part['name']}: {part['unit']} per CPU-s", _range(ours), f"{other} {_range(rate)}", f"{_range(both, '{:.2f}')} ×", "", "", "")


def _wall(part):
    ours = _range([part["units"] / run["wall"] for run in part["ours"]])
    peer = _range([part["units"] / run["wall"] for run in part["peer"]])
    memory = "; ".join(f"{who} {_range([run['rss'] for run in runs])} MB" for who, runs in (("Vigie", part["ours"]), (part["peer_name"], part["peer"])))
    return f"- {part['name']} ({part['detail']}): {ours} {part['unit']}/s by the wall, {part['peer_name']} {peer}; peak RSS of the largest process: {memory}."


def write(bench, found):
    feeds, pages, ingest, foot, queries = (found.get(name) for name in ("feeds", "pages", "ingest", "footprint", "queries"))
    table, notes = Table(), []
    if pages:
        _ratio(table, pages, 3, "≥ 8 × (A1)")
        notes.append(_wall(pages))
        sample = pages["ours"][-1]
        notes.append(f"- pages: {sample['segments']} segments, {sample['segment_bytes'] / 1e6:.1f} MB.")
    if feeds:
        _ratio(table, feeds, 15, "≥ 50 × (A4)")
        notes.append(_wall(feeds))
        sample = feeds["ours"][-1]
        notes.append(f"- feeds: {sample['segments']} segments, {sample['segment_bytes'] / 1e6:.1f} MB.")
    if ingest:
        _ratio(table, ingest, 0.5, "≥ 1.5 × (B2)")
        notes.append(_wall(ingest))
        answered = _range([ingest["units"] / run["answered"] for run in ingest["ours"]])
        notes.append(f"- ingest: {answered} records/s acknowledged by the wall; each acknowledgement is for a segment of 500, pushed one after the other over one connection.")
        floor = [run["p50_ms"] for run in ingest["syncs"]]
        for what, runs in (("ack p50 alone", ingest["alone"]), ("ack p50 while it indexes", ingest["ours"])):
            ours = [run["p50"] for run in runs]
            ratios = [a / b for a, b in zip(ours, floor)]
            table.row(f"{what}, ms", _range(ours, "{:.1f}"), f"same syncs {_range(floor, '{:.1f}')}", f"{_range(ratios, '{:.2f}')} ×", "≤ 3 ×", _met(base.median(ratios) <= 3), "≤ 6 × one 400 KB sync (B3)")
        notes.append(f"- ack p99 while it indexes: {_range([run['p99'] for run in ingest['ours']], '{:.1f}')} ms; rusqlite + FTS5 {_range([run['p99'] for run in ingest['peer']], '{:.1f}')} ms.")
    if foot:
        size = foot["stripped"].get("vigie-feed", 0)
        table.row("agent, stripped, MB", f"{size:.1f}", "", "", "≤ 12", _met(size <= 12), "")
        idle = [run["rss"] for run in foot["idle"]]
        table.row("idle with 100 sources, RSS MB", _range(idle, "{:.1f}"), "", f"private {_range([run['private'] for run in foot['idle']], '{:.1f}')}", "≤ 12", _met(base.median(idle) <= 12), "≤ 12 with 1,000 (E1)")
        busy = [run["rss"] for run in foot["busy"]]
        table.row("32 in flight of 190 KB, peak RSS MB", _range(busy, "{:.1f}"), "", "", "≤ 24", _met(base.median(busy) <= 24), "≤ 24 (A6)")
        table.row("start to first request, ms", _range(foot["first"], "{:.1f}"), "", "", "≤ 20", _met(base.median(foot["first"]) <= 20), "≤ 20 with 1,000 sources (A6)")
        notes.append(f"- idle CPU: {_range([run['cpu_ms_per_s'] for run in foot['idle']], '{:.2f}')} ms a second. Sizes stripped: " + ", ".join(f"{name} {mb:.1f} MB" for name, mb in foot["stripped"].items()) + ".")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=base.REPO, capture_output=True, text=True).stdout.strip()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    out = [
        "# Benchmarks", "",
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {commit or 'no commit'}, {os.cpu_count()} × {cpu}, load {os.getloadavg()[0]:.1f} at the end, {bench.rounds} rounds"
        + (", **quick: small data, figures are no result**." if bench.quick else ".") + " Medians, (lowest–highest). Each round has its peer beside it; the ratio is taken round by round.", "",
        *table.lines, "", *notes, *(f"- {note}" for note in bench.notes), "",
    ]
    if queries:
        out += ["## Queries", "", f"Over HTTP on loopback, full records returned, {queries['records']} records, milliseconds p50 / p99; SQLite FTS5 in its own process, in Python.", "",
                "| query | Vigie | SQLite FTS5 | hits |", "| --- | --- | --- | --- |",
                *(f"| {name} | {a[0]:.2f} / {a[1]:.2f} | {f'{b[0]:.2f} / {b[1]:.2f}' if b else '–'} | {a[2]}{f' / {b[2]}' if b else ''} |" for name, a, b in queries["rows"]), ""]
    for name in ("pages", "pages, registry", "feeds", "feeds, registry", "ingest"):
        shares = profile.table(name)
        if shares:
            out += [f"## Where the time goes: {name}", "", "| part | share of CPU |", "| --- | --- |", *(f"| {kind} | {share:.1f} % |" for kind, share in shares[0]), "",
                    "Heaviest: " + "; ".join(f"`{symbol[:90]}` {share:.1f} %" for share, symbol in shares[1]) + ".", ""]
    text = "\n".join(out)
    (base.WORK / "report.md").write_text(text)
    return text
