"""LibreOffice Calc: the extension, the worker process behind its cells, and the office itself."""
