"""The event loop of trio: with streams on every system, with an epoll on Linux."""
