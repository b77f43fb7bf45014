"""The VBA that makes Windows' command lines, as it is shipped, run by Wine's cscript: VBScript is VBA without types."""

import re
from pathlib import Path

from addin.excel import project
from tests.excel.macros import compiled_for_excel
from tests.windows.wine import Wine, windows_path

ENCODING = "cp1252"  # Wine's cscript takes a script for text of the system's code page
HOST = """
Class Named
    Public FullName
    Public Name
    Public PathSeparator
    Public StatusBar
End Class
Dim ThisWorkbook, Application, Shell
Set ThisWorkbook = New Named
Set Application = New Named
Set Shell = CreateObject("WScript.Shell")
ThisWorkbook.FullName = {workbook}
ThisWorkbook.Name = {name}
Application.PathSeparator = "\\"
Function OnMac()
    OnMac = False
End Function
Function GetConfig(key, fallback)
    Select Case key
{settings}
    Case Else: GetConfig = fallback
    End Select
End Function
"""


def procedure(name: str) -> str:
    """A Sub or Function of the workbook's VBA project, from its first line to its last."""
    pattern = rf"^(?:Public |Private )?(Sub|Function) {name}\(.*?^End \1"
    return next(
        found[0] for text in project.sources().values() if (found := re.search(pattern, unix(text), re.M | re.S))
    )


def unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def as_vbscript(text: str) -> str:
    """VBA as VBScript takes it: no types, no $, no name after Next, no optional arguments, and WScript is the host."""
    text = "\n".join(compiled_for_excel(text))
    text = re.sub(r" As \w+", "", re.sub(r"\b(?:ByVal|ByRef|Private|Public) ", "", text))
    text = re.sub(r"\b(LCase|Mid|Left)\$\(", r"\1(", re.sub(r"^( *Next) \w+$", r"\1", text, flags=re.M))
    text = re.sub(r'GetConfig\(("[^"]*")\)', r'GetConfig(\1, "")', text)
    return text.replace("WScript.Run", "Shell.Run")


def literal(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def run(
    wine: Wine, name: str, call: str, settings: dict[str, str], workbook: str, folder: Path, beside: str = ""
) -> str:
    """Run a statement that calls a procedure of the VBA project; the text that it puts into the variable Answer.

    `beside` is more VBScript: what the procedure uses.
    """
    cases = "\n".join(f"    Case {literal(key)}: GetConfig = {literal(text)}" for key, text in settings.items())
    host = HOST.format(workbook=literal(workbook), name=literal(workbook.rpartition("\\")[2]), settings=cases)
    answer = folder / "answer.txt"
    path = literal(windows_path(answer))
    save = f'CreateObject("Scripting.FileSystemObject").CreateTextFile({path}, True, True).Write Answer'
    script = folder / "script.vbs"
    script.write_text(
        "\n".join([host, beside, as_vbscript(procedure(name)), "Dim Answer", call, save]), ENCODING, newline="\r\n"
    )
    with wine.start("cscript", "//nologo", windows_path(script)) as process:
        process.wait()  # for the script alone: what it started may go on, and holds its pipes under Wine
    if not answer.exists():
        raise RuntimeError(f"{script} came to nothing")
    return answer.read_text("utf-16")
