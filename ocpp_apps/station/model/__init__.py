"""What is true of a station, in no version's words."""
