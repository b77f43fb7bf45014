"""Draws docs/map.svg from the imports of the code: `.venv/bin/python -m docs.map`.

A band for each floor that the contract in pyproject.toml lists, a box for each package with its modules and with the
packages that they import, an arrow to each of these that stands on the next floor.
"""

import itertools
import textwrap
import tomllib
from collections import defaultdict
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
SVG = ROOT / "docs/map.svg"
WIDTH, MARGIN, GAP, LINE = 1180, 20, 70, 17
LETTER = 6.7  # the width of one
Place = tuple[float, float, float, float]  # x, y, width, height
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" font-family="sans-serif">
<style>
  rect {{ fill: #eef3f8; stroke: #1f4e79; }}
  text {{ font-size: 13px; fill: #333333; }}
  .room {{ font-size: 15px; font-weight: bold; fill: #1f4e79; }}
  .imports {{ font-style: italic; fill: #1f4e79; }}
  path {{ fill: none; stroke: #8a9bad; stroke-width: 1.4; marker-end: url(#head); }}
</style>
<marker id="head" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" orient="auto">
  <polygon points="0,0 8,4 0,8" fill="#8a9bad"/>
</marker>
<rect width="{width}" height="{height:.0f}" style="fill: white; stroke: none"/>"""


def picture() -> str:
    """The whole SVG."""
    floors = [rooms(floor) for floor in floors_listed()]
    every = [room for floor in floors for room in floor]
    graph = grimp.build_graph(*(room for room in every if "." not in room))
    imports = imports_of(graph, every)
    texts = {room: (modules(graph, room), "imports " + names(imports[room])) for room in every}
    places, bottom = placed(floors, texts)
    arrows = [
        arrow(places[one], places[other])
        for upper, lower in itertools.pairwise(floors)
        for one in upper
        for other in lower
        if other in imports[one]
    ]
    boxes = [box(room, places[room], *texts[room]) for room in every]
    return "\n".join([HEAD.format(width=WIDTH, height=bottom), *arrows, *boxes, "</svg>", ""])


def floors_listed() -> list[str]:
    """The floors from top to bottom, such as "cnn | pyfuncs", without that of the tests."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    floors: list[str] = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return floors[1:]


def rooms(floor: str) -> list[str]:
    """The packages of a floor: each of its names, and the packages inside it."""
    found = []
    for name in floor.replace("|", " ").replace(":", " ").split():
        found += [name, *sorted(f"{name}.{path.parent.name}" for path in (ROOT / name).glob("*/__init__.py"))]
    return found


def modules(graph: grimp.ImportGraph, room: str) -> str:
    """The modules that stand in the package itself."""
    found = (each for each in graph.find_children(room) if not graph.find_children(each))
    return ", ".join(sorted(module.rsplit(".", 1)[1] for module in found if not module.endswith("__")))


def imports_of(graph: grimp.ImportGraph, every: list[str]) -> dict[str, set[str]]:
    """The other packages that the modules of each package import."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            one, other = (each if each in every else each.rsplit(".", 1)[0] for each in (module, imported))
            found[one] |= {other} - {one}
    return found


def names(packages: set[str]) -> str:
    return ", ".join(sorted(package.replace(".", "/") for package in packages)) or "nothing of ours"


def placed(floors: list[list[str]], texts: dict[str, tuple[str, str]]) -> tuple[dict[str, Place], float]:
    """Where every box stands, and where the picture ends: floors below each other, boxes side by side."""
    places: dict[str, Place] = {}
    y = float(MARGIN)
    for floor in floors:
        width = (WIDTH - MARGIN * (len(floor) + 1)) / len(floor)
        height = max(sum(len(wrapped(text, width)) for text in texts[room]) for room in floor) * LINE + 40.0
        places |= {room: (MARGIN + at * (width + MARGIN), y, width, height) for at, room in enumerate(floor)}
        y += height + GAP
    return places, y - GAP + MARGIN


def wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, int((width - 20) / LETTER))


def box(room: str, place: Place, modules: str, imports: str) -> str:
    """A frame with the package's name, its modules, and what they import."""
    x, y, width, height = place
    lines = [("room", f"{room.replace('.', '/')}/"), *(("", line) for line in wrapped(modules, width))]
    lines += [("imports", line) for line in wrapped(imports, width)]
    texts = [
        f'<text class="{kind}" x="{x + 10:.0f}" y="{y + 22 + at * LINE:.0f}">{line}</text>'
        for at, (kind, line) in enumerate(lines)
    ]
    return "\n".join([f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"/>', *texts])


def arrow(one: Place, other: Place) -> str:
    """From the lower edge of a box to the upper edge of another, near the line between their middles."""
    start, end = one[0] + one[2] / 2, other[0] + other[2] / 2
    slant = (end - start) * 0.15
    return f'<path d="M {start + slant:.0f} {one[1] + one[3]:.0f} L {end - slant:.0f} {other[1] - 6:.0f}"/>'


if __name__ == "__main__":
    SVG.write_text(picture(), "utf-8")
