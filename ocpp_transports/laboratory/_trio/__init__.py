"""The virtual network on trio, in the virtual time of its own clock."""
