"""The mask (RFC 6455 §5.3): Python and C give the same bytes, and only a C module of `websockets` is loaded."""

import subprocess
import sys
from random import Random

import pytest

from ocpp_core.websocket.masking import FAST, STANDARD, xor

KEY = b"\x12\x00\xff\x80"
MASKS = [
    pytest.param(STANDARD, id="python"),
    pytest.param(FAST, id="c", marks=pytest.mark.skipif(FAST is None, reason="websockets has no C part here")),
]


def as_defined(payload: bytes, key: bytes) -> bytes:
    return bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))


@pytest.mark.parametrize("mask", MASKS)
class TestBothMasks:
    def test_xor_each_byte_with_the_byte_of_the_key_at_its_place(self, mask):
        payload = Random(1).randbytes(64 + 16)
        for start in range(16):  # the place in memory must not matter
            for length in range(65):
                part = payload[start : start + length]
                assert mask(part, KEY) == as_defined(part, KEY)

    @pytest.mark.parametrize("length", [511, 512, 513, 65_535, 1 << 20])
    def test_mask_long_payloads_too(self, mask, length):
        payload = Random(length).randbytes(length)
        masked = mask(payload, KEY)
        assert (type(masked), len(masked)) == (bytes, length)
        assert int.from_bytes(masked) ^ int.from_bytes(payload) == int.from_bytes((KEY * (length // 4 + 1))[:length])

    def test_read_views_and_arrays_as_well_as_bytes(self, mask):
        payload = Random(2).randbytes(700)
        for length in (0, 5, 600):
            expected = mask(payload[3 : 3 + length], KEY)
            assert mask(memoryview(payload)[3 : 3 + length], KEY) == expected
            assert mask(bytearray(payload[3 : 3 + length]), bytearray(KEY)) == expected


@pytest.mark.skipif(FAST is None, reason="websockets has no C part here")
class TestTheCPart:
    def test_is_used(self):
        assert xor is FAST

    def test_is_loaded_without_its_package_which_may_be_imported_later(self):
        script = (
            "import sys; from ocpp_core.websocket.masking import FAST;"
            "print([name for name in sys.modules if name.startswith('websockets') or name == 'importlib.metadata']);"
            "from websockets.frames import apply_mask; print(apply_mask(b'abc', b'1234') == FAST(b'abc', b'1234'))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert (done.stdout.split("\n"), done.stderr) == (["[]", "True", ""], "")


def test_a_broken_c_part_leaves_the_python_mask(tmp_path):
    package = tmp_path / "websockets"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "speedups.py").write_text("raise RuntimeError('broken')")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
        "from ocpp_core.websocket.masking import FAST, STANDARD, xor; print(FAST, xor is STANDARD)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("None True\n", "")
