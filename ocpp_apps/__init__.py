"""Programs made of the library: a simulated station, a central system, and a demo. `python -m ocpp_apps` lists them."""
