"""The options of clients and servers, and their checks."""
