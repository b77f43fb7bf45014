"""The marks of a check in Excel: the module that LibreOffice cannot run, by Wine's VBScript on stand-ins."""

from pathlib import Path

from addin import contract
from tests.windows import vba
from tests.windows.wine import Wine
from xlsx.contract import CHECK_FORMULA, CHECK_NOTE

CONSTANTS = {name: contract.constants()[name] for name in ("CHECK_FORMULA", "CHECK_NOTE", "CHECK_COLOUR", "CHECK_TEXT")}
SHEET = """
Const EXPRESSION = 2
Class Colour
    Public Color
End Class
Class Entry
    Public Type
    Public Formula
    Public Text
    Public Interior
    Public Font
    Public StopIfTrue
    Public First
    Public Deleted
    Property Get Formula1
        If Type <> 2 Then Err.Raise 438
        Formula1 = Formula
    End Property
    Sub SetFirstPriority()
        First = True
    End Sub
    Sub Delete()
        Deleted = True
    End Sub
End Class
Class List
    Public Count
    Public Entries
    Function Item(number)
        Set Item = Entries.Item(number)
    End Function
    Function Added(kind, formula, text)
        Dim one
        Set one = New Entry
        one.Type = kind
        one.Formula = formula
        one.Text = text
        Set one.Interior = New Colour
        Set one.Font = New Colour
        Count = Count + 1
        Entries.Add Count, one
        Set Added = one
    End Function
    Function Add(kind, operator, formula)
        Set Add = Added(kind, formula, "")
    End Function
    Function Kept()
        Dim number
        For number = 1 To Count
            If Not Entries.Item(number).Deleted Then Kept = Kept & number & " "
        Next
    End Function
End Class
Function NewList()
    Dim made
    Set made = New List
    made.Count = 0
    Set made.Entries = CreateObject("Scripting.Dictionary")
    Set NewList = made
End Function
Class Sheet
    Public Cells
    Public FormatConditions
    Public Comments
End Class
Dim one
Set one = New Sheet
Set one.Cells = one
Set one.FormatConditions = NewList()
Set one.Comments = NewList()
"""


def run(wine: Wine, name: str, call: str, folder: Path, beside: str = "") -> str:
    """What a statement puts into Answer; our names and numbers are there, and the sheet `one`."""
    text = {key: vba.literal(value) if isinstance(value, str) else value for key, value in CONSTANTS.items()}
    constants = "\n".join(f"Const {key} = {value}" for key, value in text.items())
    return vba.run(wine, name, call, {}, "C:\\book.xlsm", folder, f"{constants}\n{SHEET}\n{beside}\n")


def filled() -> str:
    """A user's colour scale, formula and comment among our marks and notes."""
    ours, note = vba.literal(f"={CHECK_FORMULA}"), vba.literal(f"{CHECK_NOTE}wrong")
    conditions = [(2, ours), (3, '""'), (2, vba.literal("=A1>0")), (2, ours)]
    comments = [note, vba.literal("mine"), note]
    return "\n".join(
        [f'one.FormatConditions.Added {kind}, {formula}, ""' for kind, formula in conditions]
        + [f'one.Comments.Added 0, "", {text}' for text in comments]
    )


IS_MARK = vba.as_vbscript(vba.procedure("IsMark"))


def test_only_our_marks_and_notes_are_taken_away(wine: Wine, tmp_path: Path) -> None:
    call = 'RemoveMarks one\nAnswer = one.FormatConditions.Kept() & "| " & one.Comments.Kept()'
    assert run(wine, "RemoveMarks", call, tmp_path, f"{IS_MARK}\n{filled()}").split() == ["2", "3", "|", "2"]


def test_whether_a_sheet_has_marks_is_known(wine: Wine, tmp_path: Path) -> None:
    call = "Answer = HasMarks(one) & vbLf"
    assert run(wine, "HasMarks", call, tmp_path, f"{IS_MARK}\n{filled()}").strip() == "True"
    users = 'one.FormatConditions.Added 3, "", ""\none.FormatConditions.Added 2, "=A1>0", ""'
    assert run(wine, "HasMarks", call, tmp_path, f"{IS_MARK}\n{users}").strip() in ("", "False")


def test_a_mark_is_the_first_condition_stops_none_and_has_our_colours(wine: Wine, tmp_path: Path) -> None:
    values = ("Type", "Formula", "Interior.Color", "Font.Color", "StopIfTrue", "First")
    shown = ' & "|" & '.join(f"made.{value}" for value in values)
    call = f"AddMark one\nDim made\nSet made = one.FormatConditions.Item(1)\nAnswer = {shown}"
    colours = [str(CONSTANTS[name]) for name in ("CHECK_COLOUR", "CHECK_TEXT")]
    assert run(wine, "AddMark", call, tmp_path).split("|") == ["2", f"={CHECK_FORMULA}", *colours, "False", "True"]
