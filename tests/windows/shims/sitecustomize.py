"""Wine 8's _locking leaves errno at 0 where it does not get a lock; the C runtime of Windows sets EACCES."""

import errno
import msvcrt

_locking = msvcrt.locking


def locking(handle: int, mode: int, count: int) -> None:
    try:
        _locking(handle, mode, count)
    except OSError as error:
        raise PermissionError(errno.EACCES, "Permission denied") if error.errno == 0 else error from None


msvcrt.locking = locking
