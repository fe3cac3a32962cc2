"""Refuses to serve everybody by accident: without API keys the gateway listens to this machine alone."""

import socket
from ipaddress import ip_address

from producer.settings import GatewaySettings
from schemas.errors import SettingsError


def refuse_open_doors(settings: GatewaySettings) -> None:
    """Return where the gateway may listen as it is set up.

    Raises:
        SettingsError: others can reach it and no keys are asked for, and no setting says that this is meant.
    """
    if settings.gateway_api_keys_file is None and not settings.gateway_allow_open and reachable(settings.gateway_host):
        raise SettingsError(
            f"GATEWAY_HOST={settings.gateway_host} can be reached from other machines, and no API keys are asked for. "
            "Make a key with `terrafusion keys create NAME` and set GATEWAY_API_KEYS_FILE, or listen on 127.0.0.1, "
            "or set GATEWAY_ALLOW_OPEN=true where something else keeps strangers out."
        )


def reachable(host: str) -> bool:
    """Return whether an address to listen on may be reached from other machines."""
    try:
        found = socket.getaddrinfo(host or None, 0, flags=socket.AI_PASSIVE)
    except OSError:
        return True
    return not all(ip_address(str(place[4][0]).partition("%")[0]).is_loopback for place in found)
