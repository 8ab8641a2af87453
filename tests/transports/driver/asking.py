"""A task that asks a driver for something, and a request that an engine dispatches."""

from ocpp_core.actions import Dispatch
from ocpp_core.inputs import StartCall


def start(token):
    return StartCall(token, "Heartbeat", {})


def ask(driver, make=start):
    task = driver.runtime.spawn(driver.ask(make))
    driver.runtime.run()
    return task


def dispatch(request):
    return Dispatch(request, "Heartbeat", {}, f"id{request}")
