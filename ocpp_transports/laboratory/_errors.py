"""What ends a run in virtual time: the reasons why its clock cannot move on."""

__all__ = ["DeadlockError", "StandstillError", "VirtualTimeEndError", "VirtualTimeError"]


class VirtualTimeError(RuntimeError):
    """The clock of a virtual event loop cannot move on; the text lists what each task awaits."""


class DeadlockError(VirtualTimeError):
    """Every task waits, and no timer, thread or subprocess is left that could wake one."""


class VirtualTimeEndError(VirtualTimeError):
    """The next timer is beyond the end of the run."""


class StandstillError(VirtualTimeError):
    """The loop made turn after turn without time passing."""
