"""Writes a copy of a workbook in which the wrong cells are coloured and commented.

Only the parts that must change are touched, as text: cell styles, the sheets' cells, comments and their shapes. So the
copy keeps charts, pictures, macros and whatever else the file holds, byte for byte.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

from cnn.runs.output import in_folder

from . import comments
from .findings import Mistake, Report
from .grid import place
from .package import Package, Unreadable
from .xlsx_file import read_book

FILL = (
    '<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="FFFFC7CE"/><{p}bgColor indexed="64"/>'
    "</{p}patternFill></{p}fill>"
)
AFTER_COMMENTS = {
    *("legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "AlternateContent", "webPublishItems"),
    *("tableParts", "extLst"),
}
XF = re.compile(r"<(?:\w+:)?xf\b[^>]*?(?:/>|>.*?</(?:\w+:)?xf>)", re.DOTALL)


def annotate(source: Path, target: Path, report: Report) -> str:
    """Write the copy; returns what was done. Raises OSError, Unreadable; `source` is never changed."""
    if target.suffix.lower() != source.suffix.lower():
        raise Unreadable(f"its name must end in {source.suffix}, as that of {source.name} does")
    package = Package(source)
    try:
        parts = Changes(package, report).parts()
        beside = in_folder(target).with_name(f".{target.name}.{os.getpid()}")
        try:
            write(package, beside, parts)
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    finally:
        package.close()
    cells = sum(len(mistake.places) for mistake in report.mistakes)
    return (
        f"{target}: {cells} wrong cells marked. Charts, pictures and everything else of {source.name} is kept as it is."
    )


def write(package: Package, target: Path, parts: dict[str, str]) -> None:
    """All parts of the package, with the changed and the new ones in their place."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for info in package.zip.infolist():
            if info.filename in parts:
                out.writestr(info.filename, parts[info.filename])
            elif not info.is_dir():
                out.writestr(info, b"".join(package.pieces(info.filename)), zipfile.ZIP_DEFLATED)
        for name in parts.keys() - {info.filename for info in package.zip.infolist()}:
            out.writestr(name, parts[name])


class Changes:
    """The parts that a report changes, as texts."""

    def __init__(self, package: Package, report: Report):
        self.package, self.report = package, report
        self.changed: dict[str, str] = {}
        book = next((part for kind, part in package.related("").values() if kind == "officeDocument"), "")
        self.targets = package.related(book)
        self.sheet_parts = self.sheets(book)
        self.styles = next((part for kind, part in self.targets.values() if kind == "styles"), "")

    def sheets(self, book: str) -> dict[str, str]:
        """The part of each sheet by its name."""
        listed, _ = read_book(self.package, book)
        return {name: self.targets[key][1] for name, key in listed if key in self.targets}

    def text(self, part: str) -> str:
        if part not in self.changed:
            self.changed[part] = b"".join(self.package.pieces(part)).decode("utf-8-sig")
        return self.changed[part]

    def parts(self) -> dict[str, str]:
        by_sheet: dict[str, list[Mistake]] = {}
        for mistake in self.report.mistakes:
            if mistake.places:
                by_sheet.setdefault(mistake.places[0][0], []).append(mistake)
        for name, mistakes in by_sheet.items():
            part = self.sheet_parts[name]
            self.colour(part, {place(row, column) for mistake in mistakes for _, row, column in mistake.places})
            comments.add(self, part, {cell: escape(text) for cell, text in first_cells(mistakes).items()})
        return self.changed

    def colour(self, part: str, cells: set[str]) -> None:
        """Give the cells a style like their own with another fill."""
        if not self.package.has(self.styles):
            return

        def style(found: re.Match[str]) -> str:
            where = re.search(r'\br="([A-Z]+\d+)"', found[0])
            if not where or where[1] not in cells:
                return found[0]
            own = re.search(r'\bs="(\d+)"', found[0])
            new = self.marked_style(int(own[1]) if own else 0)
            if own:
                return found[0].replace(own[0], f's="{new}"')
            return found[0].replace(where[0], f'{where[0]} s="{new}"')

        self.changed[part] = re.sub(r"<(?:\w+:)?c\b[^>]*>", style, self.text(part))

    def marked_style(self, style: int) -> int:
        """The number of a style like `style` with the fill of a wrong cell."""
        if not hasattr(self, "marked"):
            self.marked: dict[int, int] = {}
            self.fill = self.append("fills", FILL)
        if style not in self.marked:
            area = re.search(r"<((?:\w+:)?)cellXfs\b.*?</(?:\w+:)?cellXfs>", self.text(self.styles), re.DOTALL)
            formats = XF.findall(area[0]) if area else []
            own = formats[style] if style < len(formats) else formats[0]
            new = re.sub(r'\s(?:fillId|applyFill)="\w*"', "", own)
            new = re.sub(r"<((?:\w+:)?)xf\b", rf'<\1xf fillId="{self.fill}" applyFill="1"', new, count=1)
            self.marked[style] = self.append("cellXfs", new)
        return self.marked[style]

    def append(self, container: str, element: str) -> int:
        """Put an element at the end of a list in the styles; returns its number."""
        text = self.text(self.styles)
        found = re.search(rf"<((?:\w+:)?){container}\b([^>]*)>(.*?)</(?:\w+:)?{container}>", text, re.DOTALL)
        if not found:
            raise Unreadable("its cell styles are not as Excel writes them")
        prefix, inner = found[1], found[3]
        kind = "fill" if container == "fills" else "xf"
        count = len(re.findall(rf"<{prefix}{kind}\b", inner))
        head = re.sub(r'\scount="\d+"', "", found[2])
        inner += element.replace("{p}", prefix)
        whole = f'<{prefix}{container}{head} count="{count + 1}">{inner}</{prefix}{container}>'
        self.changed[self.styles] = text[: found.start()] + whole + text[found.end() :]
        return count

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relation from a part to a new part; returns its id."""
        folder, _, name = part.rpartition("/")
        relations = f"{folder}/_rels/{name}.rels"
        if self.package.has(relations) or relations in self.changed:
            text = self.text(relations)
        else:
            text = f'{XML}<Relationships xmlns="{PACKAGE}/relationships"></Relationships>'
        number = next(n for n in range(1, 10_000) if f'"rIdCheck{n}"' not in text)
        prefix = comments.prefix_of("Relationships", text)
        text = re.sub(
            rf"<{prefix}Relationships\b([^>]*)/>", rf"<{prefix}Relationships\1></{prefix}Relationships>", text
        )
        new = f'<{prefix}Relationship Id="rIdCheck{number}" Type="{OFFICE}/{kind}" Target="/{target}"/>'
        self.changed[relations] = text.replace(f"</{prefix}Relationships>", f"{new}</{prefix}Relationships>")
        return f"rIdCheck{number}"

    def declare(self, element: str) -> None:
        """Add to the content types."""
        text = self.text("[Content_Types].xml")
        if element not in text:
            kind = element.split()[0][1:]
            prefix = comments.prefix_of("Types", text)
            element = element.replace(f"<{kind}", f"<{prefix}{kind}")
            self.changed["[Content_Types].xml"] = (
                re.sub(rf"(<{prefix}Types\b[^>]*>)", lambda found: found[1] + element, text, count=1)
                if kind == "Default"
                else text.replace(f"</{prefix}Types>", f"{element}</{prefix}Types>")
            )

    def free_name(self, pattern: str) -> str:
        """A part name that is not taken, such as xl/comments7.xml."""
        names = (pattern.format(number) for number in range(1, 100_000))
        return next(name for name in names if not self.package.has(name) and name not in self.changed)

    def insert_legacy_drawing(self, part: str, relation: str) -> None:
        """Point a sheet to its comments' shapes, at the place that the order of its elements asks for."""
        text = self.text(part)
        prefix = comments.prefix_of("worksheet", text)
        element = f'<{prefix}legacyDrawing xmlns:r="{OFFICE}" r:id="{relation}"/>'.encode()
        data = text.encode("utf-8")
        at = end_of(data, AFTER_COMMENTS)
        self.changed[part] = (data[:at] + element + data[at:]).decode("utf-8")


XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def end_of(data: bytes, followers: set[str]) -> int:
    """Where the first of some top elements begins, or the root ends."""
    found, depth = [], 0
    parser = expat.ParserCreate("utf-8")

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal depth
        if depth == 1 and name.rpartition(":")[2] in followers:
            found.append(parser.CurrentByteIndex)
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1
        if depth == 0:
            found.append(parser.CurrentByteIndex)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(re.sub(rb'(<\?xml[^>]*encoding=")[^"]*', rb"\g<1>UTF-8", data[:200]) + data[200:], True)
    return min(found)


def first_cells(mistakes: Iterable[Mistake]) -> dict[str, str]:
    """{cell: comment}: a mistake is told at its first cell, and at the first of each other column it points there."""
    texts: dict[str, list[str]] = {}
    for mistake in mistakes:
        first, *others = column_tops(mistake)
        fix = f"\nIt should be: {mistake.fix}" if mistake.fix else ""
        more = f"\n({len(mistake.places)} cells)" if len(mistake.places) > 1 else ""
        texts.setdefault(first, []).append(mistake.text + fix + more)
        for cell in others:
            texts.setdefault(cell, []).append(f"The same mistake as in {first}: {mistake.text}")
    return {cell: "\n\n".join(each) for cell, each in texts.items()}


def column_tops(mistake: Mistake) -> list[str]:
    """The first cell of a mistake in each column."""
    tops: dict[int, str] = {}
    for _, row, column in mistake.places:
        tops.setdefault(column, place(row, column))
    return list(tops.values())
