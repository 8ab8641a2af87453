"""What counts the messages of a session."""
