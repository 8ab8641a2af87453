"""The page's own WebSocket, under Pyodide."""
