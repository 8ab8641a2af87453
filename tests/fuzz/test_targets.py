"""The fuzz targets without a fuzzer: their corpora, and a bounded number of seeded mutations. `make fuzz` runs them."""

from collections.abc import Sequence

import pytest

from tests.fuzz.all_targets import TARGETS
from tests.fuzz.mutating import mutants

SEEDS = 25
MUTATIONS = 25
"""Inputs of a corpus, evenly spread, and mutations of all of it: about 0.1 s for each target."""


def spread(inputs: Sequence[bytes], count: int) -> Sequence[bytes]:
    return inputs[:: max(1, len(inputs) // count)]


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_escapes(name: str) -> None:
    target = TARGETS[name]
    for data in [*spread(target.corpus, SEEDS), *mutants(target.corpus, MUTATIONS, seed=1)]:
        try:
            target.run(data)
        except Exception as error:
            error.add_note(f"TARGETS[{name!r}].run({data!r}) repeats it")
            raise
