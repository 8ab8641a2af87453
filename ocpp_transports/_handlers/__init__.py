"""From a request to its response: the table of handlers, and running them."""
