"""What the tool found and left alone, as lines of its report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that needs a decision."""

    line: int
    topic: str
    """A word for searching and counting, such as `call-result`."""
    text: str

    def __str__(self) -> str:
        return f"{self.line}: {self.topic}: {self.text}"
