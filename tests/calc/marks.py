"""What the tests of a check in a spreadsheet share: whose is what of a workbook's looks (driver.py)."""

from openpyxl.utils.cell import rows_from_range

from xlsx.contract import CHECK_FORMULA, CHECK_NOTE

UNTOUCHED = ("formulas", "values", "formats")


def marked(looks: dict) -> set[tuple[str, str]]:
    """Sheet and cell of each mark."""
    areas = [
        area
        for look in looks.values()
        for areas, *what in look["conditions"]
        if what == [CHECK_FORMULA]
        for area in areas.split(",")
    ]
    return {cell for area in areas for cell in cells_of(area)}


def cells_of(area: str) -> list[tuple[str, str]]:
    """The cells of Sheet.X6:Y10."""
    sheet, _, cells = area.replace("$", "").rpartition(".")
    return [(sheet.strip("'"), cell) for row in rows_from_range(cells) for cell in row]


def kept(one: dict, other: dict) -> None:
    """Everything of the user's is there still, and what has come is ours."""
    for name, look in one.items():
        assert {key: other[name][key] for key in UNTOUCHED} == {key: look[key] for key in UNTOUCHED}, name
        for kind, ours in (("notes", lambda note: note[2].startswith(CHECK_NOTE)), ("conditions", is_mark)):
            assert [each for each in other[name][kind] if not ours(each)] == look[kind], name


def is_mark(condition: list[str]) -> bool:
    return condition[1:] == [CHECK_FORMULA]
