"""Which model store a setting names. Credentials come from the environment only, as everywhere with S3."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from processor.valuation.model.errors import NoSuchBundle
from processor.valuation.model.store import BundleStore, ModelStore
from schemas.settings import CommonSettings

_CONNECT: Final = timedelta(seconds=2)
_REQUEST: Final = timedelta(seconds=30)
_RETRIES: Final = 2
_RETRY_FOR: Final = timedelta(seconds=5)
_CACHE: Final = "model-cache"


def open_model_store(common: CommonSettings) -> BundleStore:
    """Return the store that ``MODEL_STORE_URL`` names: a path, ``file://`` or ``s3://BUCKET/PREFIX``.

    ``DATA_DIR/models`` where it is unset. Nothing is asked of an object store before the first bundle is.

    Raises:
        NoSuchBundle: the URL is of another kind, names no bucket, or holds credentials.
    """
    url = common.model_store_url
    if url is None:
        return ModelStore(common.data_dir / "models")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return ModelStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        return _object_store(parts, common)
    if parts.scheme:
        raise NoSuchBundle(f"MODEL_STORE_URL: {parts.scheme}:// is not known here; use a path, file:// or s3://")
    return ModelStore(Path(url))


def _object_store(parts: SplitResult, common: CommonSettings) -> BundleStore:
    from obstore.store import S3Store  # noqa: PLC0415 - start-up time

    from processor.model_store.objects import Objects  # noqa: PLC0415 - start-up time
    from processor.model_store.remote import ObjectModelStore  # noqa: PLC0415 - start-up time

    if "@" in parts.netloc:
        raise NoSuchBundle("MODEL_STORE_URL holds credentials: they belong into AWS_ACCESS_KEY_ID and its like")
    if not parts.netloc:
        raise NoSuchBundle("MODEL_STORE_URL names no bucket: s3://BUCKET/PREFIX")
    endpoint, prefix = common.model_store_endpoint_url, parts.path.strip("/")
    store = S3Store(
        parts.netloc,
        prefix=prefix or None,
        config={} if endpoint is None else {"endpoint": endpoint},
        client_options={
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
            "connect_timeout": _CONNECT,
            "timeout": _REQUEST,
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
    )
    address = "/".join(filter(None, ("s3:/", parts.netloc, prefix)))
    cache = common.data_dir / _CACHE / hashlib.sha256(f"{endpoint} {address}".encode()).hexdigest()[:12]
    return ObjectModelStore(Objects(store, address), ModelStore(cache))
