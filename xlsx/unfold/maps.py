"""Where the maps of a layer, or its kernels, stand on a sheet: in rows, with a blank row and column between them.

The blank cells are the padding: SUMPRODUCT takes a blank as 0. All positions are counted from 0, as XlsxWriter does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from xlsxwriter.utility import quote_sheetname, xl_col_to_name


@cache
def column_name(column: int, absolute: bool = False) -> str:
    return str(xl_col_to_name(column, absolute))


def cell(row: int, column: int) -> str:
    return f"{column_name(column)}{row + 1}"


def fixed(row: int, column: int) -> str:
    return f"{column_name(column, True)}${row + 1}"


def span(first: int, last: int) -> str:
    """Such as 3–5, or 3 alone."""
    return f"{first}–{last}" if last > first else str(first)


@dataclass(frozen=True)
class Maps:
    """`count` maps of height × width cells, `across` of them side by side, `gap` blank cells between and around."""

    sheet: str
    top: int
    left: int
    count: int
    height: int
    width: int
    across: int
    gap: int = 1

    @property
    def prefix(self) -> str:
        return f"{quote_sheetname(self.sheet)}!"

    @property
    def pitch(self) -> tuple[int, int]:
        """From one map to the one below it, and to the one beside it."""
        return self.height + self.gap, self.width + self.gap

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of all maps, without the gap around them."""
        down = -(-self.count // self.across)
        return down * self.pitch[0] - self.gap, min(self.across, self.count) * self.pitch[1] - self.gap

    @property
    def bottom(self) -> int:
        return self.top + self.size[0] - 1

    @property
    def right(self) -> int:
        return self.left + self.size[1] - 1

    @property
    def area(self) -> tuple[int, int, int, int]:
        return self.top, self.left, self.bottom, self.right

    def at(self, channel: int, y: int = 0, x: int = 0) -> tuple[int, int]:
        """Row and column of a place on the sheet; y and x may lie in the gap."""
        down, beside = divmod(channel, self.across)
        return self.top + down * self.pitch[0] + y, self.left + beside * self.pitch[1] + x

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Channel, y and x of every cell, in the order of a file's rows, which is the quickest to write."""
        for first in range(0, self.count, self.across):
            for y in range(self.height):
                for channel in range(first, min(first + self.across, self.count)):
                    for x in range(self.width):
                        yield channel, y, x

    def cell(self, channel: int, y: int = 0, x: int = 0) -> str:
        return self.prefix + cell(*self.at(channel, y, x))

    def window(self, channel: int, y: int, x: int, height: int, width: int) -> str:
        """A part of a map; one cell where it is only one."""
        row, column = self.at(channel, y, x)
        last = f":{cell(row + height - 1, column + width - 1)}" if (height, width) != (1, 1) else ""
        return f"{self.prefix}{cell(row, column)}{last}"

    def fixed(self, channel: int = 0) -> str:
        """A whole map, with $; one cell where it is only one."""
        row, column = self.at(channel)
        last = (
            f":{fixed(row + self.height - 1, column + self.width - 1)}" if (self.height, self.width) != (1, 1) else ""
        )
        return f"{self.prefix}{fixed(row, column)}{last}"

    def fixed_all(self, margin: int = 0) -> str:
        """All maps, with $, and so many cells around them."""
        first, last = fixed(self.top - margin, self.left - margin), fixed(self.bottom + margin, self.right + margin)
        return f"{self.prefix}{first}:{last}"

    def picked(self, channel: int | str, y: str, x: str, margin: int = 0) -> str:
        """The formula of one place; a channel by its number, or by the cell that holds it (there counted from 1).

        y and x are formulas, counted from 0; they may lie so many cells outside.
        """
        if isinstance(channel, int):
            down, beside = (str(each) for each in divmod(channel, self.across))
        else:
            down, beside = f"INT(({channel}-1)/{self.across})", f"MOD({channel}-1,{self.across})"
        row = f"{down}*{self.pitch[0]}+{y}+{margin + 1}"
        column = f"{beside}*{self.pitch[1]}+{x}+{margin + 1}"
        return f"INDEX({self.fixed_all(margin)},{row},{column})"


def across_of(count: int, room: tuple[int, int]) -> int:
    """How many square maps stand side by side so that they can be largest in a room (height, width).

    All rows are full, and a map stands at the same place in every layer that has as many.
    """
    possible = [across for across in range(1, count + 1) if count % across == 0]
    return max(possible, key=lambda across: min(room[0] * across / count, room[1] / across))


def pixels(count: int, height: int, width: int, across: int, room: tuple[int, int]) -> int:
    """How large a cell can be, in whole pixels, with so many maps side by side in a room (height, width)."""
    down = -(-count // across)
    return int(min(room[0] / (down * (height + 1) + 1), room[1] / (across * (width + 1) + 1)))
