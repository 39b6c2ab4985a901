"""The guard: which addresses are fetched from, and which never see a byte of ours."""

import asyncio

import httpx
import pytest

from jobs import network

from . import servers
from .servers import answer, serving


@pytest.fixture
def server():
    with serving(answer(200, b"secret")) as running:
        yield running


def fetch(url, **options):
    async def fetched():
        async with network.fetch_client(5, **options) as client:
            return await client.get(url)

    return asyncio.run(fetched())


# Which IP addresses are of the open internet


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_address_is_public(address):
    assert network.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_address_is_not_public(address):
    assert not network.is_public(address)


# Which URLs are looked at at all


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "//example.com/a.png",
        "example.com/a.png",
        "https://",
        "https:///a.png",
        "https://./a.png",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://:password@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:port/",
        "https://[::1/",
        "",
    ],
)
def test_check_refuses_what_is_no_plain_https_address(url):
    with pytest.raises(network.Forbidden, match="Only https addresses"):
        network.check_address(url)


@pytest.mark.parametrize("url", ["https://example.com", "HTTPS://EXAMPLE.com:8443/a?b#c", "https://8.8.8.8/"])
def test_check_takes_https_on_any_host(url):
    network.check_address(url)


@pytest.mark.parametrize(
    "host",
    ["cdn.runcomfy.net", "a.b.runcomfy.net", "CDN.RunComfy.NET", "cdn.runcomfy.net.", "exact.example.com"],
)
def test_check_takes_hosts_on_the_list(host):
    network.check_address(f"https://{host}/a.png", [".RunComfy.net", "exact.example.com"])


@pytest.mark.parametrize(
    "host",
    [
        "evilruncomfy.net",
        "runcomfy.net.evil.com",
        "cdn.runcomfy.net.evil.com",
        "runcomfy.net",
        "sub.exact.example.com",
        "example.com",
        "127.0.0.1",
    ],
)
def test_check_refuses_hosts_that_are_not_on_the_list(host):
    with pytest.raises(network.Forbidden, match="not a host that files are fetched from"):
        network.check_address(f"https://{host}/a.png", [".runcomfy.net", "exact.example.com"])


# What is fetched


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ],
)
def test_fetch_refuses_every_spelling_of_a_private_address(server, host):
    port = server.address.partition(":")[2]
    with pytest.raises(network.Forbidden, match="is not a public address"):
        fetch(f"https://{host}:{port}/")
    assert server.connections == 0


@pytest.mark.parametrize("host", ["0177.0.0.1", "①②⑦.0.0.1", "127.0.0.1\u3002"])
def test_fetch_never_connects_to_a_disguised_address(server, host):
    port = server.address.partition(":")[2]
    with pytest.raises((httpx.InvalidURL, httpx.ConnectError, network.Forbidden)):
        fetch(f"https://{host}:{port}/")
    assert server.connections == 0


def test_fetch_refuses_a_listed_name_that_is_private_here(server):
    port = server.address.partition(":")[2]
    with pytest.raises(network.Forbidden, match="localhost is not a public address"):
        fetch(f"https://localhost:{port}/", hosts=["localhost"])
    assert server.connections == 0


def test_fetch_cannot_reach_an_unknown_name():
    with pytest.raises(httpx.ConnectError, match="is not known"):
        fetch("https://no-such-host.invalid/")


def test_fetch_of_a_name_that_no_resolver_takes_fails_as_a_connection():
    with pytest.raises(httpx.ConnectError):
        fetch(f"https://{'a' * 70}.com/")


def test_fetch_takes_the_trusted_address(server):
    assert fetch(f"{server.url}/a.png", trusted=server.address).content == b"secret"


def test_fetch_takes_the_trusted_address_though_it_is_not_on_the_list(server):
    assert fetch(server.url, trusted=server.address, hosts=[".runcomfy.net"]).content == b"secret"


def test_trusted_name_may_be_written_in_capitals(server):
    trusted = server.address.replace("127.0.0.1", "LOCALHOST")
    assert fetch(f"http://{trusted.lower()}/", trusted=trusted).content == b"secret"


def test_trust_is_for_one_port_only(server):
    with serving(answer(200, b"another service")) as neighbour:
        with pytest.raises(network.Forbidden):
            fetch(neighbour.url, trusted=server.address)
        assert neighbour.connections == 0


@pytest.mark.parametrize(
    "template", ["http://{0}@{1}/", "http://{1}@{0}/", "http://{0}.evil.example/", "http://evil.example#{0}"]
)
def test_trust_cannot_be_borrowed(server, template):
    with serving(answer(200, b"another service")) as neighbour:
        try:
            fetched = fetch(template.format(server.address, neighbour.address), trusted=server.address).content
        except (network.Forbidden, httpx.InvalidURL):
            fetched = b""
        assert neighbour.connections == 0
        assert fetched in (b"", b"secret")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_a_private_address_is_refused(server, status):
    with serving(answer(200, b"metadata")) as private:
        server.behaviour = answer(status, location=f"https://{private.address}/latest/meta-data/")
        with pytest.raises(network.Forbidden):
            fetch(server.url, trusted=server.address, follow_redirects=True)
        assert private.connections == 0


@pytest.mark.parametrize(
    "target", ["http://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "https://user:pass@8.8.8.8/"]
)
def test_redirect_to_anything_but_plain_https_is_refused(server, target):
    server.behaviour = answer(302, location=target)
    with pytest.raises((network.Forbidden, httpx.UnsupportedProtocol)):
        fetch(server.url, trusted=server.address, follow_redirects=True)


def test_redirect_is_not_followed_unless_asked_for(server):
    server.behaviour = answer(302, location="/elsewhere")
    assert fetch(server.url, trusted=server.address).status_code == 302
    assert len(server.requests) == 1


def test_relative_redirect_stays_on_its_host(server):
    server.behaviour = servers.in_turn(answer(302, location="/elsewhere"), answer(200, b"there"))
    assert fetch(server.url, trusted=server.address, follow_redirects=True).content == b"there"
    assert [request.path for request in server.requests] == ["/", "/elsewhere"]


def test_redirects_end_after_three(server):
    server.behaviour = answer(302, location="/again")
    with pytest.raises(httpx.TooManyRedirects):
        fetch(server.url, trusted=server.address, follow_redirects=True)
    assert len(server.requests) == 4


# What a fetch tells about us


def test_fetch_names_itself_and_nothing_more(server):
    fetch(server.url, trusted=server.address)
    headers = server.requests[0].headers
    assert headers["user-agent"] == "Seedream Desk"
    assert headers["host"] == server.address
    assert headers.keys().isdisjoint({"authorization", "cookie", "referer"})


def test_fetch_ignores_a_proxy_of_the_environment(server, monkeypatch):
    with serving(answer(200, b"proxied")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert fetch(server.url, trusted=server.address).content == b"secret"
        assert proxy.connections == 0


def test_fetch_ignores_a_password_file_of_the_environment(server, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login alice password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetch(server.url, trusted=server.address)
    assert "authorization" not in server.requests[0].headers
