"""What the tests of the workbook share: cells changed in a file, LibreOffice as its calculator, quantities by name."""

import math
import re
import subprocess
import zipfile
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import openpyxl

from xlsx import build

RECALCULATE = (
    '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    '<item oor:path="/org.openoffice.Office.Calc/Formula/Load">'
    '<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>'
)
LIBRARY = (
    '<?xml version="1.0" encoding="UTF-8"?><library:library xmlns:library="http://openoffice.org/2000/library" '
    'library:name="Standard" library:readonly="false" library:passwordprotected="false">'
    '<library:element library:name="Module1"/></library:library>'
)
LIBRARIES = (
    '<?xml version="1.0" encoding="UTF-8"?><library:libraries xmlns:library="http://openoffice.org/2000/library" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard" library:link="false"/>'
    "</library:libraries>"
)
MODULE = (
    '<?xml version="1.0" encoding="UTF-8"?><script:module xmlns:script="http://openoffice.org/2000/script" '
    'script:name="Module1" script:language="StarBasic">{}</script:module>'
)
WRONG = "777.25"
ERRORS = {"#NAME?", "#NUM!", "#VALUE!", "#REF!", "#DIV/0!", "#N/A"}
NETWORKS = [
    *("2-3-1 tanh bias", "2-2-1 relu", "2-2-2-1", "2-1", "1-3-2 linear tanh fixed-bias"),
    *("2-3-2 tanh softmax bias", "3-2-1 cross-entropy bias", "2-2-3 relu linear"),
]
XOR = "2-2-1 bias"
BUILT = TemporaryDirectory(prefix="backprop-workbooks-")


def file_name(network: str) -> str:
    return network.replace(" ", "_") + ".xlsx"


@cache
def workbook(network: str, epochs: int | None = None, preset: str | None = None) -> Path:
    """The workbook of a network, built once for all tests; with few epochs in a fraction of the time."""
    folder = Path(BUILT.name) / f"{preset} {epochs}"
    return build.build(folder / file_name(network), network, preset, epochs=epochs)


def profile(folder: Path, recalculate: bool = True, basic: str = "") -> Path:
    """A LibreOffice profile that recalculates on load, or keeps stored values, with functions written in Basic."""
    files = {"registrymodifications.xcu": RECALCULATE} if recalculate else {}
    if basic:
        files |= {"basic/script.xlc": LIBRARIES, "basic/Standard/script.xlb": LIBRARY}
        files["basic/Standard/Module1.xba"] = MODULE.format(escape(basic))
    for name, text in files.items():
        path = folder / "user" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def started_once(soffice: str, profile: Path) -> Path:
    """A profile after LibreOffice's first start in it, which fills it and would overwrite Basic functions."""
    options = [f"-env:UserInstallation={profile.as_uri()}", "--headless", "--terminate_after_init"]
    subprocess.run([soffice, *options], check=True, timeout=120, capture_output=True)
    return profile


def converted(soffice: str, profile: Path, paths: list[Path], out: Path) -> list[Path]:
    """The files as LibreOffice with this profile opens, computes and saves them."""
    options = [f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", "xlsx", "--outdir", out]
    subprocess.run([soffice, *options, *paths], check=True, timeout=180, capture_output=True)
    return [out / path.name for path in paths]


def basic_function(name: str, parameters: str, rows: list[list[float]] | str) -> str:
    """A Basic function with these parameters that answers fixed rows of numbers, or a text."""
    if isinstance(rows, str):
        return f'Function {name}({parameters})\n{name} = "{rows}"\nEnd Function\n'
    cells = [f"answer({i},{j}) = {float(x)!r}\n" for i, row in enumerate(rows) for j, x in enumerate(row)]
    size = f"Dim answer({len(rows) - 1}, {len(rows[0]) - 1})\n"
    return f"Function {name}({parameters})\n{size}{''.join(cells)}{name} = answer\nEnd Function\n"


def with_wrong_values(path: Path, copy: Path) -> Path:
    """A copy in which every number that a formula stores is wrong: right ones can only come from a recalculation."""
    return rewritten(path, copy, lambda _, xml: re.sub(r"(</f><v>)[-+.0-9Ee]+(</v>)", rf"\g<1>{WRONG}\2", xml))


def with_cells(path: Path, copy: Path, changes: dict[str, object]) -> Path:
    """A copy with other contents in cells such as "Network!D9": a number, a text, None for a blank, "#N/A" an error."""

    titles = sheet_titles(path)

    def change(number: int, xml: str) -> str:
        for place, value in changes.items():
            sheet, cell = place.split("!")
            if titles.index(sheet) + 1 == number:
                old = rf'<c r="{cell}"( s="\d+")(?:/>|[^>]*?[^/]>.*?</c>|>.*?</c>)'
                xml, count = re.subn(old, rf'<c r="{cell}"\1{content(value)}', xml)
                assert count == 1, f"{place} is not there to change"
        return xml

    return rewritten(path, copy, change)


def sheet_titles(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return re.findall(r'<sheet name="([^"]*)"', archive.read("xl/workbook.xml").decode())


def content(value: object) -> str:
    if value is None:
        return "/>"
    if isinstance(value, str):
        return f' t="e"><v>{value}</v></c>' if value[0] == "#" else f' t="inlineStr"><is><t>{value}</t></is></c>'
    return f"><v>{value!r}</v></c>"


def rewritten(path: Path, copy: Path, change: object) -> Path:
    """A copy whose sheets have passed through change(sheet number, XML)."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            found = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name)
            content = source.read(name)
            target.writestr(name, change(int(found[1]), content.decode()).encode() if found else content)
    return copy


class Values:
    """The values in a workbook's cells, found by defined name or by the names that stand on the sheets."""

    def __init__(self, path: Path):
        self.path = path
        self.book = openpyxl.load_workbook(path, data_only=True)

    def named(self, name: str) -> list:
        """The values of a named range, row by row."""
        ((sheet, area),) = self.book.defined_names[name].destinations
        cells = self.book[sheet][area]
        rows = cells if isinstance(cells, tuple) else ((cells,),)
        return [cell.value for row in rows for cell in row]

    @cached_property
    def quantities(self) -> dict[str, dict[str, object]]:
        """The rows of Forward and Backward, by the name of the quantity, then by column title."""
        found = {}
        for sheet in (self.book["Forward"], self.book["Backward"]):
            rows = list(sheet.iter_rows(values_only=True))
            head = next(number for number, row in enumerate(rows) if row[0] == "Quantity")
            for row in rows[head + 1 :]:
                found[row[0]] = dict(zip(rows[head], row, strict=True))
        return found

    def native(self, name: str) -> object:
        return self.quantities[name]["Native formula"]

    @cached_property
    def losses(self) -> list[list[object]]:
        """E_total on Learning rates, a row per epoch, a column per rate."""
        rows = self.book["Learning rates"].iter_rows(6, self.last_row, 2, 7, values_only=True)
        return [list(row) for row in rows]

    @cached_property
    def last_row(self) -> int:
        """The row of the last epoch on Learning rates and on Optimizers."""
        column = self.book["Learning rates"]["A"]
        return max(cell.row for cell in column if isinstance(cell.value, int))

    def block(self, rate: int) -> list[dict[str, object]]:
        """The native rows of one rate, by column name."""
        starts = [cell.column for cell in self.book["Learning rates"][4] if cell.value == "rate"]
        return self.rows("Learning rates", starts[rate], 5, self.last_row)

    def optimizer(self, text: str) -> list[dict[str, object]]:
        """The native rows of one optimizer, by column name."""
        (start,) = [cell.column for cell in self.book["Optimizers"][4] if cell.value == text]
        return self.rows("Optimizers", start, 5, self.last_row)

    def rows(self, sheet: str, column: int, head: int, last: int) -> list[dict[str, object]]:
        """The rows below a header that begins in a column and ends before an empty one."""
        cells = self.book[sheet]
        titles = []
        while (title := cells.cell(head, column + len(titles)).value) is not None:
            titles.append(title)
        found = cells.iter_rows(head + 1, last, column, column + len(titles) - 1, values_only=True)
        return [dict(zip(titles, row, strict=True)) for row in found]

    def all(self) -> list[tuple[str, object]]:
        """Every cell that is not blank, with its place."""
        return [
            (f"{sheet.title}!{cell.coordinate}", cell.value)
            for sheet in self.book
            for row in sheet.iter_rows()
            for cell in row
            if cell.value is not None
        ]


def close(one: object, other: float, tolerance: float = 1e-12) -> bool:
    """Whether a cell has this number, within tolerance · max(1, |number|)."""
    is_number = isinstance(one, (int, float)) and not isinstance(one, bool)
    return is_number and math.isfinite(one) and abs(one - other) <= tolerance * max(1, abs(other))
