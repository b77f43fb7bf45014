"""What Excel does with xlwings' DLL, in a Windows process: `excel.py DLL`, then as tests/excel/server.py over pipes.

The first line that it reads is the command line that the DLL starts Python's COM server with; each further one is a
request, [module, function, arguments]. An argument {"range": rows} is a COM object as a range of Excel is one.
"""

import ctypes
import datetime
import json
import sys

import pythoncom
import win32com.client
from ranges import as_range

ACTIVATE, KILL = 1, -1
VT_DISPATCH = 9


class Variant(ctypes.Structure):
    _fields_ = [("type", ctypes.c_ushort), ("reserved", ctypes.c_ushort * 3), ("value", ctypes.c_void_p * 2)]


def call_dll(dll: str, command: str, mode: int) -> Variant:
    """XLPyDLLActivateAuto as VBA declares it; what it gives. OSError with its message where it fails."""
    activate = ctypes.WinDLL(dll).XLPyDLLActivateAuto
    activate.argtypes = [ctypes.POINTER(Variant), ctypes.c_char_p, ctypes.c_long]
    result = Variant()
    if activate(ctypes.byref(result), command.encode("mbcs"), mode):  # VBA, too, passes a text in the code page
        raise OSError(ctypes.wstring_at(result.value[0]) if result.value[0] else "no message")
    return result


def variant(value: object) -> object:
    """A JSON value as VBA hands it over."""
    if isinstance(value, list):
        return tuple(map(variant, value))
    if isinstance(value, dict):
        return as_range(variant(value["range"])) if "range" in value else datetime.datetime.fromisoformat(value["date"])
    return value


def answer(server: object, request: list) -> object:
    """CallUDF's answer, or what VBA would find in Err.Description."""
    module, function, arguments = request
    try:
        return server.CallUDF(module, function, variant(arguments), None, None)
    except pythoncom.com_error as error:
        return f"error: {error.excepinfo[2] if error.excepinfo else error}"


def main() -> None:
    dll, command = sys.argv[1], json.loads(sys.stdin.readline())
    pythoncom.CoInitialize()
    result = call_dll(dll, command, ACTIVATE)
    assert result.type == VT_DISPATCH, result.type
    server = win32com.client.Dispatch(pythoncom.ObjectFromAddress(result.value[0], pythoncom.IID_IDispatch))
    print('"ready"', flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(server, json.loads(line))), flush=True)
    call_dll(dll, command, KILL)


main()
