"""The sans-IO OCPP-J engine: bytes or events in, actions out; no clock, socket, task or global."""
