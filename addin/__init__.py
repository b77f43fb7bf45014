"""Where spreadsheets meet the mathematics: the cell functions, their hosts, and the start of training runs."""

from cnn import __version__

__all__ = ["__version__"]

FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH")  # variables by which a Python finds other modules than its own
IDENTIFIER = "org.backprop.addin"  # of the extension for LibreOffice
COMMAND = f"service:{IDENTIFIER}.Commands"  # the address of its commands: ? and a name follow
