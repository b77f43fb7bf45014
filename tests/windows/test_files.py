"""The tests of what differs between systems, files, processes and texts, run by the Windows Python itself."""

from tests.windows.wine import PYTHON, Project, Wine

FILES = (  # those that need no Linux, no PyTorch and no pandas
    *("comparison", "doctor", "excel_command_lines", "excel_macos", "excel_program", "excel_workbook", "extension"),
    *("functions", "launch", "office", "own_workbook", "runs", "settings", "torch_pair"),
)
NOT_THERE = "not nothing_of_xlwings_is_in_the_repository"  # it asks git, which is not on that Windows
SECONDS = 1500  # at most; a tenth of it where nothing else runs


def test_they_pass_on_windows(wine: Wine, project: Project) -> None:
    files = [f"tests/test_{name}.py" for name in FILES]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10", "-k", NOT_THERE, *files]
    ended = wine.run(PYTHON, *words, folder=project.folder, timeout=SECONDS, PYTHONUTF8="1")
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout
