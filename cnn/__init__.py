"""The network for images, trained by PyTorch. Importing this package imports none of it: `cnn.runs` needs no PyTorch.

The version is the whole project's. It stands here because all else may import it.
"""

import signal

__version__ = "0.1.0"

NO_RUNTIME = (  # what went wrong and what to do where Windows cannot load a library that PyTorch's own ones need
    "PyTorch cannot be loaded: Windows lacks Microsoft's Visual C++ runtime, or has an old one",
    "Install https://aka.ms/vs/17/release/vc_redist.x64.exe, then start this again",
)
NO_RUNTIME_SIGNS = r"WinError 12[67]\b|DLL load failed"  # no such library; one without a function that is asked for


def end_by_ctrl_c() -> None:
    """Let Ctrl-C just end this command, without a traceback, also while it imports, unless somebody hears it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
