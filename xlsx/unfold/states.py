"""What a cell says where numbers are due: which one is none, or was changed since the file was written."""

from __future__ import annotations

from xlsx.unfold.maps import Maps
from xlsx.unfold.trained import Array

ALL_NUMBERS = "COUNT({0})=COUNTA({0})"  # of a range; a blank is a 0
TAKE_ANOTHER = "undo (Ctrl+Z), or take a fresh file"
DIFFERENCE = "1E-9"  # in the sum, or the sum of squares, in parts of the latter: between two programs


def strange(area: str) -> tuple[str, str]:
    """The formulas of row and column of a cell of a range that is neither blank nor a number: in the last such row."""
    wanted = f"(1-ISNUMBER({area}))*(1-ISBLANK({area}))"
    row = f"SUMPRODUCT(MAX({wanted}*ROW({area})))"
    return row, f"SUMPRODUCT(MAX({wanted}*(ROW({area})={row})*COLUMN({area})))"


def of_weights(layer: str, where: list[Maps], values: list[Array]) -> str:
    """The formula that names a layer's cell that is no number, or says that the weights were changed; else ''."""
    areas = [maps.fixed_all() for maps in where]
    squares = float(sum((each**2).sum() for each in values))
    sums = [f"ABS({'+'.join(f'SUM({area})' for area in areas)}-{float(sum(each.sum() for each in values))!r})"]
    sums += [f"ABS({'+'.join(f'SUMSQ({area})' for area in areas)}-{squares!r})"]
    found = f'IF({"+".join(sums)}>{DIFFERENCE}*{1 + squares!r},"weights of {layer} were changed","")'
    for area in areas:
        row, column = strange(area)
        named = f'"{layer}: the weight in "&ADDRESS({row},{column},4)&" is no number"'
        found = f"IF({ALL_NUMBERS.format(area)},{found},{named})"
    return f"={found}"


def first_error(maps: list[Maps]) -> str:
    """What names the first sheet of some maps, not of the image, where a cell is an error, for a formula; else ''."""
    found = '""'
    for each in reversed(maps[1:]):
        found = f'IF(ISERROR(SUM({each.fixed_all()})),"{each.sheet}: a cell has an error, no number",{found})'
    return found


def first(cells: list[str]) -> str:
    """The formula of the first of some cells' texts that is not empty."""
    found = '""'
    for cell in reversed(cells):
        found = f'IF({cell}<>"",{cell},{found})'
    return f"={found}"
