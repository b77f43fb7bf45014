"""A line of the cell `state`, pasted back into Network: read natively, number by number, and laid out like a preset."""

from __future__ import annotations

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs.network import Network
from xlsx import state_text
from xlsx.sheets.book import Book
from xlsx.sheets.cells import LARGEST

OTHER = "the pasted line is of another network: python start.py build --state lays it out"
TORN = "the pasted line is not whole: copy the cell of a Network again"
BEYOND = f"a number of the pasted line is beyond {LARGEST}, its rate not above 0, or a target of it not possible"
GOOD = 'AND(pasted_state<>"",pasted_fault="")'
POINT = "MID(1/2,2,1)"  # what parts decimals on this computer
NUMBERS, REST = range(2)  # columns


def count(book: Book) -> int:
    """How many numbers a line of this network has."""
    network: Network = book.network
    return book.samples * (len(network.input_names) + len(network.target_names)) + network.weight_count + 1


def number(book: Book, row: int, column: int, name: str, sample: int = 0) -> str:
    """The cell of an input, a target, a weight or the rate of the line that begins below `row`, for a formula."""
    network = book.network
    inputs, targets = network.input_names, network.target_names
    names = [*inputs * book.samples, *targets * book.samples, *network.weight_names, "learning_rate"]
    at = names.index(name) + sample * (len(inputs) if name in inputs else len(targets))
    return str(xl_rowcol_to_cell(row + 1 + at, column + NUMBERS, True, True))


def write(book: Book, sheet: Worksheet, row: int, column: int) -> None:
    """Below `row` a row for each number: the number, and what is left of the line behind it."""
    looks = book.looks
    sheet.write_string(row - 1, column, "The pasted line, number by number, and what is left of it", looks["group"])
    fields = 'MID(pasted_state,FIND("; inputs ",pasted_state)+9,FIND("; optimizer ",pasted_state)-9'
    fields += '-FIND("; inputs ",pasted_state))'
    for word in ("; targets ", "; weights ", "; learning_rate ", "/"):
        fields = f'SUBSTITUTE({fields},"{word}"," ")'
    sheet.write_formula(row, column + REST, f'=IFERROR(TRIM({fields}),"")', looks["plain"], "")
    for at in range(row + 1, row + 1 + count(book)):
        rest = xl_rowcol_to_cell(at - 1, column + REST)
        end = f'FIND(" ",{rest}&" ")'
        value = f'IFERROR(VALUE(SUBSTITUTE(LEFT({rest},{end}-1),".",{POINT})),"")'
        sheet.write_formula(at, column + NUMBERS, f'=IF({rest}="","",{value})', looks["plain"], "")
        sheet.write_formula(at, column + REST, f'=IF({rest}="","",MID({rest},{end}+1,32767))', looks["plain"], "")
    write_fault(book, sheet, row, column)


def write_fault(book: Book, sheet: Worksheet, row: int, column: int) -> None:
    """pasted_optimizer, and pasted_fault: why the line cannot be laid out; empty where it can, and where none is."""
    first, last = row + 1, row + count(book)
    numbers = xl_range_abs(first, column + NUMBERS, last, column + NUMBERS)
    rate, rest = xl_rowcol_to_cell(last, column + NUMBERS), xl_rowcol_to_cell(last, column + REST)
    optimizer = 'MID(pasted_state,FIND("; optimizer ",pasted_state)+12,99)'
    sheet.write_formula(row - 3, column, f'=IFERROR(TRIM({optimizer}),"")', book.looks["muted_plain"], "")
    book.define("pasted_optimizer", sheet, (row - 3, column) * 2)
    whole = f'AND(COUNT({numbers})={count(book)},{rest}="",ISNUMBER({position("pasted_optimizer")}))'
    within = f"AND(MAX({numbers})<={LARGEST},MIN({numbers})>=-{LARGEST},{rate}>0{targets_fit(book, first, column)})"
    fault = f'IF({whole},IF({within},"","{BEYOND}"),"{TORN}")'
    own = 'IFERROR(TRIM(LEFT(pasted_state,FIND(";",pasted_state)-1)),"")'
    fault = f'IF({own}=network,{fault},IF({own}="","{TORN}","{OTHER}"))'
    fault = f'IF(ISERROR(pasted_state),"{TORN}",IF(pasted_state="","",{fault}))'
    sheet.write_formula(row - 2, column, f"={fault}", book.looks["muted_plain"], "")
    book.define("pasted_fault", sheet, (row - 2, column) * 2)


def targets_fit(book: Book, first: int, column: int) -> str:
    """One condition more where the targets must be probabilities."""
    if book.network.loss != "cross-entropy":
        return ""
    top, many = first + book.samples * len(book.network.input_names), book.samples * len(book.network.target_names)
    targets = xl_range_abs(top, column + NUMBERS, top + many - 1, column + NUMBERS)
    return f",MIN({targets})>=0,MAX({targets})<=1"


def position(optimizer: str) -> str:
    """The number of an optimizer's text, for a formula."""
    return f"MATCH({optimizer},{{{','.join(f'{chr(34)}{name}{chr(34)}' for name in state_text.OPTIMIZERS)}}},0)"
