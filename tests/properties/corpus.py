"""What stations and central systems in the field have sent, with its mistakes, and how to make more mistakes of it."""

from hypothesis import strategies as st

# Frames of OCPP 1.6 that real equipment sends, written anew; each breaks a rule, or looks as if it did.
BROKEN_JSON = (
    '[2,"27","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}',
    '[2,"28","MeterValues",{"connectorId":1,"meterValue":[,{"timestamp":"2026-03-01T12:00:00Z"}]}]',
    '[2,"29","StopTransaction",{"transactionId":,"meterStop":12,"timestamp":"2026-03-01T12:00:00Z"}]',
    "[2,'30','Heartbeat',{}]",
    '[2,"31","Heartbeat",{}],',
    '[2,"32","Heartbeat",{}]\x00',
    '[2,"33","Heartbeat",{}][2,"34","Heartbeat",{}]',
    '\ufeff[2,"35","Heartbeat",{}]',
    '[2,"36","DataTransfer",{"vendorId":"x","data":"a\nb"}]',
    '[2,"37","DataTransfer",{"vendorId":"x","data":"\\x41"}]',
    '[2,"38","MeterValues",{"connectorId":01,"meterValue":[]}]',
    '[2,"39","MeterValues",{"connectorId":1,"meterValue":[{"value":nan}]}]',
    '[2,"40","Heartbeat",{]',
    '{"2":"41"}',
    "ping",
    "",
    " \r\n",
)
BROKEN_FRAMES = (
    '[2,42,"Heartbeat",{}]',
    '["2","43","Heartbeat",{}]',
    '[2.0,"44","Heartbeat",{}]',
    '[2,"","Heartbeat",{}]',
    '[2,null,"Heartbeat",{}]',
    '[2,"45","Heartbeat"]',
    '[2,"46","Heartbeat",null]',
    '[2,"47","Heartbeat",""]',
    '[2,"48","Heartbeat",{},{}]',
    '[2,"49","heartbeat",{}]',
    '[2,"50","StatusNotification.req",{}]',
    '[2,"0123456789-0123456789-0123456789-0123456789","Heartbeat",{}]',
    '[3,"id-1",null]',
    '[3,"id-1",{},{}]',
    '[3,"id-1"]',
    '[3,"",{"status":"Accepted"}]',
    '[3,"unknown",{"status":"Accepted"}]',
    '[4,"id-1","NotSupported",""]',
    '[4,"id-1","FormatViolation",null,null]',
    '[4,"id-1","OccurrenceConstraintViolation","",""]',
    '[4,"-1","FormationViolation","",{}]',
    '[4,"id-1","Error 5",7,[]]',
    '[5,"id-1","FormatViolation","",{}]',
    '[6,"51","NotifyPeriodicEventStream",{}]',
    "[9]",
    "[]",
)
BROKEN_PAYLOADS = (
    '[2,"52","BootNotification",{"chargePointVendor":"Käse & Söhne \u26a1","chargePointModel":""}]',
    '[2,"53","StatusNotification",{"connectorId":1,"errorCode":"Error","status":"available"}]',
    '[2,"54","StatusNotification",{"connectorId":"1","errorCode":"NoError","status":"Available","info":null}]',
    '[2,"55","StartTransaction",{"connectorId":1,"idTag":"","meterStart":0.0,"timestamp":"2026-03-01T12:00:00"}]',
    '[2,"56","StopTransaction",{"transactionId":-1,"meterStop":-5,"timestamp":"2026-03-01T12:00:00+02"}]',
    '[2,"57","MeterValues",{"connectorId":0,"meterValue":[{"timestamp":"","sampledValue":[{"value":12.5}]}]}]',
    '[2,"58","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-03-01 12:00Z","sampledValue":[]}]}]',
    '[2,"64","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"context":"Sample","unit":"Celcius"}]}]}]',
    '[2,"59","Authorize",{"idTag":"0123456789012345678901234567890"}]',
    '[2,"60","Authorize",{"idTag":"a","idTag":"b"}]',
    '[2,"61","Heartbeat",{"firmware":"1.0","customData":{"vendorId":"x"}}]',
    '[2,"62","DiagnosticsStatusNotification",{"status":"IDLE"}]',
    '[2,"63","DataTransfer",{"vendorId":"x","data":{"nested":[1,2,{"deep":true}]}}]',
    '[3,"id-1",{"status":"accepted"}]',
    '[3,"id-1",{"currentTime":"yesterday"}]',
)
CORPUS = BROKEN_JSON + BROKEN_FRAMES + BROKEN_PAYLOADS

_PIECES = st.sampled_from(
    ["", '"', "\\", "[", "]", "{", "}", ",", ":", "null", "0", "-", "1e400", "NaN", "\\ud800", "\x00", "id-1", '"id-2"']
) | st.text(max_size=3)


@st.composite
def _mutation(draw: st.DrawFn, text: str) -> str:
    """Cut a piece out of a text, and put one in: a character, what was cut, or a piece of another frame."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    cut = text[start:end]
    put = draw(st.one_of(_PIECES, st.just(cut * 2), st.sampled_from(CORPUS)))
    return text[:start] + put + text[end:]


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Draw a frame of the corpus, as it is or changed in up to four places."""
    text: str = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(0, 4))):
        text = draw(_mutation(text))
    return text
