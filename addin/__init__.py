"""Where spreadsheets meet the mathematics: the cell functions, their hosts, and the start of training runs."""

__version__ = "0.1.0"
