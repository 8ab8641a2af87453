"""The event loops: asyncio, uvloop and trio."""
