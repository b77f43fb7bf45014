"""Checks learners' workbooks of the exercise: `python start.py check FILE.xlsx …`, or a folder for a whole class.

Exit code: 0 right, 1 mistakes or blanks, 2 not understood or not readable. With `--annotate` it also writes a copy in
which the wrong cells are coloured and commented. There only the parts that must change are touched, as text: cell
styles, the sheets' cells, comments and their shapes (VML, which Excel still wants). So the copy keeps charts, pictures,
macros and whatever else the file holds, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

from cnn.runs.output import in_folder

from . import report as reports
from .check import check
from .files import TEXTS, Package, Unreadable, place, position, read_book
from .report import Mistake, Report

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FILL = (
    '<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="FFFFC7CE"/><{p}bgColor indexed="64"/>'
    "</{p}patternFill></{p}fill>"
)
AFTER_COMMENTS = {
    *("legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "AlternateContent", "webPublishItems"),
    *("tableParts", "extLst"),
}
XF = re.compile(r"<(?:\w+:)?xf\b[^>]*?(?:/>|>.*?</(?:\w+:)?xf>)", re.DOTALL)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
AUTHOR = "xlsx.check"
EMPTY = f'{XML}<comments xmlns="{MAIN}"><authors></authors><commentList></commentList></comments>'
VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
FOR_EXCEL = 'xmlns:x="urn:schemas-microsoft-com:office:excel"'
SHAPES = f"<xml {VML} {FOR_EXCEL}></xml>"
SHAPE = (
    f"<v:shapetype {VML} "
    'id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
BOX = (
    f"<v:shape {VML} {FOR_EXCEL} "
    'id="_x0000_s{number}" type="#_x0000_t202" '
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
WORKBOOKS = {".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlsb", ".ods", *TEXTS}
Converter = Callable[[list[Path]], AbstractContextManager[dict[Path, Path]]]


def no_converter(files: list[Path]) -> AbstractContextManager[dict[Path, Path]]:
    """Where no other program is asked, no file has another form."""
    return nullcontext({})


def arguments(line: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python start.py check",
        description="Say what is right and what is wrong in a workbook of the backpropagation exercise, and where.",
        epilog="exit code: 0 right, 1 mistakes or blanks, 2 not understood or not readable",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a workbook (.xlsx, .xlsm, .ods, .xls, .csv), or a folder of them",
    )
    parser.add_argument("--json", action="store_true", help="write the whole report as JSON")
    parser.add_argument("--annotate", type=Path, metavar="OUT.xlsx", help="write a copy with the wrong cells marked")
    return parser.parse_args(line)


def workbooks(paths: list[Path]) -> list[Path]:
    """The files, and those in the folders; what a spreadsheet program keeps beside an open file is left out."""
    found = []
    for path in paths:
        inside = (
            sorted(each for each in path.iterdir() if each.suffix.lower() in WORKBOOKS) if path.is_dir() else [path]
        )
        found += [each for each in inside if not each.name.startswith(("~$", ".~lock"))]
    return found


def main(line: list[str] | None = None, convert: Converter = no_converter) -> int:
    """Check what the line names; `convert` gives an .xlsx in place of files that are not read here."""
    asked = arguments(line)
    try:
        files = workbooks(asked.files)
    except OSError as error:
        return refuse(f"{error.filename} cannot be read ({error.strerror})")
    if not files:
        return refuse(
            f"There is no workbook in {', '.join(map(str, asked.files))}: .xlsx and .xlsm files are looked for."
        )
    if asked.annotate and (len(files) != 1 or asked.annotate.exists()):
        why = (
            "takes one workbook at a time" if len(files) != 1 else f"would overwrite {asked.annotate}: name a new file"
        )
        return refuse(f"--annotate {why}.")
    with convert(files) as copies:
        return told(files, copies, asked)


def told(files: list[Path], copies: dict[Path, Path], asked: argparse.Namespace) -> int:
    """Check the files, or their copies, and say what was found; the exit code."""
    found = [check(copies.get(path, path), str(path)) for path in files]
    code, written = reports.exit_code(found), ""
    if asked.annotate and found[0].blocks:
        try:
            written = annotate(copies.get(files[0], files[0]), asked.annotate, found[0])
        except (OSError, Unreadable) as error:
            code = refuse(f"{asked.annotate} was not written: {error}")
    try:
        say(shown(found, asked))
        if written and asked.json:
            print(written, file=sys.stderr, flush=True)
        elif written:
            say(written)
    except BrokenPipeError:  # what reads it, as head does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def shown(found: list[Report], asked: argparse.Namespace) -> str:
    folder = any(path.is_dir() for path in asked.files)
    if asked.json:
        whole = [reports.as_json(each) for each in found]
        return json.dumps(whole if folder or len(found) > 1 else whole[0], indent=2, ensure_ascii=False)
    if folder:
        return reports.table(found)
    texts = [reports.text(each) for each in found]
    return "\n\n\n".join([*texts, reports.table(found)] if len(found) > 1 else texts)


def say(text: str) -> None:
    """Print a text: as UTF-8 where it has letters that the output lacks, as a file or a pipe on Windows may."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(text, flush=True)


def refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


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
            add_comments(self, part, {cell: escape(text) for cell, text in reports.first_cells(mistakes).items()})
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
        prefix = prefix_of("Relationships", text)
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
            prefix = prefix_of("Types", text)
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
        prefix = prefix_of("worksheet", text)
        element = f'<{prefix}legacyDrawing xmlns:r="{OFFICE}" r:id="{relation}"/>'.encode()
        data = text.encode("utf-8")
        at = end_of(data, AFTER_COMMENTS)
        self.changed[part] = (data[:at] + element + data[at:]).decode("utf-8")


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


def add_comments(changes: Changes, part: str, texts: dict[str, str]) -> None:
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


if __name__ == "__main__":
    sys.exit(main())
