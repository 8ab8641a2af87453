"""The configurations of docs/behind-a-proxy.md, run by nginx and HAProxy in front of a real server.

`make test-proxies` runs them; they skip where a proxy is not installed. On Debian: apt-get install nginx
libnginx-mod-stream haproxy. A station is at 127.0.0.2, and tries to invent all that a proxy reports.
"""

import re
import shutil
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import anyio
import anyio.to_thread
import pytest
import trustme

from ocpp_transports import OCPPServer, SecurityProfile, TLSOptions
from tests.transports.pairs import SECONDS, client_of, upgrade

pytestmark = [pytest.mark.anyio, pytest.mark.proxies]

PAGE = (Path(__file__).parents[2] / "docs" / "behind-a-proxy.md").read_text(encoding="utf-8")
STATION = "127.0.0.2"
NGINX, HAPROXY = shutil.which("nginx", path="/usr/sbin:/usr/bin"), shutil.which("haproxy", path="/usr/sbin:/usr/bin")
STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

needs_nginx = pytest.mark.skipif(
    not (NGINX and STREAM.exists()), reason="nginx with its module stream is not installed"
)
needs_haproxy = pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed")

AUTHORITY = trustme.CA()
PROFILE_3 = {"security_profile": SecurityProfile.TLS_CERT, "trusted_proxies": ["127.0.0.1"], "http": True}
CHECK_OVER_TLS = "send-proxy-v2 check check-ssl verify none check-send-proxy"
BY_FIELDS = {
    **PROFILE_3,
    "tls_terminated": True,
    "forwarded_header": "x-forwarded-for",
    "certificate_header": "X-Client-Cert",
    "certificate_verify_header": "X-Client-Verify",
    "certificate_organization": "ACME",
}


def blocks(language):
    """Return the configurations of the page in this language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the certificates that the configurations name."""
    folder = tmp_path_factory.mktemp("csms")
    server = AUTHORITY.issue_cert("127.0.0.1", "localhost")
    certificate, key = server.cert_chain_pems[0].bytes(), server.private_key_pem.bytes()
    AUTHORITY.cert_pem.write_to_path(folder / "stations-ca.pem")
    for name, content in {"csms.crt": certificate, "csms.key": key, "csms.pem": certificate + key}.items():
        (folder / name).write_bytes(content)
    return folder


def leaf(name, *, organization="ACME", authority=AUTHORITY):
    issued = authority.issue_cert("station.example", common_name=name, organization_name=organization)
    return TLSOptions(
        cert=issued.cert_chain_pems[0].bytes(), key=issued.private_key_pem.bytes(), ca=AUTHORITY.cert_pem.bytes()
    )


CP1 = leaf("CP1")


def context_of(tls, folder):
    context = ssl.create_default_context(cadata=AUTHORITY.cert_pem.bytes().decode())
    if tls is not None:
        path = folder / "station.pem"
        path.write_bytes(tls.cert + tls.key)
        context.load_cert_chain(path)
    return context


class Front:
    """A proxy at work: `port` is where stations connect."""

    def __init__(self, port, folder):
        self.port, self._folder = port, folder

    async def knock(self, tls=CP1, identity="CP1"):
        """Connect as the station with a certificate, with invented fields; return the status."""
        return await anyio.to_thread.run_sync(partial(self._knock, context_of(tls, self._folder), identity))

    def _knock(self, context, identity):
        der = ssl.PEM_cert_to_DER_cert(CP1.cert.decode())
        invented = [
            "X-Forwarded-For: 6.6.6.6",
            "X-Forwarded-Proto: https",
            "Forwarded: for=7.7.7.7;proto=https",
            "X-Client-Verify: SUCCESS",
            f"X-Client-Cert: {quote(CP1.cert.decode())}",
            f"X-Client-Cert: {b64encode(der).decode()}",
        ]
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS, source_address=(STATION, 0)) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as secured,
        ):
            secured.sendall(upgrade(f"/ocpp/{identity}", *invented))
            return int(secured.recv(4096).split()[1])


@contextmanager
def fronting(command, port, folder):
    """Run a proxy in the foreground until the block ends."""
    with (folder / "log").open("w+") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            for _ in range(SECONDS * 50):
                assert process.poll() is None, (folder / "log").read_text()
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield Front(port, folder)
        finally:
            process.kill()


def placed(text, folder, **ports):
    """Return a configuration of the page with the paths and ports of a test."""
    for before, after in ports.items():
        text = re.sub(rf"\b{before.removeprefix('at')}\b", str(after), text)
    return text.replace("/etc/csms/tls/", f"{folder}/")


def nginx(text, port, folder):
    """Run nginx with a block of its configuration."""
    inside = text if text.startswith("stream") else f"http {{ access_log off; {text} }}"
    head = f"daemon off; master_process off; pid {folder}/pid; error_log stderr; load_module {STREAM}; events {{}}\n"
    (folder / "nginx.conf").write_text(head + inside)
    return fronting([NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"], port, folder)


def haproxy(text, port, folder):
    """Run HAProxy with a configuration, and with a socket that states what its checks find."""
    head = f"global\n    maxconn 100\n    stats socket {folder}/stats level admin\n"
    (folder / "haproxy.cfg").write_text(head + text)
    return fronting([HAPROXY, "-db", "-f", "haproxy.cfg"], port, folder)


def check_status(folder):
    """Ask HAProxy for the result of its health check; empty while there is none."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(f"{folder}/stats")
        asking.sendall(b"show stat\n")
        answer = b"".join(iter(partial(asking.recv, 65536), b"")).decode()
    names, *rows = (line.split(",") for line in answer.removeprefix("# ").strip().splitlines())
    status = next(dict(zip(names, row, strict=False)) for row in rows if row[1] == "a")["check_status"]
    return "" if status == "INI" or status.startswith("*") else status


def wait_for_check(folder):
    """Return the result of the health check."""
    for _ in range(SECONDS * 20):
        if status := check_status(folder):
            return status
        time.sleep(0.05)
    return "no check"


@asynccontextmanager
async def serving(*, tls=None, proxy_protocol=False, **options):
    """Run a server; yields the port and what it learns of each accepted station."""
    seen = []

    async with OCPPServer(protocols=["ocpp1.6"], **options) as server:

        @server.auth
        def admit(accept, reject, handshake):
            seen.append((handshake.identity, handshake.remote_address))
            accept()

        @server.handle("DataTransfer")
        def transfer(context):
            return {"status": "Accepted", "data": context.params["data"]}

        listener = await server.listen(0, "127.0.0.1", ssl=tls, proxy_protocol=proxy_protocol)
        yield listener.port, seen


async def talk(front):
    """Exchange a long message through the proxy."""
    text = "x" * 300_000
    async with client_of(front, scheme="wss", security_profile=3, tls=CP1) as client:
        await client.connect()
        assert (await client.call("DataTransfer", {"vendorId": "Acme", "data": text}))["data"] == text


@needs_nginx
async def test_nginx_reports_address_and_certificate(folder, reserved_port):
    async with serving(**BY_FIELDS) as (backend, seen):
        with nginx(
            placed(blocks("nginx")[0], folder, at443=reserved_port, at9000=backend), reserved_port, folder
        ) as front:
            assert await front.knock() == 101
            assert seen == [("CP1", STATION)]
            assert await front.knock(identity="CP2") == 401
            assert await front.knock(None) == 401
            assert await front.knock(leaf("CP1", organization="Other")) == 401
            assert await front.knock(leaf("CP1", authority=trustme.CA())) == 400  # from nginx
            await talk(front)


@needs_nginx
async def test_nginx_passes_tls_through(folder, reserved_port):
    tls = TLSOptions(cert=folder / "csms.crt", key=folder / "csms.key", ca=folder / "stations-ca.pem")
    async with serving(**PROFILE_3, tls=tls, proxy_protocol=True) as (backend, seen):
        with nginx(
            placed(blocks("nginx")[1], folder, at9443=reserved_port, at9002=backend), reserved_port, folder
        ) as front:
            assert await front.knock() == 101
            assert seen == [("CP1", STATION)]
            assert await front.knock(identity="CP2") == 401
            await talk(front)


@needs_haproxy
async def test_haproxy_reports_address_and_certificate(folder, reserved_port):
    async with serving(**BY_FIELDS) as (backend, seen):
        with haproxy(
            placed(blocks("haproxy")[0], folder, at443=reserved_port, at9000=backend), reserved_port, folder
        ) as front:
            assert await front.knock() == 101
            assert seen == [("CP1", STATION)]
            assert await front.knock(identity="CP2") == 401
            assert await front.knock(None) == 401
            assert await front.knock(leaf("CP1", organization="Other")) == 401
            assert await anyio.to_thread.run_sync(wait_for_check, folder) == "L7OK"
            await talk(front)


@needs_haproxy
async def test_haproxy_passes_tls_through(folder, reserved_port, caplog):
    tls = TLSOptions(cert=folder / "csms.crt", key=folder / "csms.key", ca=folder / "stations-ca.pem")
    async with serving(**PROFILE_3, tls=tls, proxy_protocol=True) as (backend, seen):
        text = placed(blocks("haproxy")[1], folder, at9443=reserved_port, at9002=backend)
        with haproxy(text.replace("-v2 check", "-v2 check inter 20ms"), reserved_port, folder) as front:
            assert await front.knock() == 101
            assert seen == [("CP1", STATION)]
            caplog.clear()  # of the connection that found HAProxy listening
            assert await anyio.to_thread.run_sync(wait_for_check, folder) == "L4OK"
            await anyio.sleep(0.3)  # for some checks
            assert [record for record in caplog.records if record.levelname == "WARNING"] == []
            assert await front.knock(identity="CP2") == 401
            await talk(front)


@needs_haproxy
async def test_haproxy_checks_a_listener_with_tls(folder, reserved_port):
    tls = TLSOptions(cert=folder / "csms.crt", key=folder / "csms.key")
    text = blocks("haproxy")[2].replace("send-proxy-v2 proxy-v2-options ssl,cert-cn check", CHECK_OVER_TLS)
    options = {"security_profile": SecurityProfile.TLS_BASIC, "trusted_proxies": ["127.0.0.1"], "http": True}
    async with serving(**options, tls=tls, proxy_protocol=True) as (backend, _):
        with haproxy(placed(text, folder, at443=reserved_port, at9001=backend), reserved_port, folder):
            assert await anyio.to_thread.run_sync(wait_for_check, folder) == "L7OK"


@needs_haproxy
async def test_haproxy_reports_address_and_name_without_http(folder, reserved_port):
    options = {**PROFILE_3, "tls_terminated": True}
    async with serving(**options, proxy_protocol=True) as (backend, seen):
        with haproxy(
            placed(blocks("haproxy")[2], folder, at443=reserved_port, at9001=backend), reserved_port, folder
        ) as front:
            assert await front.knock() == 101
            assert seen == [("CP1", STATION)]
            assert await front.knock(identity="CP2") == 401
            assert await front.knock(None) == 401
            assert await anyio.to_thread.run_sync(wait_for_check, folder) == "L7OK"
            await talk(front)
