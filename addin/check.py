"""`python start.py check`: xlsx.check, for the files too that LibreOffice has to convert first."""

import sys

from addin.calc.convert import converted
from xlsx.check import __main__ as checker

if __name__ == "__main__":
    sys.exit(checker.main(convert=converted))
