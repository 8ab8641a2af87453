"""A server in several processes of one machine: a supervisor, and the workers that it keeps running."""
