"""Signatures and annotations of the application's functions, where some names exist only for type checkers.

Since Python 3.14 an annotation is evaluated when it is read (PEP 649), so reading one may raise NameError. Here a name
that does not exist becomes a `ForwardRef`.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef

__all__ = ["annotations_of", "signature_of", "written"]


def signature_of(function: Callable[..., Any], *, follow_wrapped: bool = True) -> inspect.Signature:
    """Return the signature of a callable; raises the TypeError and the ValueError of `inspect.signature`."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, follow_wrapped=follow_wrapped, annotation_format=Format.FORWARDREF)
    return inspect.signature(function, follow_wrapped=follow_wrapped)


def annotations_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the annotations of a function by name."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(function, format=Format.FORWARDREF)
    return inspect.get_annotations(function)


def written(annotation: Any) -> Any:
    """Return the text of an annotation that could not be evaluated; any other annotation as it is."""
    return annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
