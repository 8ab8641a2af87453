"""A server's side: accepting, admission, and the stations that are connected."""
