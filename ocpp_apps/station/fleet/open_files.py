"""How many sockets this process may have open: systems allow few at first, and more on request."""

import sys

__all__ = ["allow_open_files"]

if sys.platform == "win32":

    def allow_open_files(number: int) -> int:
        """Return the number back: Windows counts no sockets."""
        return number

else:
    import resource

    def allow_open_files(number: int) -> int:
        """Have this many files and sockets allowed, or as many as the system lets; returns how many are."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= number:
            return number
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # a kernel may allow fewer than its own hard limit says
            return soft
        return wanted
