"""x."""
def redacted(r): return r
