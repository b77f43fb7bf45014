"""Excel: the cell functions through xlwings, the macros behind the buttons, and the parts of backprop.xlsm."""
