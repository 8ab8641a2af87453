"""Calls between the nodes of a simulated cluster, over three carriers, and what must hold for them."""
