"""The page of the charging-station simulator: what binds its document to `ocpp_apps.station`."""
