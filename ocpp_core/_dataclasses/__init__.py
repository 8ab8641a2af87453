"""`dataclass` of the standard library, without compiling source when a class is created.

`dataclasses.dataclass` compiles two to eight methods for each class from source, which was half of the time to import
this library. Here the fields and slots come from the standard library, `__init__` is compiled when the class is first
called, and the other methods are shared functions. Type checkers see `dataclasses.dataclass` itself, and `fields`,
`replace`, `match`, `copy` and `pickle` work as ever.
"""

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from ._decorator import dataclass
