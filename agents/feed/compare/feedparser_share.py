"""How many of the checks that came with the real feeds does feedparser itself hold?

Usage: python3 feedparser_share.py ../shared/real/feeds target/feedparser-share.json
(in an environment that has feedparser: python3 -m venv target/venv && target/venv/bin/pip install feedparser)

Writes one list of booleans a file, in the order of its checks, and prints the share and the processor time that parsing took.
The checks were written for feedparser, so nearly all of them hold: what does not is a matter of versions.
"""

import datetime
import json
import pathlib
import sys
import time
import warnings

import feedparser

warnings.filterwarnings("ignore")


def value_at(parsed, path):
    found = parsed
    for step in path:
        found = found[step]
    return found


def plain(value):
    if isinstance(value, time.struct_time):
        return list(value)
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return value


def holds(parsed, check):
    operator = check["op"]
    try:
        found = value_at(parsed, check["path"])
    except (KeyError, IndexError, TypeError, AttributeError):
        return operator == "falsy"
    if operator == "==":
        return plain(found) == check["value"]
    if operator == "falsy":
        return not found
    if operator == "truthy":
        return bool(found)
    if operator == "not has":
        return check["value"] not in found
    if operator == "len==":
        return len(found) == check["value"]
    raise ValueError(f"unknown operator {operator}")


def main(folder, out):
    folder = pathlib.Path(folder)
    verdicts, checks, kept, seconds, read_bytes = {}, 0, 0, 0.0, 0
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        data = (folder / row["file"]).read_bytes()
        # What feedparser's own test server adds. Files about a missing content type get none.
        headers = {"content-location": "http://127.0.0.1:8097/", **row.get("headers", {})}
        if "no_content_type" not in row["file"]:
            headers.setdefault("content-type", "application/xml")
        began = time.process_time()
        try:
            parsed = feedparser.parse(data, response_headers=headers)
        except Exception as error:  # a crash is a verdict as well
            print(f"{row['file']}: {error!r}", file=sys.stderr)
            parsed = {"bozo": True, "feed": {}, "entries": []}
        seconds += time.process_time() - began
        read_bytes += len(data)
        if "checks" in row:
            verdicts[row["file"]] = [holds(parsed, check) for check in row["checks"]]
            checks += len(row["checks"])
            kept += sum(verdicts[row["file"]])
    pathlib.Path(out).write_text(json.dumps(verdicts), encoding="utf-8")
    print(f"feedparser {feedparser.__version__}: {kept} of {checks} checks, {seconds:.2f} s for {read_bytes} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:3])
