"""What is measured. Each function starts what it needs, measures, and ends it."""

import json
import os
import sqlite3
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import postgres

from .programs import Bridge, Floor, Harness, Programs, log_in, until

WAYS = ("r2m", "m2r")


def place() -> str:
    """A folder on the disk that the project is on: /tmp may be memory, where a sync costs nothing."""
    return os.environ.get("BENCH_DIR", ".")


@contextmanager
def fresh_folder():
    """A folder for one program. What others wrote before is on the disk: else the first syncs wait for that."""
    os.sync()
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=place()) as name:
        yield Path(name).resolve()


@contextmanager
def floor_running(programs: Programs, rooms: int = 1):
    with fresh_folder() as folder, Harness(programs, folder, "--open-rooms", "--qq-groups", rooms) as harness:
        harness.ask(op="map_auto", n=rooms)
        with Floor(programs) as floor:
            harness.polled()
            yield harness, floor


@contextmanager
def bridge_running(programs: Programs, *flags):
    with fresh_folder() as folder, Harness(programs, folder, *flags) as harness, Bridge(programs, folder) as bridge:
        log_in(harness)
        yield harness, bridge, folder


def journal(programs: Programs, commits: int) -> dict:
    """What one commit costs on this disk."""
    with fresh_folder() as folder:
        return json.loads(subprocess.check_output([programs.harness / "journal", folder, str(commits)]))


def relay(programs: Programs, messages: int, seconds: int, repeats: int) -> dict:
    """Floor and bridge in turns, saturated and at 50 messages a second, both ways, in one room; the medians."""
    floors, bridges = [], []
    for _ in range(repeats):
        with floor_running(programs) as (harness, floor):
            floors.append(both_ways(harness, floor.pid, messages, seconds))
        with bridge_running(programs) as (harness, bridge, _):
            bridges.append(both_ways(harness, bridge.pid, messages, seconds))
    return {"floor": medians(floors), "bridge": medians(bridges)}


def both_ways(harness: Harness, pid: int, messages: int, seconds: int, rooms: int = 1) -> dict:
    harness.load(pid, "r2m", n=max(200, rooms), rate=0, rooms=rooms)  # makes the rooms and the ghosts
    settle(harness)
    figures = {}
    for way in WAYS:
        figures[way] = harness.load(pid, way, n=messages, rate=0, rooms=rooms)
        figures[f"{way}_50"] = harness.load(pid, way, n=50 * seconds, rate=50, rooms=rooms)
    return figures


def medians(runs: list[dict]) -> dict:
    """For each load the run whose cost is in the middle, with what all runs cost beside it."""
    chosen = {}
    for load in runs[0]:
        ordered = sorted((run[load] for run in runs), key=lambda figures: figures["cpu_us_per_msg"])
        chosen[load] = ordered[(len(ordered) - 1) // 2]
        chosen[load]["cpu_us_of_all_runs"] = [figures["cpu_us_per_msg"] for figures in ordered]
    return chosen


def many_rooms(programs: Programs, messages: int, rooms: int) -> dict:
    """The same with many rooms at work at once."""
    with floor_running(programs, rooms) as (harness, floor):
        least = {way: harness.load(floor.pid, way, n=messages, rate=0, rooms=rooms) for way in WAYS}
    with bridge_running(programs, "--qq-groups", rooms) as (harness, bridge, _):
        harness.load(bridge.pid, "r2m", n=rooms, rate=0, rooms=rooms, spr=1)
        settle(harness)
        ours = {way: harness.load(bridge.pid, way, n=messages, rate=0, rooms=rooms, spr=1) for way in WAYS}
    return {"rooms": rooms, "floor": least, "bridge": ours}


def on_postgres(programs: Programs, messages: int, rooms: int) -> dict:
    """The bridge on a PostgreSQL that syncs, saturated, in one room and in many; CPU without the server's."""
    figures = {}
    for count in (1, rooms):
        with postgres.running(place(), "") as address:
            on_server = replace(programs, database={"type": "postgres", "uri": address})
            with bridge_running(on_server, "--qq-groups", count) as (harness, bridge, _):
                harness.load(bridge.pid, "r2m", n=max(200, count), rate=0, rooms=count, spr=1)
                settle(harness)
                loads = {way: harness.load(bridge.pid, way, n=messages, rate=0, rooms=count, spr=1) for way in WAYS}
        figures[count] = loads
    return figures


def intake(programs: Programs, messages: int) -> dict:
    """How fast the bridge takes in what a homeserver has piled up: events with a 200, each second."""
    with bridge_running(programs) as (harness, bridge, _):
        harness.load(bridge.pid, "r2m", n=100, rate=0)
        settle(harness)
        figures = harness.load(bridge.pid, "m2r", n=messages, rate=0, window=messages)
    figures["acknowledged_per_s"] = round(messages / figures["acknowledged_s"])
    return figures


def memory(programs: Programs, rooms: int) -> dict:
    """Memory with one room and with many, and how long a start takes with all of them and with many contacts."""
    figures = {"rooms": rooms}
    with bridge_running(programs) as (harness, bridge, _):
        harness.load(bridge.pid, "r2m", n=10, rate=0)
        settle(harness)
        figures["idle_mib"] = bridge.memory_mib()
        harness.load(bridge.pid, "r2m", n=5000, rate=0)
        settle(harness)
        figures["loaded_mib"] = bridge.memory_mib()
    figures["with_rooms"] = before_and_after_a_start(programs, rooms)
    figures["with_contacts"] = before_and_after_a_start(programs, rooms, "--qq-friends", 20000)
    return figures


def before_and_after_a_start(programs: Programs, rooms: int, *flags) -> dict:
    """Makes rooms and starts again with them."""
    figures = {}
    with fresh_folder() as folder, Harness(programs, folder, "--qq-groups", rooms, *flags) as harness:
        with Bridge(programs, folder) as bridge:
            log_in(harness)
            harness.load(bridge.pid, "r2m", n=4 * rooms, rate=0, rooms=rooms)
            settle(harness)
            figures["made_mib"] = bridge.memory_mib()
        polls = harness.ask(op="stats")["polls"]
        with Bridge(programs, folder) as bridge:
            begun = time.monotonic() - bridge.ready_after_s
            figures["ready_after_s"] = bridge.ready_after_s
            until(lambda: harness.ask(op="stats")["polls"] > polls, "the session to be taken up")
            figures["polling_after_s"] = time.monotonic() - begun
            settle(harness)
            figures["idle_mib"] = bridge.memory_mib()
    return figures


def growth(programs: Programs, messages: int, steps: int = 10) -> list[dict]:
    """Memory and cost while many messages pass, half of them each way."""
    points = []
    with bridge_running(programs) as (harness, bridge, _):
        harness.load(bridge.pid, "r2m", n=200, rate=0)
        settle(harness)
        for step in range(steps + 1):
            points.append({"messages": step * messages // steps, "mib": bridge.memory_mib()})
            if step < steps:
                for way in WAYS:
                    harness.load(bridge.pid, way, n=messages // steps // 2, rate=0)
                settle(harness)
    return points


def newcomers(programs: Programs, people: int) -> dict:
    """What the first message of a member who was never seen asks of the homeserver."""
    seen = 50
    with bridge_running(programs, "--qq-members", seen + people) as (harness, bridge, _):
        harness.load(bridge.pid, "r2m", n=50, rate=0)
        settle(harness)
        figures = harness.load(bridge.pid, "r2m", n=people, rate=0, new=True, sender0=seen)
    asked = {name: count for name, count in figures["requests"].items() if name.split()[0] in ("GET", "PUT", "POST")}
    figures["requests_each"] = {name: round(count / people, 2) for name, count in asked.items()}
    figures["homeserver_requests_each"] = round(sum(asked.values()) / people, 2)
    return figures


def over_rooms(programs: Programs, counts: list[int], messages: int) -> list[dict]:
    """The cost of a message with more and more rooms, all of them in use."""
    points = []
    for rooms in counts:
        with bridge_running(programs, "--qq-groups", rooms, "--qq-members", 1) as (harness, bridge, _):
            # Twice in each: with the first words there, more is learned of the group and of who said them.
            harness.load(bridge.pid, "r2m", n=2 * rooms, rate=0, rooms=rooms, spr=1)
            settle(harness)
            point = {"rooms": rooms}
            for way in WAYS:
                load = harness.load(bridge.pid, way, n=max(messages, rooms), rate=0, rooms=rooms, spr=1)
                point[way] = load["cpu_us_per_msg"]
            points.append(point | {"mib": bridge.memory_mib()})
    return points


def over_history(programs: Programs, counts: list[int], messages: int) -> list[dict]:
    """The cost of a message with more and more history in the database."""
    points = []
    for rows in counts:
        with fresh_folder() as folder, Harness(programs, folder) as harness:
            with Bridge(programs, folder) as bridge:
                log_in(harness)
                harness.load(bridge.pid, "r2m", n=100, rate=0)
                settle(harness)
            write_history(folder / "bench.db", rows)
            polls = harness.ask(op="stats")["polls"]
            with Bridge(programs, folder) as bridge:
                until(lambda before=polls: harness.ask(op="stats")["polls"] > before, "the session to be taken up")
                harness.load(bridge.pid, "r2m", n=100, rate=0)
                settle(harness)
                rest(bridge.pid)
                point = {"rows": rows}
                for way in WAYS:
                    point[way] = harness.load(bridge.pid, way, n=messages, rate=0)["cpu_us_per_msg"]
                points.append(point | {"mib": bridge.memory_mib()})
    return points


def write_history(database: Path, rows: int):
    """Writes `rows` rows that are over into each table that grows, as copies of those that the bridge wrote."""
    now_ms = int(time.time() * 1000)
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA synchronous = OFF")
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
        for table, changed in (
            ("inbox", {"dedup_key"}),
            ("outbox", {"dedup_key"}),
            ("message", {"message_key", "event_id"}),
        ):
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] != "seq"]
            values = [f"{name} || '/' || i" if name in changed else name for name in columns]
            done = {"inbox": "WHERE state = 'done'", "outbox": "WHERE state = 'sent'"}.get(table, "")
            source = f"(SELECT * FROM {table} {done} LIMIT 1)"
            db.execute(
                f"{numbers} INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {source}, n"
            )
        db.execute("UPDATE inbox SET received_at_ms = ? WHERE state = 'done'", (now_ms,))
        db.execute("UPDATE outbox SET sent_at_ms = ? WHERE state = 'sent'", (now_ms,))
    db.close()
    os.sync()  # not by the bridge, with its next sync


def settle(harness: Harness):
    harness.ask(op="wait", what="queue_empty")
    harness.ask(op="wait", what="quiet", ms=500, timeout=30)


def rest(pid: int):
    """Waits until the program does nothing for a second: after a start it takes the books of the last day."""

    def spent():
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]

    before = None
    while before != (before := spent()):
        time.sleep(1)
