"""The one place where an httpx client is built: time-outs, pools, and the guard against private addresses."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from urllib.parse import urlsplit

import httpx
from django.utils.translation import gettext as _

CONNECT_SECONDS = 10.0
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(httpx.TransportError):
    """The address is not one that we fetch from: not public, not https, or not on the list."""


@cache
def ssl_context() -> ssl.SSLContext:
    """One for all clients: each of its own would cost about 0.6 MB a client."""
    return httpx.create_ssl_context()


def submit_client(base_url: str, token: str, timeout: float) -> httpx.AsyncClient:
    """A client for the paid POST. No connection is ever used twice: one that the far end has just closed would
    make an unsent request look like an ambiguous one."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return _provider_client(base_url, token, timeout, limits)


class ReadClients:
    """Clients for status, result, cancel and model calls, one connection each, handed out last in first out.

    httpx searches its whole pool for each request: 100 requests in one pool of 100 reach 63 a second, one
    connection a client 1,346.
    """

    def __init__(self, base_url: str, token: str, timeout: float):
        self._arguments = base_url, token, timeout
        self._idle: list[httpx.AsyncClient] = []
        self._all: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncClient]:
        client = self._idle.pop() if self._idle else self._new()
        try:
            yield client
        finally:
            self._idle.append(client)

    def _new(self) -> httpx.AsyncClient:
        client = _provider_client(*self._arguments, httpx.Limits(max_connections=1))
        self._all.append(client)
        return client

    async def aclose(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._all))


def _provider_client(base_url: str, token: str, timeout: float, limits: httpx.Limits) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
        limits=limits,
        verify=ssl_context(),
        trust_env=False,
        follow_redirects=False,
    )


def fetch_client(
    timeout: float, *, hosts: Iterable[str] = (), trusted: str = "", follow_redirects: bool = False
) -> httpx.AsyncClient:
    """A client for addresses that a user or the provider gave: public https only, and no token, ever.

    `hosts` are names or ".suffixes" that alone are allowed (all, when empty); `trusted` is the host:port of a
    provider beside us, which may be private and http.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(hosts=tuple(hosts), trusted=trusted),
        timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
        follow_redirects=follow_redirects,
        max_redirects=3,
        trust_env=False,
        headers={"User-Agent": "Seedream Desk"},
    )


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Resolves a name once, checks every address, and connects to the one that it checked.

    Each redirect passes here again, and a name that answers differently the second time (rebinding) is never
    asked a second time.
    """

    def __init__(self, *, hosts: tuple[str, ...] = (), trusted: str = ""):
        # No connection is kept: the pool knows an address, not the name whose certificate was checked.
        super().__init__(verify=ssl_context(), trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._hosts = hosts
        self._trusted = httpx.URL(f"http://{trusted}").netloc if trusted else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.netloc != self._trusted:
            check_address(str(url), self._hosts)
            host = url.raw_host.decode()
            address = await _public_address(host, url.port or 443)
            # A copy: httpx resolves a relative redirect against the request that it knows.
            request = httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        return await super().handle_async_request(request)


def check_address(url: str, hosts: Iterable[str] = ()) -> None:
    """Raise Forbidden unless `url` is https, without a password, and on one of `hosts` (any, when empty)."""
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "").lower().rstrip(".")
        is_plain = parts.scheme == "https" and name and not parts.username and not parts.password and parts.port != 0
    except ValueError:  # a port above 65535, half a bracket
        is_plain = False
    if not is_plain:
        raise Forbidden(_("Only https addresses without a password are fetched."))
    allowed = tuple(hosts)
    if allowed and not any(_matches(name, host.lower()) for host in allowed):
        raise Forbidden(_("%(name)s is not a host that files are fetched from.") % {"name": name})


def check_public(url: str) -> None:
    """Raise Forbidden when the name in `url` leads to a private address now. One that leads nowhere may do so later:
    it is looked at again whenever it is connected to."""
    try:
        parts = httpx.URL(url)
        asyncio.run(_public_address(parts.raw_host.decode(), parts.port or 443))
    except httpx.InvalidURL as problem:
        raise Forbidden(_("Only https addresses without a password are fetched.")) from problem
    except httpx.ConnectError:
        return


def _matches(name: str, host: str) -> bool:
    return name.endswith(host) if host.startswith(".") else name == host


async def _public_address(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise httpx.ConnectError(_("The name %(host)s is not known.") % {"host": host}) from problem
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(map(is_public, addresses)):
        raise Forbidden(_("%(host)s is not a public address.") % {"host": host})
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also when an IPv4 one hides inside IPv6."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if hidden is None:
            return ip in GLOBAL_UNICAST and ip.is_global
        ip = hidden
    return ip.is_global and not ip.is_multicast
