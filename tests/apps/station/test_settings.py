"""What kind of station can be simulated."""

from dataclasses import FrozenInstanceError

import pytest

from ocpp_apps.station import StationSettings
from tests.apps.station.laboratory import VERSIONS, Lab
from tests.kinds import mistyped


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vendor", ""), ("vendor", "x" * 21), ("model", "x" * 21), ("serial", "x" * 26), ("id_token", "x" * 21),
        ("firmware_version", "x" * 51), ("connectors", 0), ("connectors", 100), ("max_power", 0), ("phases", 4),
        ("max_power", float("inf")), ("meter_interval", -1), ("heartbeat_interval", 0), ("reboot_seconds", -1),
        ("transfer_seconds", 4000), ("protocol", "ocpp1.5"),
    ],
)  # fmt: skip
def test_what_no_version_can_carry_is_refused(name, value):
    with pytest.raises(ValueError, match=f"expected {name}"):
        StationSettings(**{name: value})


def test_they_do_not_change():
    with pytest.raises(FrozenInstanceError):
        mistyped(StationSettings()).model = "Other"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_before_the_first_connection_they_name_the_version_whose_words_are_used(protocol):
    lab = Lab(protocol, is_on=False)
    assert lab.station.protocol == protocol
    assert repr(lab.station) == f"<Station 'CP1' {protocol} off>"
    assert repr(lab.station.connectors[0]) == "<Connector 1 Available>"


def test_the_negotiated_version_counts_afterwards():
    lab = Lab("ocpp2.1", is_on=False)
    lab.client.speaks = "ocpp1.6"
    lab.client.answers = Lab("ocpp1.6", is_on=False).client.answers
    lab.run(lab.station.start())
    assert lab.station.protocol == "ocpp1.6"
    assert "HeartbeatInterval" in {setting.name for setting in lab.station.configuration if not setting.component}
