"""For tests: children whose signals do by default what signals do.

What a test run inherits as ignored or blocked (nohup, a background job of a shell, some runners), its children would
inherit too, and a test that sends them a signal would wait for nothing.
"""

import sys

# It keeps its process id: what it sets stays over exec. Python itself ignores SIGPIPE and SIGXFSZ.
_DEFAULTS = """
import os, signal, sys
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, ())
os.execvp(sys.argv[1], sys.argv[1:])
"""


def with_default_signals(command: list[str]) -> list[str]:
    """The command, started so that it ignores and blocks no signal. Safe where threads run: nothing is done between
    fork and exec."""
    return [sys.executable, "-I", "-S", "-c", _DEFAULTS, *command]
