"""The operation of a station: power-up, transactions, metering, commands."""
