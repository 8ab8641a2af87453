"""Recordings of live connections, for `ocpp_core.recording.replay`; the guide is docs/recording.md."""

from ._recordings import Recordings, RecordingSink, RecordTo

__all__ = ["RecordTo", "RecordingSink", "Recordings"]
