"""Who may send which action, by version and by role."""

from ocpp_core.action_names import ACTION_NAMES, OTHER_ROLE, SENDERS, may_send
from tests.tables import each

ALL = tuple(SENDERS)


@each(
    ("action", "protocols", "station", "csms"),
    [
        ("BootNotification", ALL, True, False),
        ("StartTransaction", ["ocpp1.6"], True, False),
        ("RemoteStartTransaction", ALL, False, True),
        ("NotifyPeriodicEventStream", ["ocpp2.1"], True, False),
        ("DataTransfer", ALL, True, True),
        # no version offered here has it: every standard version counts
        ("RemoteStartTransaction", ["ocpp2.0.1"], False, True),
        ("TransactionEvent", ["ocpp1.6"], True, False),
        # nothing is known of the action, or of one of the subprotocols
        ("MakeCoffee", ALL, True, True),
        ("BootNotification", ["vendor1"], True, True),
        ("BootNotification", ["ocpp1.6", "vendor1"], True, True),
        # public implementations disagree
        ("OpenPeriodicEventStream", ["ocpp2.1"], True, True),
        ("ClosePeriodicEventStream", ["ocpp2.1"], True, True),
        ("VatNumberValidation", ["ocpp2.1"], True, True),
        # the specification is explicit (R04.FR.31 of 2.1 Part 2), or nearly all agree
        ("ReportDERControl", ["ocpp2.1"], True, False),
        ("NotifyAllowedEnergyTransfer", ["ocpp2.1"], False, True),
        ("NotifyWebPaymentStarted", ["ocpp2.1"], False, True),
        ("RequestBatterySwap", ["ocpp2.1"], False, True),
    ],
)
def test_who_may_send(action, protocols, station, csms):
    assert (may_send("station", action, protocols), may_send("csms", action, protocols)) == (station, csms)


def test_every_standard_action_has_a_sender():
    for protocol, actions in ACTION_NAMES.items():
        assert [a for a in actions if not any(may_send(role, a, [protocol]) for role in OTHER_ROLE)] == []
