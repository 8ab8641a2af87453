"""Calls into the application's code: its arguments, exceptions, and the threads of plain functions that block."""
