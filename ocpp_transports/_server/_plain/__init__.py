"""Plain HTTP requests on the port of the stations."""
