"""The curves of a series in any spreadsheet: what stands there, and what the runs' logs say."""

import json
from pathlib import Path

from tests.calc.office import Office

HEADS = 1  # the row under the named cells; the epochs follow


def shown(office: Office, key: int, rows: int = 40) -> list[list]:
    """Heads and numbers, without the rows and columns that are empty."""
    sheet, column, row, last, _ = office.where(key, "series_curves")
    name, ends = office.sheets(key)[sheet], (office.cell_name(column, row + HEADS), office.cell_name(last, row + rows))
    found = [each for each in office.read(key, f"{name}.{ends[0]}:{ends[1]}") if any(cell is not None for cell in each)]
    width = max((at + 1 for each in found for at, cell in enumerate(each) if cell is not None), default=0)
    return [each[:width] for each in found]


def expected(folder: Path, names: list[str]) -> list[list]:
    """The accuracies that the logs of the runs have, read without our own reader."""
    columns = [accuracies(folder / name / "log.jsonl") for name in names]
    epochs = max(map(len, columns))
    table = [[each[epoch] if epoch < len(each) else None for each in columns] for epoch in range(epochs)]
    return [["epoch", *names], *([epoch, *row] for epoch, row in enumerate(table, 1))]


def of_one(folder: Path) -> list[list]:
    """The same of a single run."""
    return [["epoch", "accuracy"], *([epoch, each] for epoch, each in enumerate(accuracies(folder / "log.jsonl"), 1))]


def accuracies(log: Path) -> list[float]:
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line["test_accuracy"] for line in lines if line["event"] == "epoch"]
