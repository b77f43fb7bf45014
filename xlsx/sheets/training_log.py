"""Training log: plain updates as rows that buttons add and remove; each is the values of the formulas above the table.

log_table is the header; the row beneath it is epoch 0, by formulas. log_next holds the row to come after the last one.
"""

from __future__ import annotations

from itertools import accumulate

from xlsxwriter.utility import xl_col_to_name, xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import chains, contract, expressions, formulas
from xlsx.contract import ALL_GOOD, LOG_FULL, LOG_ROWS, LOG_STALE, MOST_STEPS, NOTHING, PRINTED_ROWS
from xlsx.expressions import Expression, stored
from xlsx.sheets import style, validation
from xlsx.sheets.book import Book
from xlsx.sheets.cells import BUTTONS_NEED, array, loss_rules, number_rules
from xlsx.sheets.descents import next_values
from xlsx.sheets.epochs import guarded
from xlsx.sheets.gradient_check import passes

TITLE = contract.TRAINING_LOG
BUTTON_ROW, STEPS_ROW, NEXT_LABEL_ROW, NEXT_ROW, TABLE_ROW = 3, 4, 5, 6, 7
FIRST = TABLE_ROW + 1
CHARTED = 1_000
STEPS = 10
WIDTHS = [7, 6]
LABEL_COLUMNS = 4  # that the label of the next row takes
SAME = "1E-9"  # of two rows of weights
MOST_UNFROZEN = 10  # weights
CHART_LEFT, CHART_WIDTH, CHART_HEIGHT = 440, 225, 140  # pixels: right of the buttons, above the table
SPARE = [8.5] * 9  # columns between the table and what the next row is computed from


def columns(book: Book) -> tuple[str, ...]:
    return ("epoch", "press", *book.network.weight_names, "learning_rate", "E_total")


def widths(book: Book) -> list[float]:
    return [7, 6, *[8.6] * book.network.weight_count, 13, 9, 1.5, *SPARE, 1.5]


def heading(book: Book) -> style.Heading:
    subtitle = f"Network {book.network.text}: a row per plain update."
    return style.Heading("Training log", subtitle, title_column(book))


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def write(book: Book) -> None:
    sheet, names = book.sheet(TITLE), columns(book)
    for column, width in enumerate(widths(book)):
        sheet.set_column(column, column, width, book.looks["plain"])
    log_formats(book, sheet)
    write_stale(book, sheet)
    write_buttons(book, sheet)
    for column, name in enumerate(names):
        sheet.write_string(TABLE_ROW, column, name, book.looks["header_right"])
    write_start(book, sheet)
    write_next(book, sheet)
    last = len(names) - 1
    book.define("log_table", sheet, (TABLE_ROW, 0, TABLE_ROW, last))
    book.define("log_next", sheet, (NEXT_ROW, 0, NEXT_ROW, last))
    number_rules(book, sheet, (NEXT_ROW, 2, FIRST + LOG_ROWS, last - 1))
    loss_rules(book, sheet, (NEXT_ROW, last, FIRST + LOG_ROWS, last))
    write_chart(book, sheet)
    sheet.freeze_panes(FIRST, title_column(book))
    style.printed(sheet, TABLE_ROW + PRINTED_ROWS, widths(book)[: printed_columns(book)], TABLE_ROW)


def title_column(book: Book) -> int:
    """Many weights: epoch and press stay where they are, and what is above them moves with the rest."""
    return 2 if book.network.weight_count > MOST_UNFROZEN else 0


def log_formats(book: Book, sheet: Worksheet) -> None:
    """Rows that arrive later are formatted already: numbers by column, a line under each row that is filled."""
    for column, name in enumerate(columns(book)):
        look = book.looks["integer" if name in ("epoch", "press") else "short"]
        sheet.set_column(column, column, widths(book)[column], look)
    filled = {"type": "formula", "criteria": f'=$A{FIRST + 1}<>""', "format": book.workbook.add_format(style.ROW)}
    sheet.conditional_format(FIRST, 0, FIRST + LOG_ROWS, len(columns(book)) - 1, filled)


def write_buttons(book: Book, sheet: Worksheet) -> None:
    book.buttons(sheet, BUTTON_ROW, title_column(book))
    sheet.write_string(STEPS_ROW, 0, "n of Run n", book.looks["label_plain"])
    sheet.write_number(STEPS_ROW, 2, STEPS, book.looks["edit_count"])
    sheet.write_string(STEPS_ROW, 3, "The rate may change between presses.", book.looks["muted_plain"])
    message = f"Type how many steps Run n makes: a whole number from 1 to {MOST_STEPS}."
    rule = validation.whole_number(1, MOST_STEPS, "n: not possible", message)
    sheet.data_validation(STEPS_ROW, 2, STEPS_ROW, 2, rule)
    book.define("log_steps", sheet, (STEPS_ROW, 2) * 2)


def write_stale(book: Book, sheet: Worksheet) -> None:
    """log_stale: whether the first update leads from the start that is there now to the row of epoch 1.

    Shown above the buttons, and no row is added while it is so: never rows of two starts.
    """
    names, network, sgd = columns(book), book.network, book.descents[0]
    here = (names.index(network.weight_names[0]), names.index(network.weight_names[network.learned_count - 1]))
    start, first = (xl_range(FIRST + epoch, here[0], FIRST + epoch, here[1]) for epoch in (0, 1))
    slopes = [sgd.column_of(f"dE/d{network.weight_names[at]}") for at in (0, network.learned_count - 1)]
    slope = f"'{sgd.sheet.name}'!{xl_range(sgd.row, slopes[0], sgd.row, slopes[1])}"
    rate = xl_rowcol_to_cell(FIRST + 1, names.index("learning_rate"))
    apart = f"SUMPRODUCT(ABS({start}-{rate}*{slope}-{first}))>{SAME}*(1+SUMPRODUCT(ABS({first})))"
    epoch, place = xl_rowcol_to_cell(FIRST + 1, 0), (NEXT_ROW, max(helper_columns(book).values()) + 1)
    text = f'IFERROR(IF(ISNUMBER({epoch}),IF({apart},"{LOG_STALE}",""),""),"")'
    array(sheet, place * 2, text, book.looks["plain"], "")
    book.define("log_stale", sheet, place * 2)
    shown = '=IF(log_stale="","Network: "&first_bad_input,log_stale)'
    sheet.write_formula(2, title_column(book), shown, book.looks["subtitle"], f"Network: {ALL_GOOD}")


def write_start(book: Book, sheet: Worksheet) -> None:
    """Epoch 0: the weights used on Network and their loss."""
    total = NEXT_ROW, helper_columns(book)["start E_total"]
    for column, name in enumerate(columns(book)):
        if name in ("epoch", "press"):
            sheet.write_number(FIRST, column, 0, book.looks["integer"])
        elif name == "learning_rate":
            sheet.write_string(FIRST, column, NOTHING, book.looks["short"])
        else:
            source = xl_rowcol_to_cell(*total) if name == "E_total" else book.start[name].on(sheet)
            value = start_row(book)[0][name]
            look = book.looks["short"]
            sheet.write_formula(FIRST, column, f"={source}", look, stored(value))


def start_row(book: Book) -> list[dict[str, float]]:
    """The states of epochs 0 and 1."""
    moved = next_values(formulas.updates(book.network))
    return list(chains.history(chains.state(book.network, book.samples), moved, book.start_values, 1))


def helper_columns(book: Book) -> dict[str, int]:
    """Where the quantities behind log_next stand: the last row's, the next one's ("new …"), the start's ("start …")."""
    network, forward = book.network, list(passes(book))
    names = ["last row", *network.weight_names, *chains.state(network, book.samples)]
    names += [f"new {name}" for name in (*network.weight_names, *forward)]
    names += [f"start {name}" for name in forward]
    return {name: column for column, name in enumerate(names, len(widths(book)))}


def helpers(book: Book) -> dict[str, Expression]:
    """The derivations behind log_next, over the names of helper_columns."""
    network, forward = book.network, passes(book)
    own = {*network.weight_names, *forward}

    def called(prefix: str, expression: Expression) -> Expression:
        return expressions.renamed(expression, lambda name: f"{prefix}{name}" if name in own else name)

    found = dict(chains.state(network, book.samples))
    found |= {each.name: each.expression for each in formulas.updates(network)}
    return found | {f"{p}{name}": called(p, each) for p in ("new ", "start ") for name, each in forward.items()}


def write_next(book: Book, sheet: Worksheet) -> None:
    """log_next: the row that the next step adds."""
    where, looks = helper_columns(book), book.looks
    first = title_column(book)
    sheet.write_string(NEXT_LABEL_ROW, first, "The next row, by formulas", looks["group"])
    sheet.write_string(NEXT_LABEL_ROW, first + LABEL_COLUMNS, BUTTONS_NEED, looks["muted_plain"])
    values = helper_values(book)
    write_helpers(book, sheet, values)
    last = xl_rowcol_to_cell(NEXT_ROW, where["last row"])
    epoch = f'=IF(log_stale<>"",log_stale,IF({last}>{LOG_ROWS},"{LOG_FULL}",INDEX({area(0)},{last})+1))'
    rate = f"={book.start['learning_rate'].on(sheet)}"
    shown: dict[str, tuple[str, float]] = {"epoch": (epoch, 1), "press": ("=0", 0)}
    shown["learning_rate"] = (rate, book.values["learning_rate"])
    for column, name in enumerate(columns(book)):
        cell = xl_rowcol_to_cell(NEXT_ROW, where.get(f"new {name}", 0))
        text, value = shown.get(name, (f"={cell}", values.get(f"new {name}", 0.0)))
        look = "next_integer" if name in ("epoch", "press") else "next"
        sheet.write_formula(NEXT_ROW, column, text, looks[look], stored(value))


def write_helpers(book: Book, sheet: Worksheet, values: dict[str, float]) -> None:
    """Right of all else what log_next is computed from."""
    where, looks, texts = helper_columns(book), book.looks, helper_formulas(book, sheet)
    first, last = where["last row"], max(where.values())
    sheet.write_string(NEXT_ROW - 1, first, "What the next row is computed from", looks["group"])
    sheet.set_column(first, last, 9, looks["plain"])
    style.header_height(sheet, TABLE_ROW, [*columns(book), *where])
    for name, column in where.items():
        sheet.write_string(TABLE_ROW, column, name, looks["header_right"])
        sheet.write_formula(NEXT_ROW, column, texts[name], looks["short"], stored(values[name]))
    number_rules(book, sheet, (NEXT_ROW, first + 1, NEXT_ROW, last))


def helper_values(book: Book) -> dict[str, float]:
    """What stands in helper_columns before the first step."""
    first, second = start_row(book)
    values = {"last row": 1.0} | first | {f"new {name}": value for name, value in second.items()}
    return values | {f"start {name}": value for name, value in first.items()}


def area(column: int) -> str:
    letter = xl_col_to_name(column)
    return f"${letter}${FIRST + 1}:${letter}${FIRST + LOG_ROWS + 1}"


def helper_formulas(book: Book, sheet: Worksheet) -> dict[str, str]:
    where, weights = helper_columns(book), book.network.weight_names
    last = xl_rowcol_to_cell(NEXT_ROW, where["last row"])

    def cell(name: str) -> str:
        if name in where:
            return str(xl_rowcol_to_cell(NEXT_ROW, where[name]))
        given = book.start[name.removeprefix("start ")] if name.startswith("start ") else book.shown[name]
        return given.on(sheet, anchored=True)

    texts = {w: f"INDEX({area(columns(book).index(w))},{last})" for w in weights}
    texts |= {name: expressions.native(each, cell) for name, each in helpers(book).items()}
    return {"last row": f"=MATCH(1E+306,{area(0)},1)"} | guarded(texts)


def write_chart(book: Book, sheet: Worksheet) -> None:
    """E_total of the rows, up to a thousand, above the table: always in sight, however wide the table is."""
    chart = style.loss_chart(book.workbook, "", None, "linear")
    rows = (FIRST, FIRST + CHARTED)
    chart.add_series(style.series(TITLE, (TABLE_ROW, len(columns(book)) - 1), 0, rows, 0, marked=True))
    chart.set_title({"name": "E_total by epoch", "name_font": style.LOW_TITLE, "overlay": False})
    chart.set_x_axis(style.axis("epoch", min=0) | {"name": None})
    chart.set_y_axis(style.axis("E_total") | {"name": None})
    chart.set_legend({"none": True})
    chart.set_size({"width": CHART_WIDTH, "height": CHART_HEIGHT})
    about = f"Line chart of E_total over the epochs of the log, the first {CHARTED} of them."
    style.insert_chart(sheet, (0, title_column(book)), chart, about, x_offset=CHART_LEFT, y_offset=2)


def printed_columns(book: Book) -> int:
    """How many columns hold the table and the chart."""
    right = list(accumulate(int(7 * width + 5) for width in widths(book)))  # in pixels
    end = right[title_column(book)] + CHART_LEFT + CHART_WIDTH
    return max(len(columns(book)), sum(edge < end for edge in right) + 1)
