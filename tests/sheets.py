"""What the tests of the workbook share: cells changed in a file, LibreOffice as its calculator, quantities by name."""

import io
import math
import re
import subprocess
import zipfile
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries

from tests.calc.office import Office
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
    """The values in a workbook's cells, found by defined name or by the names that stand on the sheets.

    A sheet is read when it is first asked for: that takes a third of the time of a whole openpyxl workbook.
    """

    def __init__(self, path: Path):
        self.path = path
        self._grids: dict[str, list[tuple]] = {}

    @cached_property
    def book(self) -> openpyxl.Workbook:
        """All that openpyxl knows, for what is more than a value."""
        return openpyxl.load_workbook(self.path, data_only=True)

    @cached_property
    def _streamed(self) -> openpyxl.Workbook:
        # From memory: openpyxl keeps a file that it streams open until somebody closes the workbook.
        return openpyxl.load_workbook(io.BytesIO(self.path.read_bytes()), data_only=True, read_only=True)

    @property
    def titles(self) -> list[str]:
        return self._streamed.sheetnames

    @property
    def names(self) -> list[str]:
        """The defined names."""
        return list(self._streamed.defined_names)

    def grid(self, sheet: str) -> list[tuple]:
        """The rows of a sheet, from A1 on, all equally long."""
        if sheet not in self._grids:
            rows = list(self._streamed[sheet].iter_rows(values_only=True))
            width = max(map(len, rows), default=0)
            self._grids[sheet] = [row + (None,) * (width - len(row)) for row in rows]
        return self._grids[sheet]

    def area(self, sheet: str, cells: str) -> list[tuple]:
        """The rows of cells such as "B6" or "$B$6:$C$9"; None beyond the used ones."""
        left, top, right, bottom = range_boundaries(cells)
        grid = self.grid(sheet)
        return [
            tuple(
                grid[row][column] if row < len(grid) and column < len(grid[row]) else None
                for column in range(left - 1, right)
            )
            for row in range(top - 1, bottom)
        ]

    def named(self, name: str) -> list:
        """The values of a named range, row by row."""
        return [value for row in self.area(*self.where(name)) for value in row]

    def where(self, name: str) -> tuple[str, str]:
        """The sheet and the cells of a defined name."""
        ((sheet, cells),) = self._streamed.defined_names[name].destinations
        return sheet, cells

    @cached_property
    def quantities(self) -> dict[str, dict[str, object]]:
        """The rows of Forward and Backward, by the name of the quantity, then by column title."""
        found = {}
        for rows in (self.grid("Forward"), self.grid("Backward")):
            head = next(number for number, row in enumerate(rows) if row[0] == "Quantity")
            for row in rows[head + 1 :]:
                found[row[0]] = dict(zip(rows[head], row, strict=True))
        return found

    def native(self, name: str) -> object:
        return self.quantities[name]["Native formula"]

    @cached_property
    def losses(self) -> list[list[object]]:
        """E_total on Learning rates, a row per epoch, a column per rate."""
        return [list(row[1:7]) for row in self.grid("Learning rates")[5 : self.last_row]]

    @cached_property
    def last_row(self) -> int:
        """The row of the last epoch on Learning rates and on Optimizers."""
        return max(
            number for number, row in enumerate(self.grid("Learning rates"), 1) if isinstance(row[0], (int, float))
        )

    def block(self, rate: int) -> list[dict[str, object]]:
        """The native rows of one rate, by column name."""
        starts = [column for column, value in enumerate(self.grid("Learning rates")[3]) if value == "rate"]
        return self.rows("Learning rates", starts[rate], 5, self.last_row)

    def optimizer(self, text: str) -> list[dict[str, object]]:
        """The native rows of one optimizer, by column name."""
        return self.rows("Optimizers", self.grid("Optimizers")[3].index(text), 5, self.last_row)

    def rows(self, sheet: str, column: int, head: int, last: int) -> list[dict[str, object]]:
        """The rows below a header that begins in a column (the first is 0) and ends before an empty one."""
        titles = list(takewhile(lambda title: title is not None, self.grid(sheet)[head - 1][column:]))
        return [dict(zip(titles, row[column:], strict=False)) for row in self.grid(sheet)[head:last]]

    def all(self) -> list[tuple[str, object]]:
        """Every cell that is not blank, with its place."""
        return [
            (f"{sheet}!{get_column_letter(column)}{number}", value)
            for sheet in self.titles
            for number, row in enumerate(self.grid(sheet), 1)
            for column, value in enumerate(row, 1)
            if value is not None
        ]


class Shown(Values):
    """The values in an open workbook of a running office, as they were when this was made."""

    def __init__(self, office: Office, key: int):
        self._grids = {
            sheet: list(map(plain, office.read(key, office.used(key, sheet)))) for sheet in office.sheets(key)
        }
        self._names = office.names(key)

    @property
    def titles(self) -> list[str]:
        return list(self._grids)

    @property
    def names(self) -> list[str]:
        return list(self._names)

    def where(self, name: str) -> tuple[str, str]:
        sheet, _, cells = self._names[name].rpartition(".")
        return sheet.lstrip("$").strip("'"), cells


def plain(row: list[object]) -> tuple:
    """A row with an error as the text that its cell shows."""
    return tuple(cell["error"] if isinstance(cell, dict) else cell for cell in row)


def close(one: object, other: float, tolerance: float = 1e-12) -> bool:
    """Whether a cell has this number, within tolerance · max(1, |number|)."""
    is_number = isinstance(one, (int, float)) and not isinstance(one, bool)
    return is_number and math.isfinite(one) and abs(one - other) <= tolerance * max(1, abs(other))
