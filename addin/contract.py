"""What the macros in Excel are given of the workbook's contract: a VBA module, generated from xlsx/contract.py.

(The extension in Calc carries xlsx/contract.py itself.)
"""

from collections.abc import Iterator, Mapping

from addin import training
from xlsx import contract

MODULE = "BackpropContract"
SETTINGS_SHEET = "xlwings.conf"  # hidden: xlwings' settings, and the blocks that Python answers
BLOCKS_ROW, BLOCKS_PLACE, BLOCKS_CALL = 1, 4, 5  # of the list of blocks there: its first row and its columns, from 1
FOR_MACROS = (
    "python_ready",
    "first_bad_input",
    "log_table",
    "log_next",
    "log_steps",
    "epoch",
    "last_epoch",
    "runs_table",
    "series_curves",
    contract.PREDICT_RUN,
    *contract.SHOWN_BY_RUNS,
)
SAID_BY_MACROS = (
    *("no name", "protected", "wrong n", "wrong width", "no next row", "bad input", "diverged"),
    *("only buttons", "no results", "help", "no workbook", "no answer", "no outcome", "not copied"),
    *("checking", "check under way", "checked", "check failed", "no report", "unmarked", "edited", "kept"),
)
HEAD = """Attribute VB_Name = "{}"
Option Explicit
' Names, limits and messages that the sheets, the extension in Calc and these macros share: generated from
' xlsx/contract.py. In a message the words in braces are filled in.

"""


Constants = Mapping[str, str | int | float]


def constants() -> dict[str, str | int]:
    """Everything that the macros share with others, by its name in VBA."""
    return {
        **{name.upper(): name for name in FOR_MACROS},
        "SETTING": contract.SETTING,
        "SHOWN_BY_RUNS": " ".join(contract.SHOWN_BY_RUNS),
        "SETTINGS_SHEET": SETTINGS_SHEET,
        "BLOCKS_ROW": BLOCKS_ROW,
        "BLOCKS_PLACE": BLOCKS_PLACE,
        "MOST_STEPS": contract.MOST_STEPS,
        "MOST_EPOCHS": contract.MOST_EPOCHS,
        "MOST_RUNS": contract.MOST_RUNS,
        "PRINTED_ROWS": contract.PRINTED_ROWS,
        "NO_NUMBER": contract.NOTHING,
        "ONE_CURVE": contract.ONE_CURVE,
        "OUTCOME_ROW": contract.OUTCOME_ROW,
        "OUTCOME": contract.OUTCOME,
        "ALL_GOOD": contract.ALL_GOOD,
        "STARTING": training.STARTING,
        "MOST_CHECKED": contract.MOST_CHECKED,
        "CHECK_SHEET": contract.CHECK_SHEET,
        "CHECK_REPORT": contract.CHECK_REPORT,
        "CHECK_NOTE": contract.CHECK_NOTE,
        "CHECK_FORMULA": contract.CHECK_FORMULA,
        "CHECK_COLOUR": bgr(contract.CHECK_COLOUR),
        "CHECK_TEXT": bgr(contract.CHECK_TEXT),
        "CHECK_LINK": bgr(contract.CHECK_LINK),
        **{f"SAYS_{key.upper().replace(' ', '_')}": contract.MESSAGES[key] for key in SAID_BY_MACROS},
    }


def bgr(colour: int) -> int:
    """A colour as VBA has it: blue, green, red."""
    return int.from_bytes(colour.to_bytes(3, "little"), "big")


def module(called: str = MODULE, shared: Constants | None = None) -> str:
    """The module as ASCII text with the line ends of VBA; without others, of constants()."""
    lines = declarations(constants() if shared is None else shared)
    return (HEAD.format(called) + "\n".join(lines) + "\n").replace("\n", "\r\n")


def declarations(shared: Constants) -> Iterator[str]:
    """A constant each; VBA's constants are ASCII, so any other text is a function."""
    for name, value in sorted(shared.items(), key=lambda item: not f"{item[1]}".isascii()):
        if isinstance(value, int | float):
            yield f"Public Const {name} As {'Long' if isinstance(value, int) else 'Double'} = {value}"
        elif value.isascii():
            yield f"Public Const {name} As String = {quoted(value)}"
        else:
            yield f"\nPublic Function {name}() As String\n    {name} = {quoted(value)}\nEnd Function"


def quoted(text: str) -> str:
    """A VBA expression for a text: ASCII in quotes, any other character by its number."""
    parts, plain = [], ""
    for character in text:
        if character.isascii():
            plain += character.replace('"', '""')
        else:
            parts += [f'"{plain}"', f"ChrW({ord(character)})"]
            plain = ""
    return " & ".join([*parts, f'"{plain}"'])
