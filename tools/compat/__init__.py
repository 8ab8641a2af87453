"""The facts behind `ocpp_transports.compat` and their form as Python modules, for tools/build_compat.py."""
