"""Programs made of the library: simulated charging stations, a central system, and a demonstration of both."""
