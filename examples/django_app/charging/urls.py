"""The routes, and the views behind them."""

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from ocpp_transports import OCPPError

from .central import server
from .models import Station


@require_GET
def stations(request: HttpRequest) -> JsonResponse:
    """Return all stations, and whether they are connected."""
    connected = {station.identity for station in server.clients}
    rows = list(Station.objects.values("identity", "model", "boots"))
    for row in rows:
        row["connected"] = row["identity"] in connected
    return JsonResponse(rows, safe=False)


@require_POST
def start(request: HttpRequest, identity: str) -> JsonResponse:
    """Ask a station to charge for a card; a failure is an HTTP error."""
    params = {"idTag": request.GET["card"]}
    try:
        answer = server.call(
            identity, "RemoteStartTransaction", params, max_wait=10
        )
    except OCPPError as error:  # rejected, timed out, or disconnected
        return JsonResponse({"error": type(error).__name__}, status=502)
    return JsonResponse(answer)


urlpatterns = [
    path("stations", stations),
    path("stations/<identity>/start", start),
]
