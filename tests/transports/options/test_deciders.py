"""The options that decide on handshakes: what can never work is refused when it is set."""

import pytest

from ocpp_transports._options._deciders import expect_identify


@pytest.mark.parametrize("pair", [(815, "CP1"), ("SN1", None)])
def test_a_mapping_of_anything_but_text_is_refused(pair):
    with pytest.raises(TypeError, match="CN to identity, both str"):
        expect_identify(dict([pair]))
