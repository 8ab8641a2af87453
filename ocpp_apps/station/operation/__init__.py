"""What happens at a station: power-up, transactions, metering, commands."""
