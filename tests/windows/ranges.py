"""A range of cells as xlwings is given one: a COM object of another process, with the interface of Excel's Range."""

import tempfile
from pathlib import Path

import pythoncom
from win32com.server import policy, util

RANGE = "{00020846-0000-0000-C000-000000000046}"
SYS_WIN64 = 3


class Object:
    """A COM object with these attributes and no methods."""

    _public_methods_ = ()

    def __init__(self, **attributes: object):
        self._public_attrs_ = tuple(attributes)
        self.__dict__.update(attributes)


def wrapped(**attributes: object) -> object:
    return util.wrap(Object(**attributes))


def type_library() -> object:
    """One with nothing but the number by which xlwings knows a Range; the type of its objects."""
    path = Path(tempfile.mkdtemp(), "range.tlb")
    library = pythoncom.CreateTypeLib2(SYS_WIN64, str(path))
    library.SetName("Excel")
    made = library.CreateTypeInfo("Range", pythoncom.TKIND_DISPATCH)
    made.SetGuid(RANGE)
    made.LayOut()
    library.SaveAllChanges()
    return pythoncom.LoadTypeLib(str(path)).GetTypeInfo(0)


class WithType(policy.DesignatedWrapPolicy):
    """Objects that tell their type when they are asked, as Excel's do."""

    def _build_typeinfos_(self) -> list:
        return [TYPE]


TYPE = type_library()
BOOK = wrapped(Application=wrapped(Hwnd=0))
SHEET = wrapped(Parent=BOOK)


def as_range(rows: tuple) -> object:
    """All that xlwings asks a range for to know its cells."""
    # pywin32 would take the rows themselves for several results
    size = {"Rows": wrapped(Count=len(rows)), "Columns": wrapped(Count=len(rows[0]))}
    cells = Object(Value=(rows,), Worksheet=SHEET, Row=1, Column=1, **size)
    return util.wrap(cells, usePolicy=WithType)
