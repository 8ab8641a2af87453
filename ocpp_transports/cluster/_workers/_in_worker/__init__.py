"""What runs in the process of a worker: the server, and the orders of the supervisor."""
