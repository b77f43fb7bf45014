"""Spot the mistake: an error that learners make, from a list; how little the loss shows it, and what the check says.

The table works at the epoch shown. The rows at the right descend from the start with the mistake.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from xlsxwriter.utility import xl_range, xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import chains, contract, expressions, mistakes
from xlsx.contract import ALL_GOOD
from xlsx.expressions import Expression, name, stored
from xlsx.mistakes import TypicalMistake
from xlsx.sheets import optimizers, style, validation
from xlsx.sheets.backward import write_check_row
from xlsx.sheets.book import Book
from xlsx.sheets.cells import colour_states, loss_rules, mute_errors, number_rules
from xlsx.sheets.descents import descent
from xlsx.sheets.epochs import Descent
from xlsx.sheets.quantities import INDENT, epoch_line

TITLE = contract.SPOT_THE_MISTAKE
NONE = "no mistake"
COLUMNS = (
    ("Weight", 7.5, "header"),
    ("Its derivative", 29.5, "header"),
    ("What the update uses", 25, "header_state"),
    ("Its value", 10.5, "header_right"),
    ("Check", 6.5, "header_state"),
    ("Numeric", 10.5, "header_right"),
    ("Relative difference", 9, "header_right"),
)
WEIGHT, RIGHT, WRONG, USED, VERDICT, NUMERIC, RELATIVE = range(len(COLUMNS))
LOSSES = len(COLUMNS) + 1
LOSS_COLUMNS = (("epoch", 5.5), ("E, right", 9), ("E, mistaken", 9), ("difference", 9))  # on the screen with DejaVu too
WIDTHS = [width for _, width, _ in COLUMNS] + [1.5] + [width for _, width in LOSS_COLUMNS] + [22]  # the last is empty
CHOICE_ROW, ABOUT_ROW, HEADER_ROW = 3, 4, 6
FIRST = HEADER_ROW + 1
TEXTS = len(WIDTHS)  # the texts of every mistake, a column each, then the rows of the descent
LONGEST_SUM = 4  # terms
UNSEEN = "Not to be seen with these numbers: "
SUMMARY_EPOCHS = (0, 1, 10, 100)
CHART_HEIGHT = 256  # pixels, from the top of its first row


def heading(book: Book) -> style.Heading:
    subtitle = "Choose an error. The loss hardly shows it; the check does at once, where it can be seen at all."
    return style.Heading("Spot the mistake", subtitle)


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def write(book: Book) -> None:
    sheet, found = book.sheet(TITLE), mistakes.fitting(book.network)
    epoch_line(book, sheet, 2)
    write_choice(book, sheet, found)
    write_texts(book, sheet, found)
    write_table(book, sheet, found)
    write_losses(book, sheet, write_descent(book, sheet, found))
    last = write_list(book, sheet, found)
    sheet.freeze_panes(FIRST, 0)
    chart = style.span(sheet, FIRST + len(SUMMARY_EPOCHS), CHART_HEIGHT)
    listed = last - len(found), last
    style.printed(sheet, max(last, chart[1]), WIDTHS[:-1], HEADER_ROW, [chart, listed])


def learned(book: Book) -> tuple[str, ...]:
    return book.network.weight_names[: book.network.learned_count]


def write_choice(book: Book, sheet: Worksheet, found: list[TypicalMistake]) -> None:
    """The list, what the chosen one is, and how many derivatives fail."""
    looks, names = book.looks, [NONE, *(each.name for each in found)]
    sheet.write_string(CHOICE_ROW, WEIGHT, "Mistake", looks["label_plain"])
    sheet.write_string(CHOICE_ROW, RIGHT, names[1], looks["edit_text"])
    listed = validation.one_of(names, "mistake: one of the list", "Choose one of the list in the cell.")
    sheet.data_validation(CHOICE_ROW, RIGHT, CHOICE_ROW, RIGHT, listed)
    book.define("mistake", sheet, (CHOICE_ROW, RIGHT) * 2)
    sheet.write_string(ABOUT_ROW, WEIGHT, "What it is", looks["muted_plain"])
    listed_texts = ",".join(f'"{text}"' for text in ["All is as it should be.", *(each.about for each in found)])
    about = f'=IFERROR(CHOOSE(mistake_number,{listed_texts}),"not in the list")'
    sheet.write_formula(ABOUT_ROW, RIGHT, about, looks["plain"], found[0].about)
    number = f"=MATCH(mistake,{{{','.join(f'{chr(34)}{each}{chr(34)}' for each in names)}}},0)"
    sheet.write_formula(ABOUT_ROW, LOSSES, number, looks["integer_white"], 2)
    book.define("mistake_number", sheet, (ABOUT_ROW, LOSSES) * 2)
    assert len(",".join(names)) < 255, "Excel allows a list of 255 characters"


def write_texts(book: Book, sheet: Worksheet, found: list[TypicalMistake]) -> None:
    """What the update uses for each weight, to read: a column per mistake, at the right."""
    sheet.set_column(TEXTS, TEXTS + len(found), WIDTHS[WRONG], book.looks["plain"])
    sheet.write_string(HEADER_ROW - 1, TEXTS, "What the update uses, by mistake", book.looks["group"])
    for column, each in enumerate([None, *found], TEXTS):
        wrong = each.of(book.network, 1) if each else {}
        sheet.write_string(HEADER_ROW, column, each.name if each else NONE, book.looks["header"])
        for row, weight in enumerate(learned(book), FIRST):
            sheet.write_string(row, column, used_text(wrong, weight), book.looks["wrap"])


def used_text(wrong: mistakes.Wrong, weight: str) -> str:
    """What the update uses for a weight, to read."""
    return style.unbroken(short(wrong[weight])) if weight in wrong else "as it should be"


def write_table(book: Book, sheet: Worksheet, found: list[TypicalMistake]) -> None:
    for column, (title, _, look) in enumerate(COLUMNS):
        sheet.write_string(HEADER_ROW, column, title, book.looks[look])
    sheet.set_row(HEADER_ROW, 28)
    right = {each.name: short(each.expression) for each in chains.chains(book.network)}
    wrong, verdicts = found[0].of(book.network, 1), []
    for row, weight in enumerate(learned(book), FIRST):
        used = [style.height(text, WIDTHS[WRONG] - INDENT) for text in wrong_texts(book, weight, found)]
        sheet.set_row(row, max(style.height(right[f"dE/d{weight}"], WIDTHS[RIGHT]), *used))
        sheet.write_string(row, WEIGHT, weight, book.looks["label"])
        sheet.write_string(row, RIGHT, style.unbroken(right[f"dE/d{weight}"]), book.looks["formula"])
        texts = f"=INDEX({xl_range(row, TEXTS, row, TEXTS + len(found))},1,mistake_number)"
        sheet.write_formula(row, WRONG, texts, book.looks["formula_apart"], used_text(wrong, weight))
        verdicts.append(write_check(book, sheet, row, weight, found))
    last = FIRST + len(learned(book)) - 1
    mute_errors(book, sheet, (FIRST, WRONG, last, RELATIVE))
    colour_states(book, sheet, (FIRST, VERDICT, last, VERDICT))
    book.define("mistake_check", sheet, (FIRST, VERDICT, last, VERDICT))
    write_failing(book, sheet, found, verdicts.count("FAIL"))


def write_failing(book: Book, sheet: Worksheet, found: list[TypicalMistake], fails: int) -> None:
    """How many derivatives fail, at first `fails`; of a mistake with which none does, what must be so."""
    rest = f" of {len(learned(book))} derivatives FAIL the gradient check"
    area = xl_range_abs(FIRST, VERDICT, FIRST + len(learned(book)) - 1, VERDICT)
    text, reasons = f'COUNTIF({area},"FAIL")&"{rest}"', ",".join(f'"{each.unseen}"' for each in found)
    unseen = f'IF(mistake_number=1,{text},"{UNSEEN}"&CHOOSE(mistake_number,"",{reasons}))'
    text = f'IF(COUNTIF({area},"FAIL")=0,{unseen},{text})'
    text = f'IF(ISNUMBER(mistake_number),{text},"choose a mistake of the list")'
    text = f'=IF(first_bad_input="{ALL_GOOD}",{text},"cannot check: "&first_bad_input)'
    shown = f"{fails}{rest}" if fails else UNSEEN + found[0].unseen
    sheet.write_formula(CHOICE_ROW, WRONG, text, book.looks["label_apart"], shown)


def wrong_texts(book: Book, weight: str, found: list[TypicalMistake]) -> list[str]:
    """What the update uses for a weight, mistake by mistake, where that is not its derivative."""
    changes = (each.of(book.network, 1) for each in found)
    return [short(wrong[weight]) for wrong in changes if weight in wrong]


def short(expression: Expression) -> str:
    """The formula to read; of a long sum the first term and the last."""
    terms = expressions.text(expression).split(" + ")
    return " + ".join(terms if len(terms) <= LONGEST_SUM else [terms[0], "…", terms[-1]])


def choice(book: Book, weight: str, found: list[TypicalMistake]) -> list[Expression]:
    """What the update uses for a weight: without a mistake, then with each of them."""
    right = name(f"dE/d{weight}")
    return [right, *(each.of(book.network, book.samples).get(weight, right) for each in found)]


def chosen(expressions_: list[Expression], cell: Callable[[str], str]) -> str:
    """The formula of the chosen one."""
    return f"CHOOSE(mistake_number,{','.join(expressions.native(each, cell) for each in expressions_)})"


def write_check(book: Book, sheet: Worksheet, row: int, weight: str, found: list[TypicalMistake]) -> str:
    """The derivative that is used, the numeric one, how far they are apart, and the verdict, which it gives."""
    options = choice(book, weight, found)
    value = expressions.evaluate(options[1], book.values)
    formula = chosen(options, lambda each: book.shown[each].on(sheet))
    sheet.write_formula(row, USED, f"={formula}", book.looks["number_8"], stored(value))
    return write_check_row(book, sheet, row, weight, value, (USED, NUMERIC, RELATIVE, VERDICT))


def write_descent(book: Book, sheet: Worksheet, found: list[TypicalMistake]) -> Descent:
    """A block in which every update uses what the mistake makes of the derivatives."""
    rate = book.start["learning_rate"].on(sheet, anchored=True)
    block = descent(book, sheet, FIRST, TEXTS + len(found) + 2, rate, book.start_values["learning_rate"], book.shown)
    options = {f"used {w}": choice(book, w, found) for w in learned(book)}
    block.state = block.state | {used: each[1] for used, each in options.items()}
    block.moved = {w: name(w) - name("learning_rate") * name(f"used {w}") for w in learned(book)}
    block.moved |= {w: name(w) for w in book.network.weight_names if w not in block.moved}
    block.native = {used: partial(chosen, each) for used, each in options.items()}
    sheet.write_string(HEADER_ROW - 1, block.column, "The descent with the mistake", book.looks["group"])
    block.write(book.looks, HEADER_ROW)
    number_rules(book, sheet, (FIRST, block.column, FIRST + book.epochs, block.column + block.width - 1))
    return block


def write_losses(book: Book, sheet: Worksheet, block: Descent) -> None:
    """E_total without and with the mistake at chosen epochs, and their chart."""
    looks, total = book.looks, block.column_of("E_total")
    for column, (title, _) in enumerate(LOSS_COLUMNS, LOSSES):
        sheet.write_string(HEADER_ROW, column, title, looks["header_right"])
    for row, epoch in enumerate([each for each in SUMMARY_EPOCHS if each <= book.epochs], FIRST):
        right, wrong = (descent.rows[epoch]["E_total"] for descent in (book.descents[0], block))
        cells = [xl_rowcol_to_cell(row, LOSSES + at) for at in (1, 2)]
        sheet.write_number(row, LOSSES, epoch, looks["integer_row"])
        source = f"{optimizers.TITLE}!{xl_rowcol_to_cell(optimizers.FIRST + epoch, optimizers.NATIVE)}"
        sheet.write_formula(row, LOSSES + 1, f"={source}", looks["short_row"], stored(right))
        source = xl_rowcol_to_cell(FIRST + epoch, total)
        sheet.write_formula(row, LOSSES + 2, f"={source}", looks["short_row"], stored(wrong))
        difference = wrong - right if math.isfinite(wrong) and math.isfinite(right) else math.nan
        sheet.write_formula(row, LOSSES + 3, f"={cells[1]}-{cells[0]}", looks["scientific"], stored(difference))
    loss_rules(book, sheet, (FIRST, LOSSES + 1, FIRST + len(SUMMARY_EPOCHS), LOSSES + 3))
    write_chart(book, sheet, block)


def write_chart(book: Book, sheet: Worksheet, block: Descent) -> None:
    chart = style.loss_chart(book.workbook, "E_total, right and with the mistake", book.epochs, "linear")
    first, last = optimizers.FIRST, optimizers.FIRST + book.epochs
    right = style.series(optimizers.TITLE, (optimizers.HEADER_ROW, optimizers.NATIVE), 0, (first, last), 0)
    under = {**style.line(0, 5.0), "transparency": 60}  # the other lies upon it, or under it: both are seen
    chart.add_series({**right, "name": "right", "line": under})
    total, rows = block.column_of("E_total"), [FIRST, FIRST + book.epochs]
    wrong = {"values": [TITLE, rows[0], total, rows[1], total], "line": style.line(3)}
    chart.add_series({**right, "name": "with the mistake", **wrong})
    chart.set_size({"width": 246, "height": CHART_HEIGHT - 6})
    about = f"Line chart of E_total over {book.epochs} updates, without and with the mistake."
    style.insert_chart(sheet, (FIRST + len(SUMMARY_EPOCHS), LOSSES), chart, about, y_offset=6)


def write_list(book: Book, sheet: Worksheet, found: list[TypicalMistake]) -> int:
    """All mistakes with what they are. Gives the last row."""
    row = max(FIRST + len(learned(book)), FIRST + 4) + 1
    for column in range(len(COLUMNS)):
        sheet.write_blank(row, column, None, book.looks["section"])
    sheet.write_string(row, 0, "The list: errors found in learners’ own workbooks", book.looks["section"])
    for at, each in enumerate(found, 1):
        sheet.write_string(row + at, WEIGHT, str(at), book.looks["muted"])
        sheet.write_string(row + at, RIGHT, each.name, book.looks["label"])
        sheet.merge_range(row + at, WRONG, row + at, RELATIVE, each.about, book.looks["text_wrap"])
        sheet.set_row(row + at, 28)
    return row + len(found)
