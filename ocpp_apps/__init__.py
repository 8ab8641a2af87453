"""Programs made of the library: a simulated charging station, and a demo. `python -m ocpp_apps` lists them."""
