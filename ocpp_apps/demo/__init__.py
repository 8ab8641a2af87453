"""Demo: a central system and charging stations of every version, in separate processes.

`python -m ocpp_apps.demo` runs them against each other. `server` and `station` run one of them, for example
against real equipment. `scenario` has the steps of a station, `server` the commands of the central system.
"""
