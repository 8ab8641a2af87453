"""The effect loop and its seams."""
