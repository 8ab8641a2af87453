"""The threads behind blocking objects: the event loop, the application's functions, and the way between them."""
