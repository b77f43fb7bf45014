"""Titles and tables: what a column holds by its title, and blocks of one row per update below the titles, wherever they
stand.

The many spellings that people use are brought to the names of the exercise: t1 i1 w1 b1 h1 a_h1 o1 a_o1 E1 E_total
dE/dw1 learning_rate epoch, new w1 for a weight after its update, change w1 for Δw1, and dX/dY for any other derivative.
A header may serve several blocks below it, several may stand side by side, and a header may be split over two rows.
Where a workbook has no such table, quantities listed down the rows with the updates across are looked for the same way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from xlsx.formulas import GRADIENTS, LOSS_KINDS, STARTED, UNIT_KINDS, kind

from .files import Cell, Error, Grid, Place, Position, Sheet, place

LONGEST = 80
GAP, MOST_BLOCKS = 12, 100
LEAST_NAMES, LEAST_WEIGHTS, LEAST_SMALL = 5, 4, 2
NO_QUANTITY = frozenset({"epoch", "learning_rate"})
WEIGHTS = frozenset({"w", "b"})
GRADIENT_TITLE = re.compile(r"grad|deriv|∂|𝜕|δ|d ?e|back", re.IGNORECASE)
NEW_TITLE = re.compile(r"new|updat|next|after", re.IGNORECASE)
TEXT_NUMBER = re.compile(r"[-−]?\d+[.,]\d+(?:e-?\d+)?", re.IGNORECASE)
Texts = dict[int, dict[int, str]]
Lines = dict[str, int]
D = "∂"  # one sign for every d of a derivative that cannot be a letter
SIGNS = str.maketrans(
    {
        **dict.fromkeys("δ𝛿𝜕∂∇ð", D),
        **dict.fromkeys("∆Δ", "Δ"),
        **dict.fromkeys("ɳŋἠη𝜂ƞ", "η"),
        **dict.fromkeys("∑ς", "σ"),
        "ω": "w",
    }
)
TOTALS = re.compile(
    r"(?:e|err|error|loss|cost|l|j|mse|sse)_?(?:total|tot|totl|toal|tottal|t|tt|ttl|all|sum|overall|avg|mean)?"
    r"|(?:total|tot|sum|net|overall|average|avg|mean)_?(?:of_?)?(?:the_?)?(?:e|err|error|errors|loss|losses|cost)"
    r"|gesamt_?fehler|fehler_?gesamt|verlust|perdida(?:_?total)?|erro(?:r|_?total)|erreur_?totale|total|errors|e1\+e2|σ_?e|(?:mean_?)?squared_?error|loss_?function|global_?error"
)
WEIGHT_WORDS = "w|weight|weights|wt|wgt|gewicht|gew|peso|poids"
ACTIVATED = (
    r"(?:a|ac|act|activ|activated|activation|activation_?of|aktivierung|ausgabe|ausgang"
    r"|out|output|o|sigmoid|sigm|sig|sigma|σ|s|f|g|φ)"
)
SUMMED = r"(?:netz|summe|net|in|sum|z|s|input|weighted_?sum|total|inp)"
RATE_WORDS = (
    r"(?:learning_?rates?|learn_?rate|learing_?rate|leaning_?rate|lerning_?rate|lern_?rate|tasa_?de_?aprendizaje"
    r"|taxa_?de_?aprendiza(?:do|gem)|l_?r|η|eta|α|alpha|rate|step_?size)"
)
RATE = re.compile(rf"(?:the_?|for_?|with_?|when_?)*{RATE_WORDS}(?:_?(?:n|η|eta|lr|α|alpha|l_r))?")
EPOCHS = re.compile(
    r"(?:no_?of_?)?(?:epochs?|iterations?|iter|itr|steps?|n|no|sno|s_no|sl_?no|sr_?no|index|round|#|time|t)"
)

PATTERNS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), name)
    for pattern, name in [
        (
            r"(?:t|tar|tgt|target|targets|expected|actual|true|desired|targeto|target_o|y_true|t_o|ziel|zielwert|soll|sollwert|objetivo|cible)_?(\d)",
            "t",
        ),
        (r"(?:i|inp|input|inputs|x|in|eingabe|eingang|entrada|entree)_?(\d)", "i"),
        (rf"(?:{WEIGHT_WORDS})_?(\d{{1,2}})", "w"),
        (r"(?:b|bias|biases)_?(\d)", "b"),
        (r"(?:b|bias)_?(?:of_?)?h(?:idden)?_?(\d)", "b_h"),
        (r"(?:b|bias)_?(?:of_?)?o(?:ut|utput)?_?(\d)", "b_o"),
        (rf"{ACTIVATED}_?_?(?:of_?)?h(?:idden)?_?(\d)", "a_h"),
        (r"h_?(\d)_?(?:a|act|activated|activation|out|output|sigmoid)", "a_h"),
        (rf"{ACTIVATED}_?_?(?:of_?)?(?:o|0|out|output)_?(\d)", "a_o"),
        (r"(?:o|out)_?(\d)_?(?:a|act|activated|activation|out|output|sigmoid)", "a_o"),
        (r"(?:pred|prediction|predicted|y_?hat|ŷ|y_pred)_?(\d)", "a_o"),
        (rf"(?:{SUMMED}_?)?(?:h|hidden)_?(\d)(?:_?(?:net|in|sum|input|z))?", "h"),
        (rf"(?:{SUMMED}_?)?(?:o|out|output)_?(\d)(?:_?(?:net|in|sum|input|z))?", "o"),
        (r"(?:e|err|error|loss|l|cost|j|fehler|erreur)_?(?:of_?)?(?:o|0|out)?_?(\d)", "E"),
    ]
]
WEIGHT = rf"({WEIGHT_WORDS}|(?:b|bias)(?:_?[ho])?)_?(\d{{1,2}})"
DELTA = re.compile(rf"(?:delta|{D}|error_?(?:term|signal))_?(?:of_?|at_?)?(?:h(?:idden)?|(o)(?:ut|utput)?)_?(\d)")
NUMERATORS = [(re.compile(r"e_?(\d)|error_?(\d)|e_?o_?(\d)"), "E")]


@lru_cache(maxsize=20_000)
def quantity(title: str) -> str | None:
    """The exercise's name of what a title says, or None."""
    if len(title) > LONGEST:
        title = re.split("[=:]", title)[0]  # a title that writes out the formula
    if len(title) > LONGEST:
        return None
    text = plain(title)
    found = named(text)
    if found is None and ("=" in text or ":" in text):
        found = named(re.split(r"[=:]", text)[0].strip("_"))
    if found is None and "(" in title:  # "dE/dw1 (gradient)", "E1 (½(t1 − a_o1)²)"
        found = named(plain(re.sub(r"\(.*", "", title)))
    return found


def plain(title: str) -> str:
    """A title in lower case without brackets, spaces and decoration; words are joined by "_"."""
    if not re.search("[/∕⁄÷]", title):  # "Δw1" is a change; "ΔE/Δw1" is meant as a derivative
        title = re.sub("[Δ∆]", "delta ", title)
    text = unicodedata.normalize("NFKC", title.translate(SIGNS)).translate(SIGNS).lower()
    text = re.sub("[∕⁄÷]", "/", text.translate(SIGNS)).replace("′", "'").replace("\\partial", D).replace("\\", "")
    text = re.sub(r"\bpartial\b|\bdel\b", D, text)
    text = re.sub(r"[\s_()\[\]{}$`^*,;·.]+", "_", text).strip("_-–:=")
    return re.sub(r"_*([/'+=])_*", r"\1", text)


def named(text: str) -> str | None:
    if not text:
        return None
    for wanted in (plain_name, new_weight, derivative):
        if found := wanted(text):
            return found
    if delta := DELTA.fullmatch(text):
        return f"dE/d{delta[1] or 'h'}{int(delta[2])}"
    if RATE.fullmatch(text):
        return "learning_rate"
    if TOTALS.fullmatch(text):
        return "E_total"
    return "epoch" if EPOCHS.fullmatch(text) else None


def plain_name(text: str) -> str | None:
    for pattern, name in PATTERNS:
        if found := pattern.fullmatch(text):
            number = int(found[1])
            return f"{name}{number}" if number else None
    return None


def new_weight(text: str) -> str | None:
    """ "new w1", "w1_new", "w1'", "w1+" and "updated w1"; "Δw1" is the change."""
    if found := re.fullmatch(rf"(?:new|updated|upd|next|final)_?{WEIGHT}", text):
        return f"new {letter(found[1])}{int(found[2])}"
    if found := re.fullmatch(rf"{WEIGHT}_?(?:new|updated|upd|next|n|\+|'|\+1|t\+1)", text):
        return f"new {letter(found[1])}{int(found[2])}"
    if found := re.fullmatch(rf"(?:Δ|δ|delta|change_?(?:in|of)?)_?{WEIGHT}", text):
        return f"change {letter(found[1])}{int(found[2])}"
    return None


def letter(kind: str) -> str:
    """w of "weight", b of "bias", b_h of "bias h"."""
    return "w" if kind[0] != "b" else f"b_{kind[-1]}" if kind[-1] in "ho" else "b"


GRADIENT = re.compile(
    r"(?:(?:grad|gradient|gradients|slope|deriv|derivative|ableitung|partial)_?(?:of_?|e_?|wrt_?|for_?)*|g_?)(?:d|∂)?_?"
    rf"{WEIGHT}|{WEIGHT}_?(?:grad|gradient)|[d{D}]_?([wb])_?(\d{{1,2}})"
)


def derivative(text: str) -> str | None:
    """The name of "∂E_t/∂w1", "dE_dw1", "dw1", "grad w1", "dE(total)/dao1", "da_o1/do1"."""
    if found := GRADIENT.fullmatch(text):
        kind, number = filter(None, found.groups())
        return f"dE/d{letter(kind)}{int(number)}"
    above, slash, below = text.partition("/")
    if not slash:
        found = re.fullmatch(rf"([d{D}]_?[a-z0-9_]*?)_?(?:by_?|wrt_?)?([d{D}]_?[a-z]+[a-z0-9_]*)", text)
        if not found:
            return None
        above, below = found.groups()
    over, under = part(above), part(below)
    if over is None or under is None or over == under or not has_d(above, below):
        return None
    return f"d{over}/d{under}"


def has_d(above: str, below: str) -> bool:
    """Whether at least one of the two is written with a d: "E/w1" is none without."""
    return above[:1] in ("d", D) or below[:1] in ("d", D) or D in above + below


def part(text: str) -> str | None:
    """What stands over or under the stroke, without its d; E stands for the total. A d alone stands for dE."""
    text = re.sub(rf"^[d{D}]_?", "", text.strip("_"))
    if text == "":
        return "E"
    for pattern, name in NUMERATORS:
        if found := pattern.fullmatch(text):
            return f"{name}{next(filter(None, found.groups()))}"
    if TOTALS.fullmatch(text) or text in ("t", "c", "cost"):
        return "E"
    return plain_name(text)


NUMBER = re.compile(r"(?<![\w.,])-?\d*[.,]?\d+(?:e-?\d+)?%?(?![\w])", re.IGNORECASE)
SPACED_RATE = RATE_WORDS.replace("_?", "[ _.]?")
RATE_START = re.compile(rf"(?:.*[\s_(\[:,–-])?{SPACED_RATE}(?![a-z])", re.IGNORECASE)


def written_rate(text: str) -> float | None:
    """The learning rate that a text states: "Learning rate (n) = 0.1", "η = 0.5", "LR 2"; None for lists and others."""
    if len(text) > LONGEST * 2:
        return None
    text = unicodedata.normalize("NFKC", text.translate(SIGNS)).translate(SIGNS).lower().replace("_", " ")
    if not RATE_START.match(text):
        return None
    text = re.sub(rf"({SPACED_RATE})(?: ?-)?(?=[\d.])", r"\1 ", text)  # "LR-0.1" is no minus
    found = NUMBER.findall(text)
    return rate_number(found[0]) if len(found) == 1 else None


def rate_number(text: str) -> float | None:
    percent = text.endswith("%")
    try:
        value = float(text.rstrip("%").replace(",", "."))
    except ValueError:
        return None
    return value / 100 if percent else value


def is_rate_label(text: str) -> bool:
    """Whether a text is a label such as "η =" or "Learning rate:", whose number stands in another cell."""
    return (
        len(text) <= LONGEST
        and (quantity(text) == "learning_rate" or bool(RATE.fullmatch(plain(text))))
        and (written_rate(text) is None)
    )


@dataclass(eq=False)
class Block:
    """One table. `lines` are the columns (rows, where `across`) by quantity, `steps` its rows (columns)."""

    sheet: Sheet
    lines: Lines
    header: int
    steps: list[int]
    across: bool = False
    titles: dict[int, str] = field(default_factory=dict)

    def at(self, line: int, step: int) -> Place:
        row = self.steps[step]
        return (self.sheet.name, line, row) if self.across else (self.sheet.name, row, line)

    @property
    def places(self) -> dict[Place, int]:
        """Its cells, each with its step."""
        return {self.at(line, step): step for line in self.lines.values() for step in range(len(self.steps))}

    @property
    def filled(self) -> int:
        """How many of its cells hold a number or a formula."""
        return sum(is_filled(self.sheet.at(*place[1:])) for place in self.places)

    @property
    def area(self) -> str:
        """The cells from the first column's first row to the last column's last row."""
        lines = sorted(self.lines.values())
        corners = [(self.steps[0], lines[0]), (self.steps[-1], lines[-1])]
        return ":".join(place(*(corner[::-1] if self.across else corner)) for corner in corners)


def find(grid: Grid) -> list[Block]:
    """All blocks, in reading order."""
    blocks = [block for sheet in grid.sheets.values() for block in sheet_blocks(sheet, across=False)]
    if not blocks:
        blocks = [block for sheet in grid.sheets.values() for block in sheet_blocks(turned(sheet), across=True)]
        for block in blocks:
            block.sheet = grid.sheets[block.sheet.name]
    return blocks


def turned(sheet: Sheet) -> Sheet:
    """The sheet with rows for columns."""
    cells = {(column, row): cell for (row, column), cell in sheet.cells.items()}
    return Sheet(sheet.name, cells=cells, merged=[(b, a, d, c) for a, b, c, d in sheet.merged])


def sheet_blocks(sheet: Sheet, across: bool) -> list[Block]:
    texts = text_rows(sheet)
    headers = header_groups(sheet, texts)
    blocks: list[Block] = []
    for at, (row, columns) in enumerate(headers):
        below = [other for other, others in headers[at + 1 :] if other > row and over(columns, others, texts[other])]
        end = (below[0] if below else sheet.last_row + 1) - 1
        for steps in runs(sheet, columns, row + 1, end):
            before = next((each for each in reversed(blocks) if each.lines == columns), None)
            if before and before.header != row and goes_on(sheet, columns, steps[0], before.steps[-1]):
                before.steps += steps  # the header is repeated within one descent
                continue
            titles = {line: titled(texts, row, line) for line in texts[row]}
            blocks.append(Block(sheet, without_titles(sheet, columns, steps), row, steps, across, titles))
    return blocks


def without_titles(sheet: Sheet, columns: Lines, steps: list[int]) -> Lines:
    """The columns without those that hold another table's titles in all rows, as a list of cards does."""

    def is_title(step: int, column: int) -> bool:
        text = sheet.at(step, column).value
        return isinstance(text, str) and quantity(text) is not None

    return {name: column for name, column in columns.items() if not all(is_title(step, column) for step in steps)}


def titled(texts: Texts, row: int, column: int) -> str:
    return " ".join(texts[row][column].split())


def text_rows(sheet: Sheet) -> Texts:
    """The texts of a sheet by row and column; a merged title stands in all columns that it covers."""
    rows: Texts = {}
    for (row, column), cell in sheet.cells.items():
        if isinstance(cell.value, str) and cell.formula is None:
            rows.setdefault(row, {})[column] = cell.value
    for top, left, bottom, right in sheet.merged:
        text = rows.get(top, {}).get(left)
        if text and right - left < 50 and bottom - top < 3:
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    rows.setdefault(row, {}).setdefault(column, text)
    return rows


def header_groups(sheet: Sheet, texts: Texts) -> list[tuple[int, Lines]]:
    """The header rows, each with one group of columns by quantity; blocks side by side are several groups."""
    found: list[tuple[int, Lines]] = []
    taken = 0
    for row in sorted(texts):
        if row <= taken:
            continue
        named = names_of(texts, row)
        if not is_table(sheet, row, by_name(named)):
            continue
        under = names_of(texts, row + 1)
        if len(under) >= 2 and not numbers_in(sheet, row + 1, under):  # a header in two rows
            named, row = named | under, row + 1
        taken = row
        groups = split(with_targets(sheet, row, named), texts[row])
        found += [(row, group) for group in tables_of(sheet, row, groups)]
    return found


def tables_of(sheet: Sheet, row: int, groups: list[Lines]) -> list[Lines]:
    """The groups of columns that are tables: of computed quantities, or of weights that none of those has taken."""
    whole = [group for group in groups if is_header(group)]
    taken = {column for group in whole for column in group.values()}
    others = [group for group in groups if group not in whole and taken.isdisjoint(group.values())]
    return whole + [group for group in others if is_table(sheet, row, group)]


def is_table(sheet: Sheet, row: int, group: Lines) -> bool:
    return is_header(group) or is_state(sheet, row, group) or is_small(sheet, row, group)


def is_computed(name: str) -> bool:
    return kind(name).kind in UNIT_KINDS | LOSS_KINDS or "/" in name or name.startswith("new ")


def is_header(names: Iterable[str]) -> bool:
    distinct = set(names) - {"epoch"}
    return len(distinct) >= LEAST_NAMES and any(is_computed(name) for name in distinct)


def is_state(sheet: Sheet, row: int, group: Lines) -> bool:
    """Whether a header is of weights, inputs and targets alone, with updates or numbers in its second row."""
    given = all(kind(name).kind in STARTED or name in NO_QUANTITY for name in group)
    weights = [sheet.at(row + 2, column) for name, column in group.items() if kind(name).kind in WEIGHTS]
    if weights or not given:
        return given and len(weights) >= LEAST_WEIGHTS and all(is_filled(cell) for cell in weights)
    rows = [[sheet.at(row + below, group[name]).value for name in group if name != "epoch"] for below in (1, 2)]
    return len(rows[0]) >= LEAST_SMALL and all(map(is_number, rows[0] + rows[1]))


def is_small(sheet: Sheet, row: int, group: Lines) -> bool:
    """Whether a header is that of a few quantities computed or pasted in two rows, such as E1 E2 E_total."""
    lines = {name: column for name, column in group.items() if name != "epoch"}
    cells = [[sheet.at(row + below, column) for below in (1, 2)] for column in lines.values()]
    made = [all(cell.formula is not None for cell in column) for column in cells]
    filled = all(is_filled(cell) for column in cells for cell in column)
    least = 1 if all(kind(name).kind in LOSS_KINDS for name in lines) else LEAST_SMALL
    return all(map(is_computed, lines)) and any(made) and filled and least <= len(lines) < LEAST_NAMES


def is_filled(cell: Cell) -> bool:
    return cell.formula is not None or is_number(cell.value) or isinstance(cell.value, Error)


def with_targets(sheet: Sheet, row: int, named: dict[int, str]) -> dict[int, str]:
    """Where no title says t1: "out1" or "output 1", typed in as one number for all rows beside o1, is the target."""
    units = [name for name in named.values() if kind(name).kind in ("o", "a_o")]

    def is_target(name: str, column: int) -> bool:
        own = kind(name).number
        again = sum(kind(other).number == own for other in units) > 1
        return name in units and again and typed_once(sheet, row + 1, column) and not says(sheet, f"t{own}")

    return {column: f"t{kind(name).number}" if is_target(name, column) else name for column, name in named.items()}


def says(sheet: Sheet, name: str) -> bool:
    """Whether a title or a label of the sheet names a quantity."""
    return any(isinstance(each.value, str) and quantity(each.value) == name for each in sheet.cells.values())


def typed_once(sheet: Sheet, row: int, column: int) -> bool:
    """Whether a column has the same typed number in each row, down to the first cell without one; two at least."""
    cells, at = [sheet.at(row, column)], row + 1
    while cells[-1].formula is None and is_number(cells[-1].value):
        cells.append(sheet.at(at, column))
        at += 1
    return len(cells) > 2 and len({cell.value for cell in cells[:-1]}) == 1 and cells[-1].formula is None


def by_name(named: dict[int, str]) -> Lines:
    return {name: column for column, name in named.items()}


def numbers_in(sheet: Sheet, row: int, columns: Iterable[int]) -> bool:
    return any(not isinstance(sheet.at(row, column).value, str) for column in columns)


def names_of(texts: Texts, row: int) -> dict[int, str]:
    """The quantities that the titles of a row name; a title above helps where one alone says too little."""
    above, named = texts.get(row - 1, {}), {}
    for column, text in sorted(texts.get(row, {}).items()):
        over = above.get(column, "")
        name = quantity(text) or (quantity(over + text) if over and quantity(over) != "learning_rate" else None)
        if name:
            named[column] = under_title(name, over)
    return without_double_indices(named)


def without_double_indices(named: dict[int, str]) -> dict[int, str]:
    """w11, w12, w21 … without a w1 tell no order; what each is shows in the numbers."""
    single = {kind(name).kind for name in named.values() if kind(name).number == "1"}
    return {
        column: name
        for column, name in named.items()
        if len(kind(name).number) < 2 or kind(name).kind in single or not kind(name).kind.endswith("w")
    }


def under_title(name: str, over: str) -> str:
    """w1 under a title such as "Gradients" is dE/dw1; under "New weights" it is the new w1."""
    if kind(name).kind in WEIGHTS and over and quantity(over) is None and len(over) < 60:
        if NEW_TITLE.search(over):
            return f"new {name}"
        if GRADIENT_TITLE.search(over) and not re.search("weight|initial", over, re.IGNORECASE):
            return f"dE/d{name}"
    return name


def split(named: dict[int, str], titles: Container[int]) -> list[Lines]:
    """Groups of columns by quantity. A name that comes again starts a new group, if enough of the old come with it;
    the new group begins where its titles stand together."""
    groups: list[Lines] = [{}]
    for piece in pieces(named, titles):
        taken = {name for _, name in piece} & set(groups[-1])
        again = bool(taken) and piece[0][1] == min(groups[-1], key=lambda name: groups[-1][name])
        if again or (taken and (is_header(name for _, name in piece) or not is_header(groups[-1]))):
            groups.append({})
        for at, (column, name) in enumerate(piece):
            if name not in groups[-1]:
                groups[-1][name] = column
            elif is_header(rest := [other for _, other in piece[at:]]) and 2 * len(set(rest) & set(groups[-1])) >= len(
                rest
            ):
                groups.append({name: column})  # blocks side by side without a column between
    whole = [with_numbered_biases(with_new_weights(group, named)) for group in groups]
    return [renamed_changes(group) for group in whole]


def pieces(named: dict[int, str], titles: Container[int]) -> list[list[tuple[int, str]]]:
    """The titles that stand together, without a column between them that has none."""
    found: list[list[tuple[int, str]]] = []
    for column in sorted(named):
        if not found or any(between not in titles for between in range(found[-1][-1][0] + 1, column)):
            found.append([])
        found[-1].append((column, named[column]))
    return found


def with_new_weights(group: Lines, named: dict[int, str]) -> Lines:
    """A second set of plain weight titles to the right, at the end of a row, are the weights after the update."""
    again = {name: column for column, name in named.items() if kind(name).kind in WEIGHTS}
    end = max(group.values(), default=0)
    if again and all(column > end for column in again.values()) and set(again) <= set(group):
        names = [name for column, name in named.items() if column > end]
        if all(name in again for name in names):
            return group | {f"new {name}": column for name, column in again.items()}
    return group


def with_numbered_biases(group: Lines) -> Lines:
    """The biases of hidden and output units (b_h1, b_o1) numbered through, as the exercise does: b1, b2, b3 …"""
    hidden = max((int(kind(name).number) for name in group if kind(name).kind in ("h", "a_h", "b_h")), default=0)

    def number(found: re.Match[str]) -> str:
        return f"b{int(found[2]) + (hidden if found[1] == 'o' else 0)}"

    return {re.sub(r"b_([ho])(\d+)$", number, name): column for name, column in group.items()}


def renamed_changes(group: Lines) -> Lines:
    """Where no column says dE/dw, those that say Δw are meant so."""
    if any(kind(name).kind in GRADIENTS for name in group):
        return group
    return {re.sub(r"^change ([wb]\d+)$", r"dE/d\1", name): column for name, column in group.items()}


def numbers_as_texts(grid: Grid) -> str | None:
    """The first cell of a table whose numbers are texts, as "0,15" is where the decimal sign is a point."""
    for sheet in grid.sheets.values():
        for row, columns in header_groups(sheet, text_rows(sheet)):
            values = [sheet.at(row + 1, column).value for column in columns.values()]
            texts = [value for value in values if isinstance(value, str) and TEXT_NUMBER.fullmatch(value.strip())]
            if 2 * len(texts) > len(values):
                line = next(column for column in columns.values() if sheet.at(row + 1, column).value == texts[0])
                return f'{sheet.name}!{place(row + 1, line)} holds the text "{texts[0]}"'
    return None


def over(one: Lines, other: Lines, titles: dict[int, str]) -> bool:
    """Whether a header below has titles, known or not, in the columns of one above it."""
    beside = max(one.values()) < min(other.values()) or max(other.values()) < min(one.values())
    return not beside or any(column in titles for column in one.values())


def runs(sheet: Sheet, columns: Lines, start: int, end: int) -> list[list[int]]:
    """The rows of each block under a header. A row that goes on from the last one belongs to its block."""
    found: list[list[int]] = []
    open_run, last_seen, other_titles = False, start, False
    for row in range(start, end + 1):
        if not is_data(sheet, columns, row):
            open_run = False
            other_titles |= bool(found) and is_titles(sheet, columns, row)
            if row - last_seen > GAP:
                break
            continue
        if other_titles and not goes_on(sheet, columns, row, found[-1][-1]):
            break
        last_seen = row
        if found and (
            goes_on(sheet, columns, row, found[-1][-1]) or (open_run and not restarts(sheet, columns, row, found[-1]))
        ):
            found[-1].append(row)
        else:
            found.append([row])
        open_run = True
    return found


def is_data(sheet: Sheet, columns: Lines, row: int) -> bool:
    """Whether most of the row's cells are numbers, error values or formulas."""
    cells = [sheet.at(row, column) for name, column in columns.items() if name != "epoch"]
    filled = [cell for cell in cells if is_filled(cell)]
    return len(filled) >= max(min(2, len(cells)), len(cells) * 0.4)


def is_titles(sheet: Sheet, columns: Lines, row: int) -> bool:
    """Whether texts, and no numbers, stand in most of the columns: the titles of another table, known or not."""
    cells = [sheet.at(row, column) for column in columns.values()]
    texts = [cell for cell in cells if isinstance(cell.value, str) and cell.formula is None]
    return len(texts) >= 2 and 2 * len(texts) > sum(cell.value is not None for cell in cells)


def weight_columns(columns: Lines) -> list[int]:
    return [column for name, column in columns.items() if kind(name).kind == "w"]


def goes_on(sheet: Sheet, columns: Lines, row: int, before: int) -> bool:
    """Whether the row's weights are computed from the row before, though something stands between."""
    texts = [sheet.at(row, column).formula for column in weight_columns(columns)]
    found = [text for text in texts if text and re.search(rf"(?<![\d]){before}(?!\d)", text)]
    shared = [sheet.at(row, column) for column in weight_columns(columns)]
    return len(found) * 2 > len(texts) or (
        row == before + 1 and any(cell.formula is not None and cell.shift[0] > 0 for cell in shared)
    )


def restarts(sheet: Sheet, columns: Lines, row: int, run: list[int]) -> bool:
    """Whether the row has the start's weights again, as plain numbers, after rows in which they had changed."""

    def state(at: int) -> list[object]:
        return [sheet.at(at, column).value for column in weight_columns(columns)]

    plain = all(sheet.at(row, column).formula is None for column in weight_columns(columns))
    return plain and len(run) > 1 and bool(weight_columns(columns)) and state(row) == state(run[0]) != state(run[-1])


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def labels(sheet: Sheet, blocks: list[Block]) -> dict[Position, str]:
    """Numbers outside the blocks that a label to the left or above names: inputs, targets, weights, learning rates."""
    taken = {place[1:] for block in blocks for place in block.places}
    headers = {block.header for block in blocks if not block.across}
    found: dict[Position, str] = {}
    for (row, column), cell in list(sheet.cells.items()):
        if not isinstance(cell.value, str) or cell.formula is not None or len(cell.value) > 60:
            continue
        name = "learning_rate" if is_rate_label(cell.value) else quantity(cell.value)
        if name is None or (row in headers and len(kind(name).number) > 1):
            continue
        stated = name == "learning_rate" and written_rate(cell.value) is not None
        if (name == "learning_rate" or kind(name).kind in STARTED) and not stated:
            where = labelled(sheet, row, column)
            if where and where not in taken:
                found.setdefault(where, name)
    return found


def labelled(sheet: Sheet, row: int, column: int) -> Position | None:
    """The number that a label stands for: beside it, past blanks and "=" signs, or right below it."""
    span = next((area for area in sheet.merged if area[0] <= row <= area[2] and area[1] <= column <= area[3]), None)
    right = span[3] if span else column
    for away in range(right + 1, right + 4):
        value = sheet.at(row, away).value
        if is_number(value):
            return row, away
        if value is not None and str(value).strip() not in ("=", ":", ""):
            break
    below = (span[2] if span else row) + 1
    return (below, column) if is_number(sheet.at(below, column).value) else None
