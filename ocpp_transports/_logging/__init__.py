"""Log records without secrets."""
