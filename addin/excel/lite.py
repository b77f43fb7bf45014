"""main.py for xlwings Lite, which runs Python inside Excel on macOS, on the web and where nothing may be installed.

`python -m addin.excel.lite` writes docs/xlwings-lite/main.py: the table of cell functions and all that it computes
with, as they are, in one file to paste. Nothing of xlwings is in it.
"""

from __future__ import annotations

from modulefinder import ModuleFinder
from pathlib import Path

from addin.functions import FUNCTIONS, Function

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "docs/xlwings-lite/main.py"
HEAD = '''"""Backprop's cell functions for xlwings Lite: paste all of this over its main.py, once for each workbook.

Generated from addin/functions.py by `python -m addin.excel.lite`. MIT licence, as the rest of Backprop.
"""

import importlib.abc
import importlib.util
import sys

from xlwings import arg, func

SOURCES = {  # the project's own modules, as they are
'''
LOADER = """}


class Project(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    \"\"\"Lets the modules in SOURCES be imported.\"\"\"

    def find_spec(self, name, path=None, target=None):
        packages = {other.rpartition(".")[0] for other in SOURCES}
        return importlib.util.spec_from_loader(name, self, is_package=name in packages) if name in SOURCES else None

    def exec_module(self, module):
        exec(compile(SOURCES[module.__name__], f"<{module.__name__}>", "exec"), module.__dict__)


for name in SOURCES:  # of the time before, where this file has been changed and runs again
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Project())

from addin.functions import PARAMETERS, call  # noqa: E402
"""


def text() -> str:
    """The whole file."""
    here = (function for function in FUNCTIONS.values() if not function.worker)
    modules = [f"    {name!r}: {quoted(source)},\n" for name, source in sources().items()]
    return "".join([HEAD, *modules, LOADER, *map(definition, here)])


def sources() -> dict[str, str]:
    """The project's modules that the table of functions needs, by name."""
    finder = ModuleFinder(path=[str(ROOT)])  # so that what is installed is not taken along
    finder.import_hook("addin.functions")
    files = {name: getattr(module, "__file__", None) for name, module in sorted(finder.modules.items())}
    return {name: Path(file).read_text("utf-8") for name, file in files.items() if file}


def quoted(source: str) -> str:
    """A module as a literal that reads as the module does."""
    if "'''" in source or source.endswith("\\"):
        raise ValueError("a module with ''' in it does not fit between '''")
    return f"r'''{source}'''"


def definition(function: Function) -> str:
    """The function as xlwings Lite wants it: every argument as rows of values, cell errors as texts."""
    optional = [f"{name}=None" if function.is_optional(name) else name for name in function.parameters]
    return "\n".join(
        [
            "\n\n@func",
            *(f"@arg({name!r}, ndim=2, err_to_str=True, doc=PARAMETERS[{name!r}])" for name in function.parameters),
            f"def {function.name}({', '.join(optional)}):",
            f'    """{function.help}"""',
            f"    return call({function.name!r}, [{', '.join(function.parameters)}])",
            "",
        ]
    )


if __name__ == "__main__":
    MAIN.parent.mkdir(parents=True, exist_ok=True)
    MAIN.write_text(text(), "utf-8", newline="\n")
