"""A token of a bucket, only if there is one."""

from ocpp_core.limits import Bucket


def take(bucket: Bucket, now: float) -> bool:
    """Take a token unless it would be one in advance."""
    if bucket.ready_at(now) > now:
        return False
    bucket.take(now)
    return True
