"""The workbook: native formulas beside the cell functions, and the results of training runs. XlsxWriter writes it."""
