"""Plots as SVG, without any library."""

from math import floor, log10
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 40, 56, 48
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")
STYLE = "font-family='sans-serif' font-size='12' fill='#222'"


def bars(path: Path, title: str, unit: str, groups: list[str], series: dict[str, list[float]]):
    """Groups of bars beside each other, from zero upwards, each with its figure."""
    high = max(value for line in series.values() for value in line) * 1.1
    place = linear(0, high, HEIGHT - BOTTOM, TOP)
    parts = frame(title, list(series), unit)
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    wide = room * 0.8 / len(series)
    for at, group in enumerate(groups):
        begin = LEFT + room * (at + 0.1)
        parts.append(text(begin + room * 0.4, HEIGHT - BOTTOM + 20, group, "middle"))
        for number, line in enumerate(series.values()):
            x, y = begin + wide * number, place(line[at])
            size = f"x='{x:.1f}' y='{y:.1f}' width='{wide * 0.92:.1f}' height='{HEIGHT - BOTTOM - y:.1f}'"
            parts.append(f"<rect {size} fill='{COLOURS[number]}'/>")
            parts.append(text(x + wide * 0.46, y - 4, figure(line[at]), "middle"))
    write(path, parts)


def lines(path: Path, title: str, unit: str, x_name: str, xs: list[float], series: dict[str, list[float]], log_x: bool):
    """Lines over `xs`, from zero upwards."""
    high = 4 * round_up(max(value for line in series.values() for value in line) / 4)
    across = scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT) if log_x else linear(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    up = linear(0, high, HEIGHT - BOTTOM, TOP)
    parts = frame(title, list(series), unit)
    for step in range(5):
        value = high * step / 4
        parts.append(
            f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{up(value):.1f}' y2='{up(value):.1f}' stroke='#ddd'/>"
        )
        parts.append(text(LEFT - 6, up(value) + 4, figure(value), "end"))
    for x in xs:
        parts.append(text(across(x), HEIGHT - BOTTOM + 18, f"{x:,.0f}", "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name, "middle"))
    for number, line in enumerate(series.values()):
        points = [(across(x), up(y)) for x, y in zip(xs, line, strict=True)]
        path_of = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f"<polyline points='{path_of}' fill='none' stroke='{COLOURS[number]}' stroke-width='2'/>")
        parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{COLOURS[number]}'/>" for x, y in points]
    write(path, parts)


def round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10, 20 …"""
    unit = 10 ** floor(log10(value))
    return next(step * unit for step in (1, 2, 2.5, 5, 10) if step * unit >= value)


def scale(low: float, high: float, begin: float, end: float):
    inner = linear(log10(low), log10(high), begin, end)
    return lambda value: inner(log10(value))


def linear(low: float, high: float, begin: float, end: float):
    return lambda value: begin + (value - low) / ((high - low) or 1) * (end - begin)


def frame(title: str, names: list[str], unit: str) -> list[str]:
    parts = [
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
        text(LEFT, 20, f"{title} ({unit})", "start"),
        f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{HEIGHT - BOTTOM}' y2='{HEIGHT - BOTTOM}' stroke='#222'/>",
    ]
    at = LEFT
    for number, name in enumerate(names):
        parts.append(f"<rect x='{at}' y='30' width='10' height='10' fill='{COLOURS[number]}'/>")
        parts.append(text(at + 14, 39, name, "start"))
        at += 30 + 7 * len(name)
    return parts


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {STYLE}>{escape(words)}</text>"


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def write(path: Path, parts: list[str]):
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}'>"
    path.write_text("\n".join([head, *parts, "</svg>", ""]))
