"""Where spreadsheets meet the mathematics: the cell functions, their hosts, and the start of training runs."""

from cnn import __version__

__all__ = ["__version__"]

IDENTIFIER = "org.backprop.addin"  # of the extension for LibreOffice
