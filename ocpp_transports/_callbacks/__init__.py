"""Calls into the application's code: its arguments, its exceptions, its two kinds of function."""
