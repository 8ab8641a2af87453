"""A cluster of real processes under faults: `python -m tests.transports.cluster.trial`."""
