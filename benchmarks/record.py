"""RESULTS.md: one section a benchmark, written by the benchmark itself with machine, date and command."""

import datetime
import os
import platform
import re
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = "# Figures\n\nWritten by the benchmarks themselves; ratios and medians of one run on one machine.\n"


def machine() -> str:
    """The processor, its usable cores, the system and Python, in a line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def record(title: str, command: str, rows: list[tuple[str, ...]]) -> str:
    """Replace the section `title` with a table (the first row is its head) and return the section."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    rule = "|" + " --- |" * len(rows[0])
    date = datetime.date.today().isoformat()
    section = "\n".join([f"## {title}", "", f"`{command}`, {date}, {machine()}", "", head, rule, *body, ""])
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else HEAD
    kept = re.sub(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL)
    RESULTS.write_text(f"{kept.rstrip()}\n\n{section}", "utf-8")
    return section
