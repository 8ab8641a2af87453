"""A central system that accepts everything, and commands stations of every version."""
