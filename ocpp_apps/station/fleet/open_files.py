"""The limit of open files, which systems set low by default and raise on request."""

import sys

__all__ = ["allow_open_files"]

if sys.platform == "win32":

    def allow_open_files(number: int) -> int:
        """Return the number unchanged: Windows does not limit sockets."""
        return number

else:
    import resource

    def allow_open_files(number: int) -> int:
        """Raise the limit to this many open files, or to the system's maximum. Returns the limit."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= number:
            return number
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # a kernel may allow fewer than its hard limit
            return soft
        return wanted
