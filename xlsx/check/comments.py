"""Comments in a workbook's package: their texts in one part, their boxes in another (VML, which Excel still wants)."""

from __future__ import annotations

import re
from typing import Protocol

from .grid import position
from .package import Package

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
AUTHOR = "xlsx.check"
EMPTY = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<comments xmlns="{MAIN}"><authors></authors><commentList></commentList></comments>'
)
SHAPES = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"></xml>'
)
SHAPE = (
    '<v:shapetype xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
BOX = (
    '<v:shape xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel" id="_x0000_s{number}" type="#_x0000_t202" '
    'style="position:absolute;width:320px;height:150px;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">'
    '<v:fill color2="#ffffe1"/><v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
    "<x:Anchor>{left},15,{top},10,{right},15,{bottom},4</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
COMMENT = (
    '<{p}comment ref="{cell}" authorId="{author}"><{p}text><{p}r><{p}t xml:space="preserve">{text}</{p}t></{p}r>'
    "</{p}text></{p}comment>"
)
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"


class Changes(Protocol):
    """The copy that is being written (annotate.py), as far as comments change it: the new texts of its parts."""

    package: Package
    changed: dict[str, str]

    def text(self, part: str) -> str: ...
    def relate(self, part: str, kind: str, target: str) -> str: ...
    def declare(self, element: str) -> None: ...
    def free_name(self, pattern: str) -> str: ...
    def insert_legacy_drawing(self, part: str, relation: str) -> None: ...


def add(changes: Changes, part: str, texts: dict[str, str]) -> None:
    """Comments on cells of a sheet, beside those that are there."""
    related = changes.package.related(part)
    notes = next((target for kind, target in related.values() if kind == "comments"), None)
    if notes is None:
        notes = changes.free_name("xl/comments{}.xml")
        changes.changed[notes] = EMPTY
        changes.relate(part, "comments", notes)
        changes.declare(f'<Override PartName="/{notes}" ContentType="{TYPE}"/>')
    new = write_texts(changes, notes, texts)
    add_boxes(changes, part, related, new)


def write_texts(changes: Changes, notes: str, texts: dict[str, str]) -> list[str]:
    """Put the texts into the comments; one that a cell has already is added to. Returns the cells that had none."""
    text, new = changes.text(notes), []
    prefix = prefix_of("comments", text)
    text = re.sub(rf"<{prefix}(authors|commentList)\s*/>", rf"<{prefix}\1></{prefix}\1>", text)
    authors = len(re.findall(rf"<{prefix}author\b", text))
    text = text.replace(f"</{prefix}authors>", f"<{prefix}author>{AUTHOR}</{prefix}author></{prefix}authors>")
    for cell, words in texts.items():
        own = re.search(rf'<{prefix}comment\b[^>]*\bref="{cell}".*?</{prefix}text>', text, re.DOTALL)
        if own:
            run = f'<{prefix}r><{prefix}t xml:space="preserve">\n\n{words}</{prefix}t></{prefix}r>'
            text = text[: own.end() - len(f"</{prefix}text>")] + run + text[own.end() - len(f"</{prefix}text>") :]
        else:
            new.append(cell)
            comment = COMMENT.format(p=prefix, cell=cell, author=authors, text=words)
            text = text.replace(f"</{prefix}commentList>", f"{comment}</{prefix}commentList>")
    changes.changed[notes] = text
    return new


def add_boxes(changes: Changes, part: str, related: dict[str, tuple[str, str]], cells: list[str]) -> None:
    """The boxes of new comments, in the sheet's drawing of them or in a new one."""
    found = re.search(r'<(?:\w+:)?legacyDrawing\b[^>]*:id="([^"]+)"', changes.text(part))
    drawing = related.get(found[1], ("", ""))[1] if found else ""
    if not drawing or not changes.package.has(drawing):
        drawing = changes.free_name("xl/drawings/vmlDrawingCheck{}.vml")
        changes.changed[drawing] = SHAPES
        relation = changes.relate(part, "vmlDrawing", drawing)
        if not re.search(r'Extension="vml"', changes.text("[Content_Types].xml"), re.IGNORECASE):
            changes.declare(
                '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
            )
        changes.insert_legacy_drawing(part, relation)
    text = changes.text(drawing)
    shape = "" if '"_x0000_t202"' in text else SHAPE
    boxes = "".join(box(cell, text, at) for at, cell in enumerate(cells))
    end = text.rindex("</xml>")
    changes.changed[drawing] = text[:end] + shape + boxes + text[end:]


def box(cell: str, text: str, at: int) -> str:
    """The hidden box of a cell's comment, with a number that no shape has."""
    row, column = position(cell)
    taken = [int(number) for number in re.findall(r"_x0000_s(\d+)", text)]
    number = max([1024, *taken]) + 1 + at
    top, left = max(row - 2, 0), column
    return BOX.format(number=number, left=left, top=top, right=left + 4, bottom=top + 8, row=row - 1, column=column - 1)


def prefix_of(element: str, text: str) -> str:
    """The prefix, such as "x:", that a part's elements have, told by one of them."""
    found = re.search(rf"<((?:\w+:)?){element}\b", text)
    return found[1] if found else ""
