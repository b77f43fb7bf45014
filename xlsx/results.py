"""Writes a workbook of training runs, finished or live: python start.py results RUN… [--out FILE.xlsx]

A sheet Summary over the runs, then a sheet per run with its epochs, charts and settings. Read from the run folders
alone, so any run can be shown, while it trains or years later.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import pandas
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from cnn import runs
from cnn.runs import EPOCH_KEYS, Run, listing
from cnn.runs.command import Parser, carry_out, run_name
from cnn.runs.output import free, named, told
from xlsx import outcome
from xlsx.contract import RESULTS_FILE
from xlsx.files import safe_text, sheet_names, written
from xlsx.sheets import style
from xlsx.sheets.results import (
    CHARTED,
    WIDTHS,
    epoch_chart,
    epoch_columns,
    epoch_header,
    epoch_number_format,
    insert,
    rule,
    spaced,
)

SUMMARY = "Summary"
FACTS = ("model", "dataset", "device", "parameters")
LAST = ("epoch", "test_accuracy", "test_loss", "train_accuracy", "train_loss")
COLUMNS = ("run", *LAST, "seconds", *FACTS, "status", "folder")
SUMMARY_WIDTHS = [32, 7, 9, 9, 9, 9, 9, 11, 9, 8, 11, 54, 70]
HEADER_ROW = 3
SETTINGS_COLUMN = len(EPOCH_KEYS) + 1
SETTINGS_ROW = HEADER_ROW + 18


def epochs(run: Run) -> pandas.DataFrame:
    """The epochs of a run, a column per key of the log; what a line lacks, or was not finite, is None."""
    keys = runs.epoch_keys(measured_with(run))
    return pandas.DataFrame([[line.get(key) for key in keys] for line in run.epochs], columns=keys, dtype=object)


def measured_with(run: Run) -> str:
    """Which part of the images the epochs were measured with: test, or validation."""
    return runs.accuracy(run.epochs[-1])[0] if run.epochs else runs.PARTS[0]


def summary(found: list[Run]) -> pandas.DataFrame:
    """A row per run: its name, status, facts, the figures of its last epoch, and the seconds of all epochs."""
    return pandas.DataFrame([summary_row(run) for run in found], columns=COLUMNS, dtype=object)


def summary_row(run: Run) -> dict[str, object]:
    table, started = epochs(run), run.started or {}
    last = table.iloc[-1] if len(table) else {}
    return {
        "run": run.folder.resolve().name,
        **{key: last.get(key) for key in LAST},
        "seconds": pandas.to_numeric(table["seconds"]).sum() if len(table) else None,
        **{fact: started.get(fact) for fact in FACTS},
        "status": listing.status(run),
        "folder": str(run.folder.resolve()),
    }


def write(found: list[Run], path: Path) -> Path:
    """Write the workbook of these runs. Raises PermissionError where the file cannot be written or is open."""
    left = [(run, what) for run in found for what in outcome.left(run.folder)]
    wanted = [*(run.folder.resolve().name for run in found), *(what.title for _, what in left)]
    names = sheet_names(wanted, taken=(SUMMARY, "History"))
    with written(path, "Training runs") as workbook:
        looks = style.formats(workbook)
        summary_sheet = workbook.add_worksheet(SUMMARY)
        sheets = [workbook.add_worksheet(name) for name in names]
        write_summary(workbook, summary_sheet, looks, found, names)
        for run, sheet in zip(found, sheets, strict=False):
            write_run(workbook, sheet, looks, run)
        for (run, what), sheet in zip(left, sheets[len(found) :], strict=True):
            outcome.write(workbook, sheet, looks, what, run.folder.resolve())
    return path


def write_cell(sheet: Worksheet, row: int, column: int, value: object, look: object) -> None:
    """A finite number as a number, nothing as a blank, all else as text: no log can put a formula into a cell."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, column, None, look)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        sheet.write_number(row, column, value, look)
    else:
        sheet.write_string(row, column, safe_text(value), look)


def write_summary(
    workbook: Workbook, sheet: Worksheet, looks: dict[str, Any], found: list[Run], names: list[str]
) -> None:
    heading = style.Heading("Training runs", "The figures are those of each run's last epoch.")
    style.page(sheet, heading, looks, SUMMARY_WIDTHS)
    formats = {key: number_look(workbook, epoch_number_format(key)) for key in (*LAST, "seconds")}
    formats["parameters"] = number_look(workbook, "#,##0")
    sheet.set_row(HEADER_ROW, 30)
    for column, key in enumerate(COLUMNS):
        sheet.write_string(HEADER_ROW, column, spaced(key), looks["header_right" if key in formats else "header"])
    for row, values in enumerate(summary(found).itertuples(index=False), HEADER_ROW + 1):
        for column, (key, value) in enumerate(zip(COLUMNS, values, strict=True)):
            write_cell(sheet, row, column, value, formats.get(key, looks["text_wrap"]))
        sheet.write_url(
            row, 0, f"internal:'{names[row - HEADER_ROW - 1]}'!A1", looks["link"], safe_text(values[0])[:255]
        )
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, HEADER_ROW + len(found), SUMMARY_WIDTHS)


def number_look(workbook: Workbook, shown: str) -> object:
    return workbook.add_format({**style.FONT, **style.ROW, "num_format": shown, "align": "right"})


def write_run(workbook: Workbook, sheet: Worksheet, looks: dict[str, Any], run: Run) -> None:
    """Title and status, the epochs as rows, their charts, and below these the settings."""
    name, table = run.folder.resolve().name, epochs(run)
    style.page(sheet, style.Heading(safe_text(name), safe_text(listing.status(run))), looks, [*WIDTHS, 20, 60])
    epoch_header(looks, sheet, HEADER_ROW, measured_with(run))
    epoch_columns(workbook, sheet)
    for row, line in enumerate(table.itertuples(index=False), HEADER_ROW + 1):
        for column, value in enumerate(line):
            write_cell(sheet, row, column, value, None)
    last = HEADER_ROW + max(1, len(table))
    rule(workbook, sheet, HEADER_ROW + 1, last)
    for index, kind in enumerate(CHARTED):
        insert(
            sheet,
            epoch_chart(workbook, sheet.name, kind, HEADER_ROW + 1, last, measured_with(run)),
            kind,
            (HEADER_ROW, SETTINGS_COLUMN),
            index,
        )
    shown = write_settings(sheet, looks, settings(run))
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, max(last, SETTINGS_ROW + shown), [*WIDTHS, 20, 60])


def settings(run: Run) -> dict[str, object]:
    """What config.json says of the run, one level deep; of a run without one, what its log's first line says."""
    flat: dict[str, object] = {}
    for key, value in (listing.config(run.folder) or run.started or {}).items():
        flat |= {f"{key} {inner}": each for inner, each in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def write_settings(sheet: Worksheet, looks: dict[str, Any], known: dict[str, object]) -> int:
    """Two columns under the charts. Gives the number of rows."""
    sheet.write_string(SETTINGS_ROW, SETTINGS_COLUMN, "Settings", looks["section"])
    sheet.write_blank(SETTINGS_ROW, SETTINGS_COLUMN + 1, None, looks["section"])
    for row, (key, value) in enumerate(known.items(), SETTINGS_ROW + 1):
        sheet.write_string(row, SETTINGS_COLUMN, safe_text(spaced(key)), looks["label"])
        write_cell(sheet, row, SETTINGS_COLUMN + 1, value, looks["state"])
    return len(known)


def find(folders: list[Path]) -> list[Run]:
    """The runs in these folders, those of a series too. Raises Failure for a folder that holds none."""
    found = [run for folder in folders for run in reversed(runs.runs_in(folder))]
    for folder in found:
        if not (folder / "log.jsonl").is_file():
            raise runs.Failure(f"{folder} holds no run: there is no log.jsonl in it", "Name another, or train one")
    return [runs.read(folder) for folder in found]


def parser() -> Parser:
    """The command line."""
    made = Parser("results", __doc__)
    made.add_argument(
        "runs", nargs="+", type=run_name, metavar="RUN", help="a run's folder, or its name; finished or live"
    )
    out = f"the workbook (default: {RESULTS_FILE}, in the run's own folder)"
    made.add_argument("--out", type=Path, metavar="FILE.xlsx", help=out)
    made.add_argument("--json", action="store_true", help="print what the summary says as JSON, for a program")
    return made


def work(asked: argparse.Namespace) -> int:
    """Write the workbook and say where; the exit code. Raises Failure, OSError."""
    found = find([runs.find(run) for run in asked.runs])
    wanted = named(asked.out, ".xlsx") if asked.out else found[0].folder / RESULTS_FILE
    path = write(found, free(wanted) if asked.out else wanted)  # the run's own is written anew
    facts = {"out": str(path), "runs": [summary_row(run) for run in found]}
    print(json.dumps(facts, default=float) if asked.json else told(path, wanted))
    return 0


def main(line: list[str] | None = None) -> int:
    """0 when the workbook is written; else, with one line, 1, and 2 for wrong use."""
    return carry_out("results", lambda: work(parser().parse_args(line)))


if __name__ == "__main__":
    sys.exit(main())
