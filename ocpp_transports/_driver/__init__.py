"""The effect loop and the interfaces around it."""
