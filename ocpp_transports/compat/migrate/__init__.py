"""Rewrite the imports of a program from the package `ocpp` to `ocpp_transports.compat`.

    python -m ocpp_transports.compat.migrate PATH...           show the changes as a unified diff
    python -m ocpp_transports.compat.migrate --write PATH...   change the files

Files are changed only where a name stands: comments, formatting, line ends and encodings stay. What needs a decision is
reported with its line and left as it is.
"""
