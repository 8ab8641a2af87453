"""The errors of virtual time: why its clock cannot move on, and what does not exist in it."""

__all__ = [
    "BackgroundTaskError",
    "DeadlockError",
    "PatienceError",
    "RealIOError",
    "StandstillError",
    "UncountedThreadWarning",
    "VirtualTimeEndError",
    "VirtualTimeError",
]


class VirtualTimeError(RuntimeError):
    """The clock of a virtual event loop cannot move on; the text lists what each task awaits."""


class DeadlockError(VirtualTimeError):
    """Every task waits, and no timer, thread or subprocess is left that could wake one."""


class VirtualTimeEndError(VirtualTimeError):
    """The next timer is beyond the end of the run."""


class StandstillError(VirtualTimeError):
    """The loop made turn after turn without time passing."""


class PatienceError(VirtualTimeError):
    """A thread or subprocess worked longer than the loop waits for one, in real time."""


class RealIOError(RuntimeError):
    """A program in virtual time asked for a real socket, pipe or subprocess.

    It is no OSError, so that a program that retries after those does not hide it.
    """


class UncountedThreadWarning(RuntimeWarning):
    """A thread called into the loop whose work is not counted: virtual time may have passed while it worked."""


class BackgroundTaskError(RuntimeError):
    """A task that the test did not await raised an exception, which is the cause of this one."""
