"""The identity of a station in the path of its connection."""

__all__ = ["extract_charge_point_id"]


def extract_charge_point_id(path: str | None) -> str | None:
    """Return the last segment of the path of a URL without query, fragment and blanks; None if there is none."""
    path = (path or "").partition("#")[0].partition("?")[0].strip().strip("/")
    return path.rpartition("/")[2].strip() or None
