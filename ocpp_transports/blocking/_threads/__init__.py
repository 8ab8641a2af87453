"""The threads behind blocking objects: the event loop, and the way between it and others."""
