"""The options of clients and servers, and the checks made of them."""
