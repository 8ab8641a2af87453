"""Programs made of the library: simulated stations, and a demo."""
