"""The table of settings, in which writable settings can be edited."""

from typing import Any

from ocpp_apps.station import Setting, Station, UnknownSettingError

from .dom import Element, Events, View, by_id, clone, make, say, value_of

__all__ = ["SettingsTable"]


class SettingsTable:
    """One row per setting. Rows stay while the settings are the same, to keep the focus."""

    def __init__(self, events: Events) -> None:
        self._station: Station | None = None
        self._rows: dict[str, tuple[View, Element | None]] = {}
        self._settings: dict[str, Setting] = {}
        events.on("change", "setting", self._changed)
        events.on("input", "settings-filter", lambda *_: self._filter())

    def show(self, station: Station) -> None:
        """Show the settings of this station."""
        self._station = station
        self.refresh()

    def refresh(self) -> None:
        """Update what has changed since the last time."""
        if self._station is None or by_id("panel-settings").hidden:
            return
        self._settings = {_key(setting): setting for setting in self._station.configuration}
        if self._rows.keys() != self._settings.keys():
            self._rows = {key: _row(key, setting) for key, setting in self._settings.items()}
            by_id("settings").replaceChildren(*(view.root for view, _ in self._rows.values()))
            self._filter()
        for key, (view, field) in self._rows.items():
            _write(view, field, self._settings[key])

    def _filter(self) -> None:
        wanted = value_of("settings-filter").casefold()
        for key, (view, _) in self._rows.items():
            view.root.hidden = wanted not in key.casefold()

    def _changed(self, element: Element, _: Any) -> None:
        setting = self._settings[element.dataset.key]
        place = by_id("settings-message")
        if self._station is None:
            return
        try:
            self._station.configure(
                setting.name,
                element.value,
                component=setting.component,
                evse=setting.evse,
                instance=setting.instance,
            )
        except UnknownSettingError as error:
            element.value = setting.value
            say(place, f"Not changed: {error}.", "bad")
        else:
            say(place, f"{setting.name} is now {element.value or 'empty'}.", "good")
            self.refresh()


def _key(setting: Setting) -> str:
    evse = "" if setting.evse is None else f" {setting.evse}"
    instance = f" [{setting.instance}]" if setting.instance else ""
    return f"{setting.component}{evse}.{setting.name}{instance}".removeprefix(".")


def _row(key: str, setting: Setting) -> tuple[View, Element | None]:
    view = View(clone("setting-template"))
    component, dot, name = key.rpartition(".")
    view.text("component", component + dot)
    view.text("name", name)
    view.text("unit", setting.unit)
    if setting.is_read_only:
        return view, None
    field = make("input", data_change="setting", data_key=key, aria_label=key, spellcheck="false")
    view["value"].append(field)
    return view, field


def _write(view: View, field: Element | None, setting: Setting) -> None:
    if field is None:
        view.text("value", setting.value)
    else:
        view.put("value", "title", setting.value)
        if field.value != setting.value and not field.matches(":focus"):
            field.value = setting.value
