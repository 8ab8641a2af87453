"""Commands of a CSMS, the same for every version."""

LATER = "2026-01-01T01:00:00Z"


class Words:
    """What a command is called, and where its parameters are, in the version that a laboratory speaks."""

    def __init__(self, lab):
        self.lab = lab

    def available(self, number, kind):
        if self.lab.is_16:
            return self.lab.status_of("ChangeAvailability", {"connectorId": number, "type": kind})
        place = {"evse": {"id": number}} if number else {}
        return self.lab.status_of("ChangeAvailability", {**place, "operationalStatus": kind})

    def start(self, number=None, token="REMOTE", **further):
        if self.lab.is_16:
            place = {} if number is None else {"connectorId": number}
            return self.lab.status_of("RemoteStartTransaction", {"idTag": token, **place, **further})
        place = {} if number is None else {"evseId": number}
        who = {"idToken": {"idToken": token, "type": "Central"}, "remoteStartId": 42}
        return self.lab.status_of("RequestStartTransaction", {**who, **place, **further})

    def stop(self, number):
        action = "RemoteStopTransaction" if self.lab.is_16 else "RequestStopTransaction"
        return self.lab.status_of(action, {"transactionId": number})

    def unlock(self, number):
        place = {"connectorId": number} if self.lab.is_16 else {"evseId": number, "connectorId": 1}
        return self.lab.status_of("UnlockConnector", place)

    def reserve(self, number, *, reservation=1, token="RESERVED", until=LATER):
        if self.lab.is_16:
            params = {"connectorId": number, "expiryDate": until, "idTag": token, "reservationId": reservation}
        else:
            params = {"id": reservation, "expiryDateTime": until, "idToken": {"idToken": token, "type": "Central"}}
            params["evseId"] = number
        return self.lab.status_of("ReserveNow", params)

    def cancel(self, reservation):
        return self.lab.status_of("CancelReservation", {"reservationId": reservation})

    def trigger(self, message, number=None, **connector):
        evse = {"evse": {"id": number, **connector}}
        place = {} if number is None else {"connectorId": number} if self.lab.is_16 else evse
        return self.lab.status_of("TriggerMessage", {"requestedMessage": message, **place})

    def send_list(self, version, kind, *entries):
        if self.lab.is_16:
            made = [
                {"idTag": token, **({"idTagInfo": {"status": status}} if status else {})} for token, status in entries
            ]
            params = {"listVersion": version, "updateType": kind, "localAuthorizationList": made}
        else:
            made = [
                {
                    "idToken": {"idToken": token, "type": "ISO14443"},
                    **({"idTokenInfo": {"status": status}} if status else {}),
                }
                for token, status in entries
            ]
            params = {"versionNumber": version, "updateType": kind, "localAuthorizationList": made}
        if not entries:
            del params["localAuthorizationList"]
        return self.lab.status_of("SendLocalList", params)

    @property
    def list_version(self):
        return self.lab.ask("GetLocalListVersion")["listVersion" if self.lab.is_16 else "versionNumber"]

    def switch(self, name16, name2, component, value):
        if self.lab.is_16:
            self.lab.station.configure(name16, value)
        else:
            self.lab.station.configure(name2, value, component=component)
