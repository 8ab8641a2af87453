"""A world of servers and stations on one virtual loop and one virtual network."""
