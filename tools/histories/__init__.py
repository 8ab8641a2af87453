"""Histories in virtual time: random operations on a world, what must hold in each, and planted mistakes."""
