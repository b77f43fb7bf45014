"""As much of pywin32 as xlwings' own Windows modules need to be imported elsewhere: names, and nothing behind them."""

import atexit
import ctypes
import sys
from types import ModuleType
from unittest.mock import MagicMock

MODULES = (
    *("pywintypes", "pythoncom", "win32api", "win32con", "win32gui", "win32process", "win32timezone", "win32event"),
    *("win32com", "win32com.client", "win32com.client.dynamic", "win32com.client.gencache"),
    *("win32com.server", "win32com.server.util", "win32com.server.policy", "win32com.server.dispatcher"),
    *("win32com.server.exception",),
)


class Module(ModuleType):
    """A package in which every name is there."""

    __path__, __file__ = (), ""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        made = MagicMock(name=f"{self.__name__}.{name}")
        setattr(self, name, made)
        return made


def windows_xlwings() -> ModuleType:
    """xlwings as it is imported on Windows: its real functions, converters and COM server object."""
    load_the_standard_library()
    modules = {name: Module(name) for name in MODULES}
    for name, module in modules.items():
        package, _, child = name.rpartition(".")
        if package:
            setattr(modules[package], child, module)
    fill(modules)
    sys.modules.update(modules)
    ctypes.windll, ctypes.oledll, ctypes.PyDLL = MagicMock(), MagicMock(), MagicMock()
    ctypes.WINFUNCTYPE = ctypes.CFUNCTYPE
    platform, sys.platform = sys.platform, "win32"
    register, atexit.register = atexit.register, lambda function, *_: function  # one of xlwings' asks for Excel
    try:
        import xlwings
    finally:
        sys.platform, atexit.register = platform, register
    return xlwings


def load_the_standard_library() -> None:
    """Import what xlwings imports, as on this system: 3.13's tempfile, for one, fails where it believes in Windows."""
    import xlwings  # noqa: F401

    for name in [name for name in sys.modules if name.partition(".")[0] == "xlwings"]:
        del sys.modules[name]


def fill(modules: dict[str, Module]) -> None:
    """What is inherited from, caught, or compared with: these must be classes and plain values."""
    pywintypes, client = modules["pywintypes"], modules["win32com.client"]
    pywintypes.com_error = modules["pythoncom"].com_error = type("com_error", (Exception,), {})
    pywintypes.TimeType, pywintypes.IID = type("TimeType", (), {}), str
    for name in ("CDispatch", "CoClassBaseClass", "DispatchBaseClass"):
        setattr(client, name, type(name, (), {}))
    client.dynamic.CDispatch = client.CDispatch
    modules["pythoncom"].TypeIIDs = {modules["pythoncom"].IID_IDispatch: type("PyIDispatch", (), {})}

    def unwrap(variant: object) -> object:
        raise pywintypes.com_error("not one of the server's own objects")

    modules["win32com.server"].util.unwrap = unwrap
