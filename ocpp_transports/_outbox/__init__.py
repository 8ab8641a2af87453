"""Stores of an outbox: what makes its batches durable."""
