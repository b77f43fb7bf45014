"""A trained network as plain formulas: every layer a sheet, every number a cell, in any spreadsheet program."""
