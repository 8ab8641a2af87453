"""The page of the charging-station simulator, which connects its document to `ocpp_apps.station`."""
