"""Calls into the application's code: its arguments, exceptions, and plain or coroutine functions."""
