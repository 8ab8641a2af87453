"""Virtual time: an asyncio event loop whose clock moves only when nothing is left to do."""
