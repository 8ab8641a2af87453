"""What the database knows about stations."""

from django.db import models


class Station(models.Model):
    """A station that has booted at least once."""

    identity = models.CharField(max_length=48, primary_key=True)
    model = models.CharField(max_length=20)
    boots = models.PositiveIntegerField(default=0)


class Transaction(models.Model):
    """One charging session; its key is the transaction's number."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE)
    card = models.CharField(max_length=20)
