"""The interface of the package `ocpp` on this library, for programs that were written for it.

Replace `ocpp` with `ocpp_transports.compat` in the imports of a program, for example
`from ocpp_transports.compat.v16 import ChargePoint, call, call_result`. The modules are `charge_point`, `messages`,
`routing`, `exceptions`, `v16`, `v201` and `v21`. It runs on asyncio alone.

It differs on purpose, as `docs/migrating-from-mobilityhouse.md` lists with reasons:

* A CALLERROR raises; `suppress=True` or `ChargePoint.suppress_call_errors = True` returns None.
* A handler may call back, and a slow handler does not delay responses.
* `customData` and the data of DataTransfer are not converted; `ChargePoint.convert_custom_data = True` converts them.
* Malformed messages are answered and never end `start`; neither does an answer of a handler that cannot be sent.
* Exceptions in after hooks are logged.
* All names of OCPP 2.1 are those of the schemas.
"""
