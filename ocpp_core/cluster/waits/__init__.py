"""Waits for stations that are not connected yet, to whichever node they will connect."""
