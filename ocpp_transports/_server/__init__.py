"""A server's side: accepting, admission, and the connected stations."""
