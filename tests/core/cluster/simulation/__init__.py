"""Clusters in virtual time: nodes, stations and a store, faults of all of them, and what must hold in each history."""
