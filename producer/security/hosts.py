"""Refuses what another site's page sends here by a name of its own that it made to mean this machine (DNS rebinding).

Such a page is of the same origin in its browser's eyes, so that no other rule holds it back. It matters where no key is
asked for and the gateway listens to this machine alone: elsewhere the key is what keeps strangers out.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from producer.errors import Misdirected
from producer.security.exposure import reachable
from producer.settings import GatewaySettings

_REMEMBERED: Final = 64


class Hosts:
    """The names by which a gateway may be called.

    An address may always be, and a name without a dot or under ``localhost``: no stranger can have such a name.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._good: set[str] = set()

    def check(self, request: web.Request) -> None:
        """Let a request in that calls the gateway by one of its names, or by none, as browsers never do.

        Raises:
            Misdirected: it calls the gateway by a name that is none of its own.
        """
        stated = request.headers.get("Host")
        if stated is None or stated in self._good:
            return
        if not self._known(stated):
            raise Misdirected(
                "This gateway is not known by that name; GATEWAY_HOSTS takes further names, with commas between."
            )
        if len(self._good) < _REMEMBERED:
            self._good.add(stated)

    def _known(self, stated: str) -> bool:
        try:
            name = (urlsplit(f"//{stated}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return "." not in name or name.endswith(".localhost") or name in self._names or _is_address(name)


def hosts_for(settings: GatewaySettings) -> Hosts | None:
    """Return the names that count where the gateway listens to this machine alone and asks for no keys; else None."""
    more = frozenset(each.strip().lower().rstrip(".") for each in settings.gateway_hosts.split(",") if each.strip())
    if settings.gateway_api_keys_file is not None or "*" in more or reachable(settings.gateway_host):
        return None
    return Hosts(more | {settings.gateway_host.lower()})


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
