"""The mathematics of small fully connected networks. Needs numpy alone and knows no spreadsheet."""
