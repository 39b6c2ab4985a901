"""The clients of RunComfy as the settings want them: its Model API, its account, the files that it names."""

import httpx
from django.conf import settings

from . import network
from .runcomfy import RunComfy


def model_api(read_timeout: float | None = None) -> RunComfy:
    """`read_timeout`, in seconds, for who waits less long than RUNCOMFY_READ_TIMEOUT."""
    return RunComfy(
        settings.RUNCOMFY_BASE_URL,
        settings.RUNCOMFY_API_TOKEN,
        submit_timeout=settings.RUNCOMFY_SUBMIT_TIMEOUT,
        read_timeout=read_timeout or settings.RUNCOMFY_READ_TIMEOUT,
    )


def account_api(read_timeout: float) -> RunComfy:
    """The account's own address, which knows the balance."""
    return RunComfy(settings.RUNCOMFY_ACCOUNT_URL, settings.RUNCOMFY_API_TOKEN, read_timeout=read_timeout)


def output_files() -> httpx.AsyncClient:
    """For downloads from RUNCOMFY_OUTPUT_HOSTS, and no other."""
    return network.fetch_client(
        settings.RUNCOMFY_READ_TIMEOUT, hosts=settings.RUNCOMFY_OUTPUT_HOSTS, trusted=settings.TRUSTED_ADDRESS
    )
