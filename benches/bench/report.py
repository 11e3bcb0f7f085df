"""The figures as tables, for people and for docs/performance.md, and as plots."""

from pathlib import Path

from . import plot

LOADS = {
    "r2m": "QQ to Matrix, saturated",
    "m2r": "Matrix to QQ, saturated",
    "r2m_50": "QQ to Matrix, 50/s",
    "m2r_50": "Matrix to QQ, 50/s",
}


def tables(figures: dict) -> str:
    """All figures that there are, as Markdown."""
    parts = []
    if "journal" in figures:
        parts.append(journal_table(figures["journal"]))
    if "relay" in figures:
        parts.append(relay_table(figures["relay"]))
        parts.append(latency_table(figures["relay"]["bridge"], figures.get("journal")))
        parts.append(faults(figures["relay"]["bridge"]))
    if "many_rooms" in figures:
        parts.append(many_rooms_table(figures["many_rooms"]))
    if "on_postgres" in figures:
        parts.append(postgres_table(figures["on_postgres"]))
    parts.append(single_figures(figures))
    for name, column in (("over_rooms", "rooms"), ("over_history", "rows")):
        if name in figures:
            parts.append(curve_table(figures[name], column))
    if "growth" in figures:
        parts.append(table(["messages", "MiB"], [[f"{p['messages']:,}", f"{p['mib']:.1f}"] for p in figures["growth"]]))
    return "\n\n".join(part for part in parts if part)


def journal_table(costs: dict) -> str:
    rows = [[n, f"{c['p50_us']:,.0f} µs", f"{c['p99_us']:,.0f} µs", f"{c['cpu_us']:,.0f} µs"] for n, c in costs.items()]
    return table(["rows in one commit", "p50", "p99", "CPU for each commit"], rows)


def relay_table(relay: dict) -> str:
    rows = []
    for load, name in LOADS.items():
        least, ours = relay["floor"][load], relay["bridge"][load]
        ratio = ours["cpu_us_per_msg"] / max(least["cpu_us_per_msg"], 0.1)
        runs = ", ".join(f"{cost:,.0f}" for cost in ours["cpu_us_of_all_runs"])
        cells = [f"{least['cpu_us_per_msg']:,.0f} µs", f"{ours['cpu_us_per_msg']:,.0f} µs", f"{ratio:.1f}", runs]
        rows.append([name, *cells, f"{least['msg_per_s']:,.0f}", f"{ours['msg_per_s']:,.0f}"])
    heads = [
        "one room",
        "floor, CPU",
        "bridge, CPU",
        "ratio",
        "bridge, all runs",
        "floor, messages/s",
        "bridge, messages/s",
    ]
    return table(heads, rows)


def latency_table(bridge: dict, journal: dict | None) -> str:
    rows = []
    for load, name in LOADS.items():
        latency = bridge[load]["latency_ms"]
        rows.append([name, f"{latency['p50']:.1f} ms", f"{latency['p99']:.1f} ms"])
    if journal:
        one = journal["1"]
        rows.append(["one commit", f"{one['p50_us'] / 1e3:.1f} ms", f"{one['p99_us'] / 1e3:.1f} ms"])
    return table(["latency", "p50", "p99"], rows)


def faults(bridge: dict) -> str:
    kinds = ("lost", "dups", "order_violations", "misrouted")
    counts = {kind: sum(load.get(kind) or 0 for load in bridge.values()) for kind in kinds}
    return (
        "Of all these messages: "
        + ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counts.items())
        + "."
    )


def many_rooms_table(many: dict) -> str:
    rows = []
    for way in ("r2m", "m2r"):
        least, ours = many["floor"][way], many["bridge"][way]
        ratio = ours["cpu_us_per_msg"] / max(least["cpu_us_per_msg"], 0.1)
        cells = [f"{least['cpu_us_per_msg']:,.0f} µs", f"{ours['cpu_us_per_msg']:,.0f} µs", f"{ratio:.1f}"]
        rows.append([LOADS[way], *cells, f"{least['msg_per_s']:,.0f}", f"{ours['msg_per_s']:,.0f}"])
    heads = [f"{many['rooms']} rooms", "floor, CPU", "bridge, CPU", "ratio", "floor, messages/s", "bridge, messages/s"]
    return table(heads, rows)


def postgres_table(on_postgres: dict) -> str:
    rows = []
    for rooms, loads in on_postgres.items():
        for way, load in loads.items():
            cells = [f"{load['cpu_us_per_msg']:,.0f} µs", f"{load['msg_per_s']:,.0f}"]
            rows.append([f"{LOADS[way]}, {rooms} room{'s' if rooms > 1 else ''}", *cells])
    heads = ["PostgreSQL", "bridge, CPU without the server's", "messages/s"]
    loads = {(rooms, way): load for rooms, loads in on_postgres.items() for way, load in loads.items()}
    return f"{table(heads, rows)}\n\n{faults(loads)}"


def single_figures(figures: dict) -> str:
    rows = []
    if intake := figures.get("intake"):
        rows.append(["events taken in from Matrix, with a 200", f"{intake['acknowledged_per_s']:,} a second"])
    if memory := figures.get("memory"):
        rooms = memory["rooms"]
        rows += [
            ["memory, idle, one room", f"{memory['idle_mib']:.1f} MiB"],
            ["memory after 5,000 messages in one room", f"{memory['loaded_mib']:.1f} MiB"],
        ]
        for name, which in (("with_rooms", f"{rooms} rooms"), ("with_contacts", f"{rooms} rooms and 20,000 contacts")):
            point = memory[name]
            rows += [
                [f"memory after making {which}", f"{point['made_mib']:.1f} MiB"],
                [f"memory after a start with {which}", f"{point['idle_mib']:.1f} MiB"],
                [f"start with {which}: ready", f"{point['ready_after_s']:.2f} s"],
                ["the same: first poll of QQ", f"{point['polling_after_s']:.2f} s"],
            ]
    if newcomers := figures.get("newcomers"):
        asked = ", ".join(f"{name} {count}" for name, count in newcomers["requests_each"].items())
        each = newcomers["homeserver_requests_each"]
        rows.append(["requests for the first message of a new person", f"{each} ({asked})"])
    return table(["what", "bridge"], rows) if rows else ""


def curve_table(points: list[dict], column: str) -> str:
    rows = [[f"{p[column]:,}", f"{p['r2m']:,.0f} µs", f"{p['m2r']:,.0f} µs", f"{p['mib']:.1f} MiB"] for p in points]
    return table([column, "QQ to Matrix, CPU", "Matrix to QQ, CPU", "memory"], rows)


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plots(figures: dict, folder: Path):
    """Draws what can be drawn, as SVG files in `folder`."""
    if relay := figures.get("relay"):
        cpu = {who: [relay[who][load]["cpu_us_per_msg"] for load in LOADS] for who in ("floor", "bridge")}
        groups = ["QQ→Matrix", "Matrix→QQ", "QQ→Matrix 50/s", "Matrix→QQ 50/s"]
        plot.bars(folder / "bench-cpu.svg", "CPU for each message, one room", "µs", groups, cpu)
    for name, column, words in (("over_rooms", "rooms", "rooms"), ("over_history", "rows", "rows of history")):
        if points := figures.get(name):
            ways = {"QQ to Matrix": [p["r2m"] for p in points], "Matrix to QQ": [p["m2r"] for p in points]}
            xs = [max(p[column], 1) for p in points]
            title = f"CPU for each message over {words}"
            plot.lines(folder / f"bench-{name.replace('_', '-')}.svg", title, "µs", words, xs, ways, log_x=True)
    if points := figures.get("growth"):
        xs = [p["messages"] for p in points]
        memory = {"memory": [p["mib"] for p in points]}
        plot.lines(
            folder / "bench-growth.svg", "Memory while messages pass", "MiB", "messages", xs, memory, log_x=False
        )
