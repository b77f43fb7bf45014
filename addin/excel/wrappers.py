"""The VBA module of the cell functions: a wrapper for each entry of the table, which hands its cells to xlwings.

The same in effect as xlwings' own generator writes, but for three things: a failure begins with "#", so that no cell
takes it for an answer; a missing argument is the number that COM would make of it, because LibreOffice, where this is
tested, passes none on; and each function has its help and category in Excel's function wizard.
"""

from addin.contract import quoted
from addin.excel.udfs import CATEGORY
from addin.functions import FUNCTIONS, PARAMETERS, Function

MODULE = "BackpropFunctions"
UDFS = "addin.excel.udfs"
LONGEST_HELP = 255  # Application.MacroOptions takes no more
HEAD = """Attribute VB_Name = "{module}"
Option Explicit
' The cell functions: generated from addin/functions.py.

Private Const MISSING As Long = -2147352572
"""
WRAPPER = """Public Function {name}({declared})
    On Error GoTo failed
{chosen}    {name} = XLPy.CallUDF("{udfs}", "{name}", Array({names}), ThisWorkbook, Application.Caller)
    Exit Function
failed:
    {name} = Failure(Err.Description)
End Function
"""
CHOSEN = """    If TypeName(run) <> "Range" Then
        If run = MISSING Then run = TextOf(Named(PREDICT_RUN))
    End If
"""
DESCRIBE = """Public Sub DescribeFunctions()
    On Error Resume Next
{lines}
End Sub
"""
CONTINUED = ", _\n        "  # a line of VBA has at most 1,023 characters, and 24 continuations


def text() -> str:
    """The module as ASCII text with the line ends of VBA."""
    wrappers = [wrapper(function) for function in FUNCTIONS.values()]
    described = DESCRIBE.format(lines="\n".join(map(describe, FUNCTIONS.values())))
    head = HEAD.format(module=MODULE)
    return "\n".join((head, *wrappers, described)).replace("\n", "\r\n")


def wrapper(function: Function) -> str:
    declared = [f"Optional {name} = MISSING" if function.is_optional(name) else name for name in function.parameters]
    chosen = CHOSEN if "run" in function.parameters else ""
    return WRAPPER.format(
        chosen=chosen, name=function.name, udfs=UDFS, declared=", ".join(declared), names=", ".join(function.parameters)
    )


def describe(function: Function) -> str:
    """The statement that gives a function its help in the wizard."""
    parts = [f'    Application.MacroOptions Macro:="{function.name}"', f'Category:="{CATEGORY}"']
    parts.append(f"Description:={quoted(function.help[:LONGEST_HELP])}")
    if function.parameters:
        helps = CONTINUED.join(quoted(PARAMETERS[name][:LONGEST_HELP]) for name in function.parameters)
        parts.append(f"ArgumentDescriptions:=Array({helps})")
    return CONTINUED.join(parts)
