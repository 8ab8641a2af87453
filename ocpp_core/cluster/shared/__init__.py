"""What servers of a cluster remember together: sessions and responses of stations, and the rates of addresses."""
