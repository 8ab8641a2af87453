"""What is replaced in a recording before it is written: secrets, and nothing else."""

import json
import zlib
from base64 import b64decode, b64encode
from itertools import accumulate
from random import Random
from typing import Any

import pytest

from ocpp_core.recording._recording import written
from ocpp_transports.recording._frames import hidden_stream
from ocpp_transports.recording._heads import hidden_head, hidden_target
from ocpp_transports.recording._pseudonyms import Pseudonyms
from ocpp_transports.recording._redacted import redacted
from ocpp_transports.recording._texts import hidden_text, hidden_value

HEAD = (
    b"GET /ocpp/CP-4711?token=s3cret HTTP/1.1\r\nHost: csms\r\nAuthorization: Basic c2VjcmV0\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Api-Key:abc\r\n\r\n"
)
CALL = '[2,"04AB12CD","Authorize",{"idTag":"04AB12CD"}]'
SET_VARIABLES = (
    '[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"p4ssw0rd","component":{"name":"X"},'
    '"variable":{"name":"BasicAuthPassword"}}]}]'
)
MASK = b"\x01\x02\x03\x04"


def pseudonyms():
    return Pseudonyms(b"key")


def hide(text):
    return hidden_text(text, pseudonyms())


def frame(content, first=0x81, mask=MASK):
    data = content.encode() if isinstance(content, str) else content
    size = bytes((len(data) | 0x80,)) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return bytes((first,)) + size + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def plain(data):
    """Return the payload of one masked frame."""
    start = 2 if data[1] & 0x7F < 126 else 4
    mask = data[start : start + 4]
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data[start + 4 :])).decode()


class TestAPseudonym:
    @pytest.mark.parametrize("secret", ["04AB12cd", "CP-4711_x", "pässwörd€😀", "a b.c:d/e", "", "zzzz"])
    def test_has_the_same_length_and_kinds(self, secret):
        made = pseudonyms().of(secret)
        assert len(made.encode()) == len(secret.encode())
        assert [letter.isdigit() for letter in made] == [letter.isdigit() for letter in secret]
        assert [letter.isupper() for letter in made if letter.isascii()] == [
            letter.isupper() for letter in secret if letter.isascii()
        ]
        assert not any(a == b and a.isalnum() and a.isascii() for a, b in zip(made, secret, strict=True))

    def test_is_that_of_an_equal_secret_in_one_recording_only(self):
        first = pseudonyms()
        assert first.of("04AB12CD") == first.of("04AB12CD") == first.of_json("04AB12CD")
        assert first.of("04AB12CD") != Pseudonyms(b"other").of("04AB12CD")

    def test_replaces_a_known_secret_within_a_text(self):
        names = pseudonyms()
        made = names.of("04AB12CD")
        assert names.within("unknown 04AB12CD, bye") == f"unknown {made}, bye"

    @pytest.mark.parametrize("word", ["Accepted", "A1"])
    def test_replaces_no_word_that_may_be_one_of_the_protocol(self, word):
        names = pseudonyms()
        names.of(word)
        assert names.within(word) == word


class TestAMessage:
    @pytest.mark.parametrize(
        ("text", "secret"),
        [
            (CALL, '{"idTag":"04AB12CD"'),
            ('[2,"1","StartTransaction",{"idTag":"04AB12CD","meterStart":5}]', "04AB12CD"),
            ('[2,"1","Authorize",{"idToken":{"idToken":"04AB12CD","type":"ISO14443"}}]', "04AB12CD"),
            ('[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789ABCDEF"}]', "0123456789ABCDEF"),
            ('[2,"1","ChangeConfiguration",{"value":"0123456789ABCDEF","key":"AuthorizationKey"}]', "0123456789ABCDEF"),
            (SET_VARIABLES, "p4ssw0rd"),
            ('[2,"1","DataTransfer",{"vendorId":"v","data":"{\\"password\\":\\"hunter22\\"}"}]', "hunter22"),
            ('[2,"1","UpdateFirmware",{"location":"ftp://user:hunter22@host/x"}]', "hunter22"),
            ('[2,"1","X",{"pin":1234}]', "1234"),
            ('[2,"1","X",{"password":"h\\u00fcnter\\n22"}]', "nter\\n22"),
            ('[3,"1",{"idTagInfo":{"status":"Accepted","parentIdTag":"04AB12CD"}}]', "04AB12CD"),
            ('[2,"1","Authorize",{"idTag":"04AB12CD"', "04AB12CD"),
            ('[2,"1","Authorize",{"idTag":"04AB12CD', "04AB12CD"),
            ('[2,"1","Authorize",{idTag:1,"idTag":"04AB12CD",}]', "04AB12CD"),
            ('[2,"1","X",{"key":"AuthorizationKey","value":"0123456789ABCDEF",', "0123456789ABCDEF"),
            ('[2,"1","X",{"idTag":"04AB12CD","idTag":"11AB12CD"}]', "04AB12CD"),
        ],
    )
    def test_has_no_secret_and_its_length(self, text, secret):
        hidden = hide(text)
        assert secret not in hidden
        assert len(hidden.encode()) == len(text.encode())
        assert hidden[: text.index("{")] == text[: text.index("{")]

    @pytest.mark.parametrize(
        "text",
        [
            '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]',
            '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","timestamp":"2026-01-01T00:00:00Z"}]',
            '[3,"1",{"idTagInfo":{"status":"Accepted"}}]',
            '[4,"1","GenericError","why",{}]',
            "nonsense",
            "",
            "[[[[",
        ],
    )
    def test_without_a_secret_stays(self, text):
        assert hide(text) == text

    def test_keeps_the_type_of_an_id_token(self):
        assert hide('[2,"1","Authorize",{"idToken":{"idToken":"04AB","type":"ISO14443"}}]').endswith('"ISO14443"}}]')

    def test_hides_a_secret_that_it_names_elsewhere(self):
        names = pseudonyms()
        hidden_text(CALL, names)
        assert "04AB12CD" not in hidden_text('[4,"1","GenericError","unknown tag 04AB12CD",{}]', names)

    def test_that_is_nested_too_deep_has_no_secret_either(self):
        text = '[2,"1","X",' + '{"a":' * 900 + '{"idTag":"04AB12CD"}' + "}" * 900 + "]"
        assert "04AB12CD" not in hide(text)
        assert len(hide("[" * 5000 + '"idTag":"04AB12CD"')) == 5018

    def test_is_the_same_as_a_payload(self):
        names = pseudonyms()
        text = hidden_text(CALL, names)
        assert hidden_value({"idTag": "04AB12CD"}, names) == json.loads(text)[3]


class TestAHead:
    def test_keeps_what_the_engine_reads(self):
        head = hidden_head(HEAD, lambda target: hidden_target(target, pseudonyms().of)).decode()
        assert len(head) == len(HEAD)
        for secret in ("4711", "s3cret", "c2VjcmV0", "abc"):
            assert secret not in head
        assert head.startswith("GET /ocpp/")
        assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" in head
        assert "X-Api-Key:***" in head


class TestAStream:
    @pytest.mark.parametrize("seed", range(8))
    def test_is_cut_at_the_same_places(self, seed):
        random = Random(seed)
        fragments = frame(CALL[:20], 0x01) + frame("ping", 0x89) + frame(CALL[20:], 0x80)
        stream = HEAD + frame(CALL) + fragments + frame("x" * 300) + frame(CALL)[:30]
        cuts = sorted(random.sample(range(1, len(stream)), 6))
        chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        made = hidden_stream(chunks, hide, lambda target: target)
        assert list(map(len, made)) == list(map(len, chunks))
        whole = b"".join(made)[len(HEAD) :]
        first = plain(whole[: len(frame(CALL))])
        assert first == hide(CALL)
        assert frame("ping", 0x89) in whole
        assert whole[len(frame(CALL)) + len(fragments) :].startswith(frame("x" * 300))

    def test_shows_nothing_after_what_is_no_frame(self):
        (made,) = hidden_stream([HEAD + b"\xf3\x01 idTag 04AB12CD"], hide, lambda target: target)
        assert made.endswith(b"\r\n\xf3\x01***************")

    def test_has_compressed_messages_as_uncompressed_ones(self):
        deflater = zlib.compressobj(9, zlib.DEFLATED, -12)
        messages = [CALL * 4, CALL * 4]
        frames = []
        for message in messages:
            data = deflater.compress(message.encode()) + deflater.flush(zlib.Z_SYNC_FLUSH)
            frames.append(frame(data[:-4], 0xC1))
        made = hidden_stream([HEAD, frames[0][:9], frames[0][9:], frames[1]], hide, lambda target: target)
        assert made[1] == b""  # nothing had arrived yet
        assert [plain(each) for each in made[2:]] == list(map(hide, messages))


class TestRecords:
    def test_have_pseudonyms_in_every_field(self):
        records: list[dict[str, Any]] = [
            {
                "ocpp_recording": 1,
                "target": {"$is": "UpgradeTarget", "target": "/CP-4711", "headers": [["A", "s3cret"]]},
            },
            {"in": "UpgradeReceived", "target": "/CP-4711", "headers": [["Authorization", "s3cret"]]},
            {"in": "Accept", "identity": "CP-4711", "headers": [["Set-Cookie", "s3cret"]]},
            {"in": "Reject", "body": "no CP-4711"},
            {"in": "Reply", "payload": {"$json": {"idTagInfo": {"parentIdTag": "04AB12CD"}}}},
            {"in": "Fail", "description": "not 04AB12CD", "details": {"$json": {"idTag": "04AB12CD"}}},
            {"in": "TextReceived", "text": CALL},
            {"in": "BinaryReceived", "data": {"$bytes": b64encode(CALL.encode()).decode()}},
            {"in": "StreamFailed", "error": {"$error": ["OSError", "no CP-4711"]}},
            {"in": "Restored", "records": [{"payload": '{"idTag":"04AB12CD"}', "key": "k-04AB12CD"}]},
            {"poll": [], "others": [[1, '[3,"1",{"idTagInfo":{"parentIdTag":"04AB12CD"}}]']]},
        ]
        made = redacted(records)
        shown = "".join(map(written, made)) + b64decode(made[7]["data"]["$bytes"]).decode()
        shown = shown.replace('\\"04AB12CD\\",\\"Authorize', "").replace('"04AB12CD","Authorize', "")  # a message ID
        assert [secret for secret in ("4711", "s3cret", "04AB12CD") if secret in shown] == []
        assert made[2]["identity"] == made[1]["target"][1:] == made[0]["target"]["target"][1:]

    def test_leave_no_chunk_empty_because_that_is_the_end_of_the_stream(self):
        deflater = zlib.compressobj(9, zlib.DEFLATED, -12)
        data = deflater.compress(CALL.encode()) + deflater.flush(zlib.Z_SYNC_FLUSH)
        compressed = frame(data[:-4], 0xC1)
        chunks = [HEAD, compressed[:9], compressed[9:], b""]
        records = [{"in": "BytesReceived", "data": {"$bytes": b64encode(chunk).decode()}} for chunk in chunks]
        assert [record["in"] for record in redacted(records)] == ["BytesReceived", "Tick"] + ["BytesReceived"] * 2
        assert list(accumulate(map(len, chunks)))[-1] == len(HEAD) + len(compressed)
