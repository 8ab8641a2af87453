"""The parts of the pytest plugin: seeds, the running of coroutines on a world's loop, and what a failure reports."""
