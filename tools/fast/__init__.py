"""The compiled form of the library: mypyc turns the modules of the hot path into C.

    python -m tools.fast build/fast/compiled      compile into a folder, as the build of the wheel does
    python -m tools.fast.suite tests/core         build the wheel and run tests on it

The sources stay as they are. mypyc compiles adapted copies of them, see `copies`.
"""
