"""The options of a `Cluster` for direct streams."""

import pytest

from ocpp_transports import TLSOptions
from ocpp_transports.cluster import Cluster, MemoryCluster
from ocpp_transports.cluster._direct._address import StreamAddress

TLS = TLSOptions(cert="cert.pem", key="key.pem", ca="ca.pem")


def cluster(**options):
    return Cluster(MemoryCluster(), **options)


class TestTheAdvertisedAddress:
    def test_has_the_port_on_which_the_node_listens_instead_of_0(self):
        where = cluster(advertise="tls://csms-1:0", listen="tls://0.0.0.0:0", tls=TLS).advertised
        assert where is not None
        assert where.listening == StreamAddress("tls", "0.0.0.0", 0)
        assert where.with_port(7001) == "tls://csms-1:7001"

    def test_is_kept_if_the_node_listens_on_another_port(self):
        where = cluster(advertise="tls://csms-1:7000", listen="tls://[::]:0", tls=TLS).advertised
        assert where is not None
        assert where.with_port(9999) == "tls://csms-1:7000"

    def test_is_none_by_default(self):
        assert cluster().advertised is None

    @pytest.mark.parametrize("path", ["/run/ocpp/csms-1.sock", "/run/a b#?%20"])
    def test_may_be_any_path_of_a_unix_socket(self, path):
        assert StreamAddress.read(f"unix://{path}").path == path
        assert str(StreamAddress.read(f"unix://{path}")) == f"unix://{path}"


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"advertise": "10.0.0.5:7000"}, "expected advertise as tcp://host:port"),
            ({"advertise": "tcp://10.0.0.5"}, "expected advertise as tcp://host:port"),
            ({"advertise": "unix://relative"}, "expected advertise as tcp://host:port"),
            ({"advertise": "tcp://127.0.0.1:0", "listen": "nowhere"}, "expected listen as tcp://host:port"),
            ({"listen": "tcp://127.0.0.1:0"}, "expected advertise with listen"),
            ({"advertise": "tls://0.0.0.0:7000", "tls": TLS}, "expected advertise with an address of this machine"),
            ({"advertise": "tls://h:1", "listen": "tcp://h:1", "tls": TLS}, "expected listen with the scheme"),
            ({"advertise": "tls://10.0.0.5:7000"}, "expected tls with an address as tls://"),
            ({"advertise": "tcp://10.0.0.5:7000"}, "cannot listen on 'tcp://10.0.0.5:7000': anyone who reaches"),
            ({"advertise": "tcp://localhost:1", "listen": "tcp://0.0.0.0:1"}, "cannot listen on 'tcp://0.0.0.0:1'"),
            ({"tls": TLSOptions(ca="ca.pem")}, "expected tls with cert, key, ca and verify=True"),
            ({"tls": TLSOptions(cert="cert.pem")}, "expected tls with cert, key, ca and verify=True"),
        ],
    )
    def test_are_values_that_no_node_could_use_or_that_open_the_cluster_to_anyone(self, options, text):
        with pytest.raises(ValueError, match=text.replace("(", r"\(")):
            cluster(**options)

    @pytest.mark.parametrize("name", ["advertise", "tls", "allow_plain_tcp", "close_when_lapsed"])
    def test_are_other_types(self, name):
        with pytest.raises(TypeError, match=f"expected {name} as"):
            cluster(**{name: 7})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_tcp_is_allowed_on_this_machine(host):
    assert cluster(advertise=f"tcp://{host}:0").advertised is not None


def test_plain_tcp_is_allowed_elsewhere_on_request():
    assert cluster(advertise="tcp://10.0.0.5:7000", allow_plain_tcp=True).advertised is not None
