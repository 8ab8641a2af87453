"""A task that asks a driver for something."""

from ocpp_core.inputs import StartCall


def start(token):
    return StartCall(token, "Heartbeat", {})


def ask(driver, make=start):
    task = driver.runtime.spawn(driver.ask(make))
    driver.runtime.run()
    return task
