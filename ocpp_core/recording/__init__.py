"""The recording of an engine and its replay, to turn a failure in the field into a test.

A recording has what the peer sent and what the host decided, credentials and ID tokens included: protect it as you
protect those. `ocpp_transports.recording` writes recordings without them.
"""

from ._recorder import Recorder
from ._recording import Recording
from ._replay import Difference, Replay, replay, replayed_again

__all__ = ["Difference", "Recorder", "Recording", "Replay", "replay", "replayed_again"]
