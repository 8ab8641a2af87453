"""Binding to an event loop, listening, serving until a signal, closing."""
