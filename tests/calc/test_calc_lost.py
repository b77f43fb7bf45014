"""An office that is lost, which crashed or hung, fails the test that it was lost in, and no other."""

import os
import signal

import pytest

from tests.calc.office import Office, OfficeError


@pytest.fixture(scope="module")
def book(office: Office) -> int:
    """A spreadsheet that both tests have open."""
    return office.load("")


def test_an_office_that_is_lost_says_so(office: Office, book: int) -> None:
    os.killpg(office.process.pid, signal.SIGKILL)  # its own handler of SIGSEGV hangs now and then
    office.process.wait()
    with pytest.raises(OfficeError, match="the office ended with -9"):
        office.sheets(book)


def test_the_next_test_has_another_office_and_its_spreadsheet(office: Office, book: int) -> None:
    assert office.sheets(book) == ["Sheet1"]
