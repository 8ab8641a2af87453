"""Smart charging of OCPP 2.0.1 and 2.1."""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from itertools import groupby

from ocpp_apps.station.model.charging_profiles import LONGEST_COMPOSITE, ChargingProfile
from ocpp_apps.station.model.dialect import Payload
from ocpp_apps.station.operation.commands import Command, Commands
from ocpp_apps.station.operation.profile_messages import PURPOSES, ProfileError
from ocpp_core.times import write_time

__all__ = ["SmartCharging2"]


class SmartCharging2(Commands):
    """The commands to set, clear and report charging profiles, and for composite schedules."""

    @cached_property
    def table(self) -> Mapping[str, Command]:
        """The supported actions and their handlers."""
        return {
            "ClearChargingProfile": self._clear_charging_profile,
            "GetChargingProfiles": self._get_charging_profiles,
            "GetCompositeSchedule": self._get_composite_schedule,
            "SetChargingProfile": self._set_charging_profile,
        }

    def _set_charging_profile(self, params: Payload) -> Payload:
        try:
            self._install_profile(params["evseId"], params["chargingProfile"])
        except ProfileError as error:
            return {
                "status": "Rejected",
                "statusInfo": {"reasonCode": "InvalidProfile", "additionalInfo": str(error)},
            }
        return {"status": "Accepted"}

    def _clear_charging_profile(self, params: Payload) -> Payload:
        criteria = params.get("chargingProfileCriteria", {})
        if "chargingProfileId" in params:
            found = [one for one in self._equipment.profiles if one.id == params["chargingProfileId"]]
        else:
            found = list(self._matching(criteria, criteria.get("evseId")))
        return {"status": self._clear_profiles(found)}

    def _matching(self, criteria: Payload, evse: int | None) -> Iterator[ChargingProfile]:
        purpose = criteria.get("chargingProfilePurpose")
        for profile in self._equipment.profiles:
            if (
                evse in (None, profile.connector_id)
                and (purpose is None or PURPOSES.get(purpose) == profile.purpose)
                and criteria.get("stackLevel", profile.stack_level) == profile.stack_level
            ):
                yield profile

    def _get_charging_profiles(self, params: Payload) -> Payload:
        """Report the matching profiles. Their source is always the charging station operator, CSO."""
        criteria = params["chargingProfile"]
        ids, sources = criteria.get("chargingProfileId"), criteria.get("chargingLimitSource", ["CSO"])
        found = [
            profile
            for profile in self._matching(criteria, params.get("evseId"))
            if (ids is None or profile.id in ids) and "CSO" in sources
        ]
        if not found:
            return {"status": "NoProfiles"}
        self._later("ReportChargingProfiles", partial(self._report, params["requestId"], found))
        return {"status": "Accepted"}

    async def _report(self, request: int, profiles: list[ChargingProfile]) -> None:
        ordered = sorted(profiles, key=lambda profile: profile.connector_id)
        groups = [(evse, list(group)) for evse, group in groupby(ordered, key=lambda profile: profile.connector_id)]
        for number, (evse, group) in enumerate(groups):
            payload = {
                "requestId": request,
                "chargingLimitSource": "CSO",
                "chargingProfile": [profile.message for profile in group],
                "evseId": evse,
                "tbc": number + 1 < len(groups),
            }
            await self._equipment.send(("ReportChargingProfiles", payload))

    def _get_composite_schedule(self, params: Payload) -> Payload:
        evse, seconds = params["evseId"], min(params["duration"], LONGEST_COMPOSITE)
        if (evse != 0 and not self._equipment.has_connector(evse)) or seconds <= 0:
            return {"status": "Rejected"}
        unit = params.get("chargingRateUnit", "W")
        schedule = {
            "evseId": evse,
            "duration": seconds,
            "scheduleStart": write_time(self._equipment.clock.now()),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": self._schedule(evse, seconds, unit),
        }
        return {"status": "Accepted", "schedule": schedule}
