"""A central system for stations that have no other one to talk to."""
