"""The steps of a message: reading, running handlers, matching responses, the log."""
