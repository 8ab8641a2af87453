"""The bucket of a station."""

from binascii import crc_hqx

__all__ = ["bucket_of"]


def bucket_of(identity: str, buckets: int) -> int:
    """Return the number of the bucket of a station, from 0 to `buckets - 1`.

    It is the CRC16 that Redis Cluster uses, so every node and every store distributes stations equally.
    """
    return crc_hqx(identity.encode("utf-8", "surrogatepass"), 0) % buckets
