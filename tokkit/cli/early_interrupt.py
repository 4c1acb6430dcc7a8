"""Ctrl-C while the command line is being loaded: the process ends at once."""

# The C module under `signal`, which takes 5 ms to load: Ctrl-C would be Python's own traceback in them.
import _signal as signal  # type: ignore[import-not-found]
import os


def exit_now(number: int, frame: object) -> None:
    """Handle SIGINT by exit code 130, without cleaning up: before a command runs nothing has been written."""
    # Raising could be lost: Python drops a KeyboardInterrupt that hits a callback of its import locks, which
    # then stay locked for the threads that follow.
    os._exit(130)


def install() -> None:
    """Exit on Ctrl-C until `interrupts.cancelling` takes over, unless SIGINT is ignored, as under `nohup`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, exit_now)
