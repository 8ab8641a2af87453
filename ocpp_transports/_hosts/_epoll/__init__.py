"""Plain TCP connections on trio: one epoll and one task serve them all. Linux only."""
