"""What the sheets, the extension in Calc and the macros in Excel share: names, titles, buttons, limits, messages.

Data only. The sheets are laid out by it; what the extension and the macros are given is derived from it. Standard
library only, Python 3.9: it is read inside LibreOffice too.
"""

from __future__ import annotations

LAYOUT = 2  # of the workbook. A new one that the macros or the extension of an old file would not know gets the next
LAYOUT_PROPERTY = "Backprop layout"  # the file's own property with that number; the first layout has none

START, NETWORK, BATCH, PICTURE, FORWARD, BACKWARD = "Start", "Network", "Batch", "Picture", "Forward", "Backward"
GRADIENT_CHECK, LEARNING_RATES, OPTIMIZERS = "Gradient check", "Learning rates", "Optimizers"
TRAINING_LOG, SPOT_THE_MISTAKE, RESULTS, RUNS = "Training log", "Spot the mistake", "Results", "Runs"
KEY = "Key"  # the hidden sheet of an exercise

NAMES = {  # every defined name of the workbook, and what stands there
    "python_ready": "TRUE where the cell functions answer",
    "workbook_agrees": "whether the workbook agrees with itself",
    "answers_right": "how far an exercise is done",
    "network": "the network text",
    "preset": "the name of the preset, and its number among those that fit",
    "preset_number": "",
    "optimizer": "the optimizer text, and its number",
    "optimizer_number": "",
    "first_bad_input": "ALL_GOOD, or which cell is no number",
    "first_bad_sample": "the same of Batch; empty where nothing is wrong",
    "first_bad_rate": "the same of Learning rates",
    "problem": "why not everything can be compared, and where; empty where nothing is wrong",
    "state": "all of Network as one line",
    "pasted_state": "such a line, pasted, which is laid out; what is wrong with it, and its optimizer",
    "pasted_fault": "",
    "pasted_optimizer": "",
    "inputs": "the numbers that are used: a row or a column, or a row per sample",
    "targets": "",
    "weights": "",
    "learning_rate": "",
    "your_inputs": "those to edit",
    "your_targets": "",
    "your_weights": "",
    "your_learning_rate": "",
    "shown_inputs": "those of the epoch and the sample shown",
    "shown_targets": "",
    "shown_weights": "",
    "epoch": "the epoch to show, as typed, and as used",
    "epoch_used": "",
    "sample": "the sample to show, as typed, and as used",
    "sample_used": "",
    "last_epoch": "the last one that can be shown",
    "pictured": "the numbers beside the picture",
    "picture_view": "what the picture shows: weights or gradients",
    "gradient_check": "the verdicts: PASS, FAIL, KINK",
    "learning_rates": "the six rates of the sheet Learning rates",
    "rate_charted": "the number of the rate whose weights are charted",
    "mistake": "the mistake that is chosen, and its number",
    "mistake_number": "",
    "mistake_check": "the verdicts with it",
    "log_table": "the header of the training log; the row beneath is epoch 0",
    "log_next": "the row to come, as wide as log_table, by formulas",
    "log_steps": "the n of Run n",
    "log_stale": "LOG_STALE where the rows are those of another start, else empty",
    "run_table": "the header of the epochs of a run",
    "run_status": "how the run stands, in a line",
    "run_folder": "the folder of the run that is shown",
    "run_progress": "how far it is: PROGRESS",
    "series_curves": "above the numbers of a series' chart: the epochs, and MOST_COMPARED runs",
    "predict_run": "the run whose network CNN_PREDICT asks where it is told none",
    "runs_status": "how many runs there are, or what could not be done, in a line",
    "runs_table": "the header of the list of runs: RUN_COLUMNS",
    "runs_compared": "above the table of what differs: its labels, and MOST_COMPARED runs",
    "runs_curves": "above the numbers of the runs' chart: the epochs, and MOST_COMPARED runs",
}
PREDICT_RUN = "predict_run"  # the run of a CNN_PREDICT that names none
LOADING = "loading …"  # in its cells until the first answer
RESULTS_FILE = "results.xlsx"  # of a finished run, in its folder
OUTCOME = "The next run's sheets take the place of these: copy what you want to keep."  # tells them from others
OUTCOME_ROW = 3  # and stands in its first column
SETTING = "run_"  # before the name of a setting of a run: run_model, run_epochs …
SHOWN_BY_RUNS = ("run_progress", "run_status", "run_folder", "run_table")  # names that begin so and are no settings

BUTTONS = {  # by sheet: the caption, which a click is recognized by, and the command
    RESULTS: {
        "Train CNN": "train",
        "Stop": "stop",
        "Resume": "resume",
        "Unfold": "unfold",
        "Recalculate": "recalculate",
    },
    RUNS: {"List runs": "runs_list", "Compare": "runs_compare"},
    PICTURE: {
        "First epoch": "epoch_first",
        "Back": "epoch_back",
        "Next": "epoch_next",
        "Next 10": "epoch_next_10",
        "Last epoch": "epoch_last",
    },
    TRAINING_LOG: {"Step": "log_step", "Run n": "log_run", "Undo": "log_undo", "Reset": "log_reset"},
}

APART = {"Recalculate"}  # buttons that stand apart from those before them

DRAW_BUTTONS = {"Clear": "clear"}  # of an unfolded network, a workbook of its own: xlsx/unfold
PEN_BUTTON = "Pen"  # beside it where macros draw: pressed once a drag draws, pressed again it selects
PEN_RADIUS, PEN_EDGE = 0.7, 1.1  # of the pen, in cells: full ink so far from its line, which fades over the edge
INK = 255
STROKE, CLEARED = "Stroke", "Clear drawing"  # as the list of Undo calls them
DRAW_NAMES = {  # its names that the extension knows
    "yours": "the field to draw in",
    "used": "what the network sees",
    "pad": "an empty field, which Clear copies over it",
    "logits": "what it gives",
    "pen": "down or up, where macros draw",
}

CHECK = {"Check this workbook": "check", "Clear marks": "clear_marks"}  # of the menu, for any workbook
CHECK_BAR = {"Show the report": "show_report"}  # of the bar that says in Calc how a check ended
CHECK_SHEET = "Backprop check"  # the report
CHECK_REPORT = "report_of_a_check"  # the name, local to it, by which it is known; the next one takes its place
CHECK_STYLE, CHECK_COLOUR, CHECK_TEXT = "Backprop mistake", 0xFFC7CE, 0x9C0006
CHECK_LINK = 0x0563C1  # the colour of links in the report
CHECK_FORMULA = '"Backprop check"<>""'  # always true: the condition by which a mark is known, in every file format
CHECK_NOTE = "Backprop check: "  # the begin of our notes
MOST_CHECKED = 300_000  # cells of a sheet that the check looks at

COMMANDS = {
    caption: command for buttons in (*BUTTONS.values(), DRAW_BUTTONS, CHECK) for caption, command in buttons.items()
}

MOST_STEPS = 1_000  # of one press of Run n
LOG_ROWS = 20_000  # that the training log can hold
MOST_EPOCHS = 1_000  # of a run that Results has rows for
PRINTED_ROWS = 40  # under the heads of a table that grows; whoever writes more rows has them printed too

RUN_COLUMNS = ("tick", "run", "model", "data set", "settings", "epochs", "accuracy", "seconds", "state")
MOST_RUNS = 2_000  # that Runs lists
MOST_COMPARED = 6  # of the ticked ones, or of a series

PROGRESS = ("progress", "epoch", "batch", "images/s", "time left", "device")  # of a run that trains

ONE_CURVE = "accuracy"  # what the curve of a single run is called, where a series has the names of its runs
NOTHING = "–"  # in a cell that has no number
NOT_CONNECTED = "Python not connected"
ALL_GOOD = "all inputs are numbers"
LOG_FULL = "the log is full: press Undo or Reset"
LOG_STALE = "the start has changed since these rows were added: press Reset"
FRESH = 'close it, move it away, and run "python start.py" for a fresh one'
MESSAGES = {  # what the buttons say in a box; {…} is filled in
    "checking": "A check is under way already: wait for its report.",
    "check under way": "The workbook is being checked …",
    "checked": 'Checked. {found}. The report is the sheet "{sheet}".',
    "no workbook": "There is no workbook in front that can be edited.",
    "no answer": "Python did not answer. In the project's folder: python start.py doctor",
    "check failed": "The check could not be made: {reason}",
    "no report": "The structure of this workbook is protected, so that no sheet can be added: take that off, and check "
    "again.",
    "kept": "Something here is protected, so that marks or the report of a check are still there: take the protection "
    "off, and clear again.",
    "unmarked": 'The sheet "{sheet}" is protected: nothing is marked there.',
    "covered": "wrong from here on. A conditional format of your own comes first here; where it colours nothing, the "
    "mark's colour shows once the file is saved and opened again.",
    "covered cells": "Conditional formats of your own come first in {cells}: where they colour nothing, the mark's "
    "colour shows once the file is saved and opened again.",
    "edited": "Cells that have changed since the check began are not marked: {count}.",
    "no log": f'This workbook has no {TRAINING_LOG}. "python start.py" opens one that has.',
    "no results": f'This workbook has no {RESULTS} sheet. "python start.py" opens one that has.',
    "no field": 'This workbook has no field to draw in. "python start.py unfold RUN" writes one that has.',
    "no outcome": "it has no sheet of a run",
    "not copied": "The sheets of what the run left could not be copied in: {error}. They are in {file}.",
    "no runs": f'This workbook has no {RUNS} sheet. "python start.py new" writes one that has.',
    "no name": f"The name {{name}} is missing or broken in this workbook: {FRESH}.",
    "protected": 'The sheet "{sheet}" is protected: {where}, then press the button again.',
    "no start": "The row of epoch 0 is gone from the training log: undo that, or take a fresh workbook.",
    "wrong width": f"log_next is not as wide as log_table: {FRESH}.",
    "wrong n": f'Nothing was added: the n of "Run n" must be a whole number from 1 to {MOST_STEPS}, not "{{found}}".',
    "no next row": "Nothing was added after the rows that are there: {reason}",
    "bad input": f"{{state}} (on {NETWORK}).",
    "only buttons": f"Excel for Mac calls it from buttons only. Press Recalculate on the sheet {RESULTS}",
    "help": "The cell functions: type =BACKPROP_ into a cell. Train CNN, Stop and Resume act on the sheet "
    f"{RESULTS} of the workbook in front; New workbook writes one that has it. Everything else is in README.md, in "
    "{project}.",
    "diverged": "the next weights or their loss are no numbers. The descent has diverged: press Undo, take a lower "
    "rate.",
}


def macro_name(caption: str) -> str:
    """The macro of a button: Train CNN calls Button_TrainCNN, "Run n" Button_RunN.

    (Not Backprop_…: VBA knows no case, and Backprop_Step would be the cell function BACKPROP_STEP.)
    """
    return "Button_" + "".join(word[0].upper() + word[1:] for word in caption.split())
